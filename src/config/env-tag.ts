/**
 * `!env NAME`: a value that is read from the environment when the identity is used and not before, so a
 * variable that is not needed may be unset.
 */
export interface EnvRef {
  readonly env: string
}

/** A text of the configuration, or the variable to read it from. */
export type Text = string | EnvRef

/** T with every reference replaced by its text. */
export type Substituted<T> = T extends string | number | boolean
  ? T
  : T extends EnvRef
    ? string
    : T extends readonly (infer Item)[]
      ? Substituted<Item>[]
      : { [Key in keyof T]: Substituted<T[Key]> }

type Env = Readonly<Record<string, string | undefined>>

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Holds what the tag created: a mapping `{ env: X }` in the file is a fault, not a reference. */
const references = new WeakSet<object>()

export function createEnvRef(name: string): EnvRef {
  const ref = Object.freeze({ env: name })
  references.add(ref)
  return ref
}

export function isEnvRef(value: unknown): value is EnvRef {
  return typeof value === 'object' && value !== null && references.has(value)
}

export function isVariableName(name: string): boolean {
  return VARIABLE.test(name)
}

/** Every text of the configuration must be one line without control characters. */
export const isLine = (text: string) => text !== '' && !/[\u0000-\u001f\u007f]/.test(text)

/**
 * Reads every reference. An unset or empty variable is treated as a missing key. `variables` receives the
 * variable of each reference by its path: `endpoints.token`, `scopes.0`.
 */
export function substituteRefs<T>(value: T, env: Env, variables = new Map<string, string>()): Substituted<T> {
  return substituteAt(value, '', env, variables) as Substituted<T>
}

function substituteAt(value: unknown, path: string, env: Env, variables: Map<string, string>): unknown {
  if (isEnvRef(value)) {
    variables.set(path, value.env)
    return env[value.env] || undefined
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .map(
      ([key, item]) =>
        [key, substituteAt(item, path === '' ? key : `${path}.${key}`, env, variables)] as const,
    )
    .filter(([, item]) => item !== undefined)
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries)
}

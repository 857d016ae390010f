/**
 * `!env NAME`: a value that stands in the environment, read when the identity is used and never before, so that
 * a variable nobody needs today may be unset.
 */
export interface EnvRef {
  readonly env: string
}

/** A text of the configuration: written there, or where to read it. */
export type Text = string | EnvRef

/** The same with every reference replaced by its text. */
export type Read<T> = T extends string | number | boolean
  ? T
  : T extends EnvRef
    ? string
    : T extends readonly (infer Item)[]
      ? Read<Item>[]
      : { [Key in keyof T]: Read<T[Key]> }

type Env = Readonly<Record<string, string | undefined>>

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Only what the tag made counts: a mapping `{ env: X }` in the file is a mistake, not a reference. */
const made = new WeakSet<object>()

export function envRef(name: string): EnvRef {
  const ref = Object.freeze({ env: name })
  made.add(ref)
  return ref
}

export function isEnvRef(value: unknown): value is EnvRef {
  return typeof value === 'object' && value !== null && made.has(value)
}

export function isVariableName(name: string): boolean {
  return VARIABLE.test(name)
}

/** What every text of the configuration has to be, wherever it stands. */
export const isLine = (text: string) => text !== '' && !/[\u0000-\u001f\u007f]/.test(text)

/**
 * Reads every reference. A variable that is unset or empty counts as the key not being there. `variables` is told the
 * variable of each reference, by its path: `endpoints.token`, `scopes.0`.
 */
export function readRefs<T>(value: T, env: Env, variables = new Map<string, string>()): Read<T> {
  return readAt(value, '', env, variables) as Read<T>
}

function readAt(value: unknown, path: string, env: Env, variables: Map<string, string>): unknown {
  if (isEnvRef(value)) {
    variables.set(path, value.env)
    return env[value.env] || undefined
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .map(([key, item]) => [key, readAt(item, path === '' ? key : `${path}.${key}`, env, variables)] as const)
    .filter(([, item]) => item !== undefined)
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries)
}

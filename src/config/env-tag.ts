/**
 * `!env NAME`: a value that stands in the environment, read when the identity is used and never before, so that
 * a variable nobody needs today may be unset.
 */
export interface EnvRef {
  readonly env: string
}

/** A text of the configuration: written there, or where to read it. */
export type Text = string | EnvRef

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

import { DaypassError } from './errors.ts'
import { sanitize } from './text.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

/**
 * Returns whether an identity may have this name. Names that begin with `__` are reserved, and do not match.
 */
export function isIdentityName(name: string): boolean {
  return NAME.test(name)
}

export function assertIdentityName(name: string): string {
  if (isIdentityName(name)) return name
  throw new DaypassError('usage', `"${sanitize(name.slice(0, 80))}" cannot be the name of an identity`, {
    hint: 'use 1 to 64 of A-Z a-z 0-9 . _ @ -, beginning with a letter or a digit',
  })
}

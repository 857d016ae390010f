import { DaypassError } from '../core/errors.ts'

/** Identity names, and our own behind `__`. Dots and dashes never come first, so no file is hidden or `..`. */
const NAME = /^(?:__)?[A-Za-z0-9][A-Za-z0-9._@-]{0,95}$/
const GRANT_SUFFIX = '.grant'

/** Windows gives these to devices whatever the suffix: `con.grant` would open the console. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/

/**
 * A name as files bear it, so that no two names meet on a disk that ignores case: `Work` and `work` are
 * `+work` and `work`. `+` is in no name, so the way back is unambiguous.
 */
export function encodeName(name: string): string {
  if (!NAME.test(name)) {
    throw new DaypassError('vault', `${JSON.stringify(name.slice(0, 80))} cannot be the name of a record`, {
      hint: 'use 1 to 64 of A-Z a-z 0-9 . _ @ -, beginning with a letter or a digit',
    })
  }
  const folded = name.replace(/[A-Z]/g, (letter) => `+${letter.toLowerCase()}`)
  return DEVICE.test(folded) ? `+_${folded}` : folded
}

/** `undefined`: not one of ours. */
export function decodeName(encoded: string): string | undefined {
  const name = encoded.replace(/^\+_/, '').replace(/\+([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return NAME.test(name) && encodeName(name) === encoded ? name : undefined
}

export function encodeGrantFileName(name: string): string {
  return encodeName(name) + GRANT_SUFFIX
}

/** The name whose record a file is; `undefined` for everything else that lies in the folder. */
export function decodeGrantFileName(file: string): string | undefined {
  return file.endsWith(GRANT_SUFFIX) ? decodeName(file.slice(0, -GRANT_SUFFIX.length)) : undefined
}

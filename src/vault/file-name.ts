import { DaypassError } from '../core/errors.ts'

/**
 * Identity names, and reserved names behind `__`. A dot or dash is never first, so no file is hidden or `..`.
 */
const NAME = /^(?:__)?[A-Za-z0-9][A-Za-z0-9._@-]{0,95}$/
const GRANT_SUFFIX = '.grant'

/** Names of Windows devices, with any suffix: `con.grant` would open the console. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/

/**
 * Encodes a name so that two names never collide on a disk that ignores case: `Work` and `work` become
 * `+work` and `work`. No name contains `+`, so decoding is unambiguous.
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

/** Decodes a name. Returns undefined where the text is not an encoded name. */
export function decodeName(encoded: string): string | undefined {
  const name = encoded.replace(/^\+_/, '').replace(/\+([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return NAME.test(name) && encodeName(name) === encoded ? name : undefined
}

export function encodeGrantFileName(name: string): string {
  return encodeName(name) + GRANT_SUFFIX
}

/** Returns the name of a record's file, and undefined for any other file in the folder. */
export function decodeGrantFileName(file: string): string | undefined {
  return file.endsWith(GRANT_SUFFIX) ? decodeName(file.slice(0, -GRANT_SUFFIX.length)) : undefined
}

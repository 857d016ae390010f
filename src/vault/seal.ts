/**
 * A record's text. Line 1 is the clear header as JSON. Where something is sealed, line 2 is what is used and line 3 is
 * how it is renewed, each with a key of its own: base64 of iv(12) | tag(16) | AES-256-GCM ciphertext. The exact bytes of
 * line 1 are authenticated with line 3, and those of lines 1 and 3 with line 2, so the use key alone tells whether a
 * record is whole. Every line ends with \n, so a record that was cut short is seen to be.
 *
 * A record of version 1 has one sealed part, line 2, with the key that renews.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { DaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { KeyLocation } from '../core/types.ts'
import {
  type ClearHeader,
  createDamagedError,
  parseClearHeader,
  type RecordLines,
  splitRecord,
} from './header.ts'

const IV = 12
const TAG = 16
/** Part of the format: another label would be another key. */
const USE_KEY_LABEL = 'daypass record use key'

/** What opens a record's two parts. The use key follows from the renew key; a machine may have the first alone. */
export interface RecordKeys {
  use: Buffer
  renew?: Buffer
}

export type BothKeys = Required<RecordKeys>

/** What of a record each key opens. Each is an object of JSON values and Secrets. */
export interface RecordParts {
  use: object
  renew: object
}

/**
 * HKDF-SHA256 without a salt (RFC 5869). 32 bytes take one HMAC for each of its two steps; `hkdfSync` takes 0.2 ms more
 * of a start.
 */
export function deriveKeys(renew: Buffer): BothKeys {
  const extracted = createHmac('sha256', '').update(renew).digest()
  return { renew, use: createHmac('sha256', extracted).update(`${USE_KEY_LABEL}\x01`).digest() }
}

/** Without sealed parts, line 1 alone. */
export function encodeRecord(header: ClearHeader): string {
  return `${encodeHeaderLine(header)}\n`
}

/** Omits numbers that JSON would write as `null`, because no reader accepts a header with `null`. */
function encodeHeaderLine(header: ClearHeader): string {
  return JSON.stringify({ ...header, v: 2 }, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? undefined : value,
  )
}

export function sealRecord(
  header: ClearHeader & { key: KeyLocation },
  { use, renew }: RecordParts,
  keys: BothKeys,
): string {
  const line = encodeHeaderLine(header)
  const renewLine = seal(renew, keys.renew, line)
  return `${line}\n${seal(use, keys.use, `${line}\n${renewLine}`)}\n${renewLine}\n`
}

function seal(part: object, key: Buffer, authenticated: string): string {
  const iv = randomBytes(IV)
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG })
  cipher.setAAD(Buffer.from(authenticated, 'utf8'))
  const sealed = Buffer.concat([cipher.update(encodePart(part), 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')
}

/** Computes the length of the sealed record in bytes, to reserve it on disk. */
export function computeSealedLength(
  header: ClearHeader & { key: KeyLocation },
  { use, renew }: RecordParts,
): number {
  const parts = computePartLength(use) + 1 + computePartLength(renew) + 1
  return Buffer.byteLength(encodeHeaderLine(header)) + 1 + parts
}

export function computePartLength(part: object): number {
  return Math.ceil((IV + TAG + Buffer.byteLength(encodePart(part))) / 3) * 4
}

/** What is used of a record; `undefined` where nothing is sealed. Of version 1, all of it, with the key that renews. */
export function openUse(text: string, name: string, keys: RecordKeys | undefined): object | undefined {
  const [line, first, second] = splitSealed(text, name)
  if (first === undefined) return undefined
  if (keys === undefined) throw createDamagedError(name, 'its key was not given')
  const { use, renew } = keys
  if (second !== undefined) return open(first, use, `${line}\n${second}`, name)
  if (renew === undefined) throw createUseOnlyError(name)
  return open(first, renew, line, name)
}

/** Both parts in one; `undefined` where nothing is sealed. */
export function openBody(text: string, name: string, keys: RecordKeys | undefined): object | undefined {
  const used = openUse(text, name, keys)
  const [line, , second] = splitSealed(text, name)
  if (used === undefined || second === undefined) return used
  return { ...used, ...open(second, requireBothKeys(keys!, name).renew, line, name) }
}

/** As many sealed parts as the header promises. */
function splitSealed(text: string, name: string): RecordLines {
  const lines = splitRecord(text, name)
  const [line, ...parts] = lines
  const { v, key } = parseClearHeader(line, name)
  const promised = key === undefined ? 0 : v
  if (parts.length < promised) throw createDamagedError(name, 'it was cut short')
  if (parts.length > promised)
    throw createDamagedError(
      name,
      promised === 0 ? 'a body without a key' : 'it has more lines than a record',
    )
  if (!parts.every(isSealed)) throw createDamagedError(name, 'its body was changed')
  return lines
}

/** Node ignores characters outside base64 and unused bits of the last one; only the canonical form is accepted. */
function isSealed(part = ''): boolean {
  const bytes = Buffer.from(part, 'base64')
  return bytes.length > IV + TAG && bytes.toString('base64') === part
}

/** Throws where only the use key is there. */
export function requireBothKeys({ use, renew }: RecordKeys, name: string): BothKeys {
  if (renew !== undefined) return { use, renew }
  throw createUseOnlyError(name)
}

/** No login would help: it is the key that is missing, and the grant is good. */
function createUseOnlyError(name: string): DaypassError {
  return new DaypassError('vault', `the key that renews \`${name}\` is not on this machine`, {
    hint: 'renew it where that key is, then try again',
  })
}

function open(part: string, key: Buffer, authenticated: string, name: string): object {
  return decodePart(unseal(part, key, authenticated, name), name)
}

function unseal(part: string, key: Buffer, authenticated: string, name: string): string {
  const bytes = Buffer.from(part, 'base64')
  try {
    const opener = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV), { authTagLength: TAG })
    opener.setAAD(Buffer.from(authenticated, 'utf8')).setAuthTag(bytes.subarray(IV, IV + TAG))
    return opener.update(bytes.subarray(IV + TAG), undefined, 'utf8') + opener.final('utf8')
  } catch (cause) {
    throw createDamagedError(name, 'it was changed, or sealed with another key', cause)
  }
}

/**
 * Encodes a Secret as `{"$secret":"…"}`. Any other key that begins with `$` gets one more `$`, so data from a
 * server cannot pass for a Secret and loses no character.
 */
function encodePart(part: object): string {
  return JSON.stringify(encodeSecrets(part))
}

function encodeSecrets(value: unknown): unknown {
  if (value instanceof Secret) return { $secret: value.reveal() }
  if (Array.isArray(value)) return value.map(encodeSecrets)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key.startsWith('$') ? `$${key}` : key, encodeSecrets(part)]),
  )
}

function decodePart(text: string, name: string): object {
  try {
    return decodeSecrets(JSON.parse(text)) as object
  } catch (cause) {
    throw createDamagedError(name, 'its body is not JSON', cause)
  }
}

function decodeSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decodeSecrets)
  if (typeof value !== 'object' || value === null) return value
  if ('$secret' in value && typeof value.$secret === 'string') return new Secret(value.$secret)
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key.startsWith('$') ? key.slice(1) : key,
      decodeSecrets(part),
    ]),
  )
}

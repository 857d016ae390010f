/**
 * The text of a record. Line 1 is the header as JSON; its exact bytes are authenticated with the body. Line 2,
 * where a body is sealed, is base64 of iv(12) | tag(16) | AES-256-GCM ciphertext. Every line ends with \n, so a
 * truncated record is recognized.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { Secret } from '../core/secret.ts'
import type { KeyLocation } from '../core/types.ts'
import { type ClearHeader, createDamagedError, parseClearHeader, splitRecord } from './header.ts'

const IV = 12
const TAG = 16

/** Encodes a record without a body: line 1 alone. */
export function encodeRecord(header: ClearHeader): string {
  return `${encodeHeaderLine(header)}\n`
}

/** Omits numbers that JSON would write as `null`, because no reader accepts a header with `null`. */
function encodeHeaderLine(header: ClearHeader): string {
  return JSON.stringify(header, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? undefined : value,
  )
}

export function sealRecord(header: ClearHeader & { key: KeyLocation }, body: unknown, key: Buffer): string {
  const line = encodeHeaderLine(header)
  const iv = randomBytes(IV)
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG })
  cipher.setAAD(Buffer.from(line, 'utf8'))
  const sealed = Buffer.concat([cipher.update(encodeBody(body), 'utf8'), cipher.final()])
  return `${line}\n${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')}\n`
}

/** Computes the length of the sealed record in bytes, to reserve it on disk. */
export function computeSealedLength(header: ClearHeader & { key: KeyLocation }, body: unknown): number {
  const sealed = IV + TAG + Buffer.byteLength(encodeBody(body))
  return Buffer.byteLength(encodeHeaderLine(header)) + Math.ceil(sealed / 3) * 4 + 2
}

/** Opens the body. Returns undefined where none is sealed; throws `vault` where it is damaged. */
export function openBody(text: string, name: string, key: Buffer | undefined): unknown {
  const [line, body] = splitRecord(text, name)
  const sealed = parseClearHeader(line, name).key !== undefined
  if (sealed !== (body !== undefined))
    throw createDamagedError(name, sealed ? 'it was cut short' : 'a body without a key')
  if (body === undefined) return undefined
  if (key === undefined) throw createDamagedError(name, 'its key was not given')
  return decodeBody(unseal(line, body, name, key), name)
}

function unseal(line: string, body: string, name: string, key: Buffer): string {
  const bytes = Buffer.from(body, 'base64')
  // Node ignores characters outside base64 and unused bits of the last one; only the canonical form is
  // accepted.
  if (bytes.length <= IV + TAG || bytes.toString('base64') !== body)
    throw createDamagedError(name, 'its body was changed')
  try {
    const opener = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV), { authTagLength: TAG })
    opener.setAAD(Buffer.from(line, 'utf8')).setAuthTag(bytes.subarray(IV, IV + TAG))
    return opener.update(bytes.subarray(IV + TAG), undefined, 'utf8') + opener.final('utf8')
  } catch (cause) {
    throw createDamagedError(name, 'it was changed, or sealed with another key', cause)
  }
}

/**
 * Encodes a Secret as `{"$secret":"…"}`. Any other key that begins with `$` gets one more `$`, so data from a
 * server cannot pass for a Secret and loses no character.
 */
function encodeBody(body: unknown): string {
  return JSON.stringify(encodeSecrets(body))
}

function encodeSecrets(value: unknown): unknown {
  if (value instanceof Secret) return { $secret: value.reveal() }
  if (Array.isArray(value)) return value.map(encodeSecrets)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key.startsWith('$') ? `$${key}` : key, encodeSecrets(part)]),
  )
}

function decodeBody(text: string, name: string): unknown {
  try {
    return decodeSecrets(JSON.parse(text))
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

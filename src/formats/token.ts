import { formatTime } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import { formatJson } from '../core/json.ts'
import type { BearerCredential, Credential } from '../core/types.ts'

export type TokenForm = 'plain' | 'header' | 'json'

/**
 * Formats an access token as requested, in one line. Throws `usage` for cloud keys, and for the header of a
 * token that also needs a proof (RFC 9449 §7.1).
 */
export function formatToken(
  identity: string,
  credential: Credential,
  form: TokenForm,
  clockOffset = 0,
): string {
  if (credential.kind !== 'bearer') throw createNotATokenError(identity)
  const token = credential.token.reveal()
  if (form === 'header' && isKeyBound(credential)) throw createNeedsProofError(identity)
  if (form === 'header') return `Authorization: Bearer ${token}`
  return form === 'json' ? formatJson(buildTokenJson(identity, credential, token, clockOffset)) : token
}

function buildTokenJson(identity: string, credential: BearerCredential, token: string, clockOffset: number) {
  const { token_type, expires_at } = describeToken(credential, clockOffset)
  return { identity, token, token_type, expires_at }
}

/** Formats the current token as JSON, for a program that asks again and again. */
export const formatTokenAnswer = (credential: BearerCredential, clockOffset: number): string =>
  formatJson({ token: credential.token.reveal(), ...describeToken(credential, clockOffset) })

function describeToken({ tokenType, expiresAt }: BearerCredential, clockOffset: number) {
  // By this machine's clock, which the program compares it with.
  const expires_at = expiresAt === undefined ? null : formatTime(expiresAt - clockOffset)
  return { token_type: tokenType, expires_at }
}

/** Returns whether each request with the token also needs a proof of a key, made for that request. */
export const isKeyBound = ({ tokenType }: BearerCredential) => tokenType === 'dpop'

const createNeedsProofError = (identity: string) =>
  new DaypassError(
    'usage',
    `the token of ${identity} is bound to a key, and a header alone does not present it`,
    {
      hint: (command) =>
        `${command({ verb: 'fetch', args: ['URL'], identity })}, or fetch of the library, which make the proof`,
    },
  )

const createNotATokenError = (identity: string) =>
  new DaypassError('usage', `${identity} has cloud keys, not a token`, {
    hint: (command) =>
      `use ${command({ verb: 'env' })}, ${command({ verb: 'exec' })} or ${command({ verb: 'credential-process' })}`,
  })

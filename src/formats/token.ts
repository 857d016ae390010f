import { formatTime } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import { formatJson } from '../core/json.ts'
import type { BearerCredential, Credential } from '../core/types.ts'

export type TokenForm = 'plain' | 'header' | 'json'

/**
 * An access token in the words that were asked for; one line. Throws `usage` for cloud keys, and for a header of a
 * token that no header alone can present (RFC 9449 §7.1).
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

/** The token of the moment for a program that asks again and again, as JSON. */
export const formatTokenAnswer = (credential: BearerCredential, clockOffset: number): string =>
  formatJson({ token: credential.token.reveal(), ...describeToken(credential, clockOffset) })

function describeToken({ tokenType, expiresAt }: BearerCredential, clockOffset: number) {
  // On the caller's own clock, which is what they compare it with.
  const expires_at = expiresAt === undefined ? null : formatTime(expiresAt - clockOffset)
  return { token_type: tokenType, expires_at }
}

/** To a key: whoever is shown the token wants a proof beside it, made for that very request. */
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

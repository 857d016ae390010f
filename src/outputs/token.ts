import { isoTime } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import type { BearerCredential, Credential } from '../core/types.ts'

export type TokenForm = 'plain' | 'header' | 'json'

/** An access token in the words that were asked for; one line. Throws `usage` for cloud keys. */
export function tokenText(
  identity: string,
  credential: Credential,
  form: TokenForm,
  clockOffset = 0,
): string {
  if (credential.kind !== 'bearer') throw notAToken(identity)
  const token = credential.token.reveal()
  if (form === 'header') return `Authorization: Bearer ${token}`
  return form === 'json' ? JSON.stringify(tokenJson(identity, credential, token, clockOffset)) : token
}

function tokenJson(
  identity: string,
  { tokenType, expiresAt }: BearerCredential,
  token: string,
  clockOffset: number,
) {
  // On the caller's own clock, which is what they compare it with.
  const expires_at = expiresAt === undefined ? null : isoTime(expiresAt - clockOffset)
  return { identity, token, token_type: tokenType, expires_at }
}

const notAToken = (identity: string) =>
  new DaypassError('usage', `${identity} has cloud keys, not a token`, {
    hint: 'use daypass env, daypass exec or daypass credential-process',
  })

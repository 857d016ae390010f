/** Renewal of an OAuth grant: a refresh token in, the next record out. */

import { isDaypassError } from '../core/errors.ts'
import type { BearerCredential, Credential, Grant, Header, WireFormat } from '../core/types.ts'
import { CENTURY } from '../oauth/http.ts'
import { type Refusal, refusalError } from '../oauth/refusal.ts'
import type { Party } from '../oauth/server.ts'
import { type Issued, refresh } from '../oauth/token.ts'
import { keysOf } from '../oauth/wire-format.ts'
import type { Renewed } from './renew.ts'
import type { Held, Steps } from './renewal-journal.ts'

export async function renewOAuth(party: Party, { header, grant }: Held, steps: Steps): Promise<Renewed> {
  if (!grant.refreshToken) return { failure: 'dead', why: 'there is no refresh token' }
  await steps.spending()
  try {
    const outcome = await refresh(party, grant.refreshToken)
    if ('refusal' in outcome) return failed(outcome.refusal)
    return {
      entry: renewedEntry(header, grant, outcome, party),
      ...(outcome.problem && { problem: outcome.problem }),
    }
  } catch (error) {
    if (isDaypassError(error, 'network')) return { failure: 'passing', error, unanswered: true }
    throw error
  }
}

function failed(refusal: Refusal): Renewed {
  const why = refusal.message
  if (refusal.kind === 'dead') return { failure: 'dead', why }
  if (refusal.kind === 'unclear') return { failure: 'unclear', why }
  if (refusal.kind === 'refused') return { failure: 'refused', error: refusalError(refusal) }
  // A gateway in front of the server does not know either what became of the request.
  return { failure: 'passing', error: refusalError(refusal), unanswered: refusal.error === undefined }
}

/** No new refresh token in the answer: the old one stays (RFC 6749 §6). No new id_token: likewise. */
function renewedEntry(header: Header, grant: Grant, issued: Issued, { port, exchange }: Party): Held {
  const { accessToken, refreshToken = grant.refreshToken } = issued.tokens
  const credential = accessToken ? issuedCredential(issued, port.dialect, grant) : grant.credential
  const next: Grant = { ...grant, credential, ...(refreshToken && { refreshToken }) }
  const timed = withTimes(header, credential, issued.clockOffset)
  const { sessionExpiresAt: _, ...endless } = timed
  // One that was wished for at the login stays what it was.
  const isPairs = exchange && issued.tokens.refreshToken && header.params.duration === undefined
  const lasting = isPairs ? { ...endless, ...sessionOfPair(issued) } : timed
  return { header: { ...lasting, renewable: true }, grant: next }
}

/** How long nobody has to log in: as long as the refresh token lives, where the server says so, or the one token there is. */
export function sessionOfPair({ tokens, issuedAt }: Issued): Pick<Header, 'sessionExpiresAt'> {
  const { refreshToken, refreshExpiresIn, expiresIn } = tokens
  const life = refreshToken ? refreshExpiresIn : expiresIn
  return life === undefined ? {} : { sessionExpiresAt: issuedAt + life * 1000 }
}

/** The credential of a token answer: a bearer token, or what the access tokens of this server hold. */
export function issuedCredential(issued: Issued, dialect?: WireFormat, before?: Grant): Credential {
  const { tokens } = issued
  if (dialect) return { ...keysOf(dialect, tokens.accessToken!), ...lifeOf(issued) }
  return bearer(issued, before?.credential.kind === 'bearer' ? before.credential : undefined)
}

/** Times are the server's. What the token itself says counts where the answer says nothing (RFC 9068 §2.2). */
function lifeOf({ tokens, issuedAt }: Issued): { issuedAt: number; expiresAt?: number } {
  const { expiresIn, accessClaims } = tokens
  const exp = Number(accessClaims?.exp) * 1000
  const own = exp > issuedAt && exp - issuedAt < CENTURY * 1000 ? exp : undefined
  const expiresAt = expiresIn === undefined ? own : issuedAt + expiresIn * 1000
  return { issuedAt, ...(expiresAt !== undefined && { expiresAt }) }
}

function bearer(issued: Issued, old?: BearerCredential): BearerCredential {
  const { tokens } = issued
  const { accessToken, tokenType } = tokens
  const idToken = tokens.idToken ?? old?.idToken
  const scope = tokens.scope ?? old?.scope
  return {
    kind: 'bearer',
    token: accessToken!,
    tokenType,
    ...lifeOf(issued),
    ...(idToken && { idToken }),
    ...(scope !== undefined && { scope }),
  }
}

/** A header with the times of this credential; the ones it had before are gone. */
export function withTimes(header: Untimed, { issuedAt, expiresAt }: Credential, clockOffset: number): Header {
  const { issuedAt: _issued, expiresAt: _expires, clockOffset: _offset, ...rest } = header as Header
  return {
    ...rest,
    issuedAt,
    ...(expiresAt !== undefined && { expiresAt }),
    ...(clockOffset !== 0 && { clockOffset }),
  }
}

type Untimed = Omit<Header, 'issuedAt' | 'expiresAt' | 'clockOffset'>

/** The record of a new login. */
export function newEntry(about: About, grant: Grant, clockOffset: number): Held {
  const renewable = grant.refreshToken !== undefined || grant.source !== undefined
  return { header: withTimes({ v: 1, renewable, ...about }, grant.credential, clockOffset), grant }
}

/** `renewable`: where the grant alone does not tell. */
type About = Omit<Untimed, 'v' | 'renewable'> & Partial<Pick<Untimed, 'renewable'>>

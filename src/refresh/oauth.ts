/** Renews an OAuth grant: exchanges a refresh token for the next record. */

import { DaypassError, isDaypassError } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import type { BearerCredential, Credential, Grant, Header, WireFormat } from '../core/types.ts'
import { CENTURY } from '../oauth/http.ts'
import { parseIdentityClaims } from '../oauth/jwt.ts'
import { createRefusalError, type Refusal } from '../oauth/refusal.ts'
import type { ClientContext } from '../oauth/server.ts'
import { type IssuedTokens, refreshTokens } from '../oauth/token.ts'
import { parseTokenKeys } from '../oauth/wire-format.ts'
import type { RenewalOutcome } from './renew.ts'
import type { RenewalSteps, StoredGrant } from './renewal-journal.ts'

export async function renewOAuth(
  context: ClientContext,
  { header, grant }: StoredGrant,
  steps: RenewalSteps,
): Promise<RenewalOutcome> {
  if (!grant.refreshToken) return { failure: 'dead', why: 'there is no refresh token' }
  await steps.markSpending()
  try {
    const outcome = await refreshTokens(context, grant.refreshToken)
    if ('refusal' in outcome) return convertTokenRefusal(outcome.refusal)
    const problem = outcome.problem ?? findOtherSubject(header, grant, outcome)
    if (!problem) return { entry: createRenewedEntry(header, grant, outcome, context) }
    const { accessToken: _, idToken: __, ...others } = outcome.tokens
    return { entry: createRenewedEntry(header, grant, { ...outcome, tokens: others }, context), problem }
  } catch (error) {
    if (isDaypassError(error, 'network')) return { failure: 'passing', error, unanswered: true }
    throw error
  }
}

/** OpenID Connect Core §12.2: a renewal is of the same person, and of the same issuer. */
function findOtherSubject(
  { name }: Header,
  { credential }: Grant,
  { stated }: IssuedTokens,
): DaypassError | undefined {
  const idToken = credential.kind === 'bearer' ? credential.idToken : undefined
  if (!idToken || !stated) return undefined
  const before = parseIdentityClaims(idToken)
  const changed = (['iss', 'sub'] as const).find(
    (claim) => before[claim] !== undefined && stated[claim] !== before[claim],
  )
  if (changed === undefined) return undefined
  const [was, is] = [before, stated].map((claims) => sanitize(claims[changed]))
  return new DaypassError(
    'refused',
    `the renewal of ${name} is for someone else: ${changed} was ${was} and is ${is}`,
    {
      advice: { verb: 'login', identity: name },
    },
  )
}

function convertTokenRefusal(refusal: Refusal): RenewalOutcome {
  const why = refusal.message
  if (refusal.kind === 'dead') return { failure: 'dead', why }
  if (refusal.kind === 'unclear') return { failure: 'unclear', why }
  if (refusal.kind === 'refused') return { failure: 'refused', error: createRefusalError(refusal) }
  // Without an error code, the answer may come from a gateway, which does not know whether the server acted
  // on the request.
  return { failure: 'passing', error: createRefusalError(refusal), unanswered: refusal.error === undefined }
}

/** Without a new refresh token the old one stays (RFC 6749 §6). The same is true for the id_token. */
function createRenewedEntry(
  header: Header,
  grant: Grant,
  issued: IssuedTokens,
  { port, exchange }: ClientContext,
): StoredGrant {
  const { accessToken, refreshToken = grant.refreshToken } = issued.tokens
  const credential = accessToken ? createIssuedCredential(issued, port.wireFormat, grant) : grant.credential
  const next: Grant = { ...grant, credential, ...(refreshToken && { refreshToken }) }
  const timed = applyTimes(header, credential, issued.clockOffset)
  const { sessionExpiresAt: _, ...endless } = timed
  // A session length that was chosen at the login stays unchanged.
  const isPairs = exchange && issued.tokens.refreshToken && header.params.duration === undefined
  const lasting = isPairs ? { ...endless, ...computePairSession(issued) } : timed
  return { header: { ...lasting, renewable: true }, grant: next }
}

/**
 * Computes the session end from the lifetime of the refresh token, where given, or of the only access token.
 */
export function computePairSession({ tokens, issuedAt }: IssuedTokens): Pick<Header, 'sessionExpiresAt'> {
  const { refreshToken, refreshExpiresIn, expiresIn } = tokens
  const life = refreshToken ? refreshExpiresIn : expiresIn
  return life === undefined ? {} : { sessionExpiresAt: issuedAt + life * 1000 }
}

/** Creates the credential of a token response: a bearer token, or the keys that the access token holds. */
export function createIssuedCredential(
  issued: IssuedTokens,
  wireFormat?: WireFormat,
  before?: Grant,
): Credential {
  const { tokens } = issued
  if (wireFormat)
    return { ...parseTokenKeys(wireFormat, tokens.accessToken!), ...computeCredentialTimes(issued) }
  return createBearer(issued, before?.credential.kind === 'bearer' ? before.credential : undefined)
}

/** Times are the server's. The token's own `exp` counts where the response has none (RFC 9068 §2.2). */
function computeCredentialTimes({ tokens, issuedAt }: IssuedTokens): {
  issuedAt: number
  expiresAt?: number
} {
  const { expiresIn, accessClaims } = tokens
  const exp = Number(accessClaims?.exp) * 1000
  const own = exp > issuedAt && exp - issuedAt < CENTURY * 1000 ? exp : undefined
  const expiresAt = expiresIn === undefined ? own : issuedAt + expiresIn * 1000
  return { issuedAt, ...(expiresAt !== undefined && { expiresAt }) }
}

function createBearer(issued: IssuedTokens, old?: BearerCredential): BearerCredential {
  const { tokens } = issued
  const { accessToken, tokenType } = tokens
  const idToken = tokens.idToken ?? old?.idToken
  const scope = tokens.scope ?? old?.scope
  return {
    kind: 'bearer',
    token: accessToken!,
    tokenType,
    ...computeCredentialTimes(issued),
    ...(idToken && { idToken }),
    ...(scope !== undefined && { scope }),
  }
}

/** Replaces the times of a header with those of this credential. */
export function applyTimes(
  header: UntimedHeader,
  { issuedAt, expiresAt }: Credential,
  clockOffset: number,
): Header {
  const { issuedAt: _issued, expiresAt: _expires, clockOffset: _offset, ...rest } = header as Header
  return {
    ...rest,
    issuedAt,
    ...(expiresAt !== undefined && { expiresAt }),
    ...(clockOffset !== 0 && { clockOffset }),
  }
}

type UntimedHeader = Omit<Header, 'issuedAt' | 'expiresAt' | 'clockOffset'>

/** Creates the record of a new login. */
export function createGrantEntry(about: EntryDetails, grant: Grant, clockOffset: number): StoredGrant {
  const renewable = grant.refreshToken !== undefined || grant.source !== undefined
  return { header: applyTimes({ v: 2, renewable, ...about }, grant.credential, clockOffset), grant }
}

/** `renewable` is given where the grant alone does not show it. */
type EntryDetails = Omit<UntimedHeader, 'v' | 'renewable'> & Partial<Pick<UntimedHeader, 'renewable'>>

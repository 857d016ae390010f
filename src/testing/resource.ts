import type { Dpop, Proofs } from './dpop.ts'
import type { Ledger } from './ledger.ts'
import type { Reply, Route, RouteRequest } from './message.ts'
import type { TestUser } from './options.ts'

export interface ResourceSetting {
  ledger: Ledger
  user: TestUser
  proofs: Proofs
  dpop: Dpop
  personalTokens: ReadonlySet<string>
}

const CHALLENGES = { bearer: 'Bearer realm="test"', dpop: 'DPoP algs="ES256"' }

type Scheme = keyof typeof CHALLENGES

/** Builds a 401 with its reason, in the scheme of the request. */
const buildUnauthorized = (scheme: Scheme, error: string): Reply => ({
  status: 401,
  headers: { 'www-authenticate': `${CHALLENGES[scheme]}, error="${error}"` },
  json: { error },
})

/** Refuses a bound token without a proof of its key (RFC 9449 §7). */
function findProofRefusal(
  { ledger, proofs }: ResourceSetting,
  ask: RouteRequest,
  token: string,
): Reply | undefined {
  const proof = proofs.judge(ask, token)
  if ('error' in proof) return buildUnauthorized('dpop', proof.error)
  if (proof.jkt === undefined) return buildUnauthorized('dpop', 'invalid_dpop_proof')
  return ledger.holder(token)?.jkt === proof.jkt ? undefined : buildUnauthorized('dpop', 'invalid_token')
}

/** Returns a 401 for a request without access (RFC 6750, RFC 9449 §7). */
function findAccessRefusal(setting: ResourceSetting, ask: RouteRequest): Reply | undefined {
  const { ledger, personalTokens, dpop } = setting
  const [, scheme, token = ''] = ask.headers.authorization?.match(/^(Bearer|DPoP) ([\w.~+/-]+=*)$/i) ?? []
  if (dpop !== false && scheme?.toLowerCase() === 'dpop') return findProofRefusal(setting, ask, token)
  if (scheme?.toLowerCase() !== 'bearer') {
    const challenge = dpop === false ? CHALLENGES.bearer : `${CHALLENGES.bearer}, ${CHALLENGES.dpop}`
    return { status: 401, headers: { 'www-authenticate': challenge } }
  }
  if (personalTokens.has(token)) return undefined
  const held = ledger.holder(token)
  // RFC 9449 §7.2: a bound token is not accepted as a bearer token.
  return held !== undefined && held.jkt === undefined
    ? undefined
    : buildUnauthorized('bearer', 'invalid_token')
}

export function createResourceRoutes(setting: ResourceSetting): Route[] {
  const { sub, email, name, login } = setting.user

  function replyWithUser(ask: RouteRequest, extra: Record<string, unknown>): Reply {
    const json = { sub, email, name, preferred_username: login, ...extra }
    return findAccessRefusal(setting, ask) ?? { status: 200, headers: { 'cache-control': 'no-store' }, json }
  }

  return [
    { method: 'GET', path: '/userinfo', endpoint: 'userinfo', answer: (ask) => replyWithUser(ask, {}) },
    { method: 'GET', path: '/me', endpoint: 'resource', answer: (ask) => replyWithUser(ask, { login }) },
  ]
}

import type { Ledger } from './ledger.ts'
import type { Ask, Door, Reply } from './message.ts'
import type { TestUser } from './options.ts'

export interface ResourceSetting {
  ledger: Ledger
  user: TestUser
  personalTokens: ReadonlySet<string>
}

/** Who the bearer is (RFC 6750), or the 401 that says why not. */
function bearer(
  { ledger, personalTokens }: ResourceSetting,
  { headers }: Ask,
): 'personal' | 'access' | Reply {
  const token = headers.authorization?.match(/^Bearer ([\w.~+/-]+=*)$/i)?.[1]
  if (token === undefined) return { status: 401, headers: { 'www-authenticate': 'Bearer realm="test"' } }
  if (personalTokens.has(token)) return 'personal'
  if (ledger.holder(token) !== undefined) return 'access'
  const challenge = 'Bearer realm="test", error="invalid_token"'
  return { status: 401, headers: { 'www-authenticate': challenge }, json: { error: 'invalid_token' } }
}

export function resourceDoors(setting: ResourceSetting): Door[] {
  const { sub, email, name, login } = setting.user

  function answer(ask: Ask, extra: Record<string, unknown>): Reply {
    const who = bearer(setting, ask)
    if (typeof who !== 'string') return who
    const json = { sub, email, name, preferred_username: login, ...extra }
    return { status: 200, headers: { 'cache-control': 'no-store' }, json }
  }

  return [
    { method: 'GET', path: '/userinfo', endpoint: 'userinfo', answer: (ask) => answer(ask, {}) },
    { method: 'GET', path: '/me', endpoint: 'resource', answer: (ask) => answer(ask, { login }) },
  ]
}

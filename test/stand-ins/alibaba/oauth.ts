import { createHash } from 'node:crypto'
import { contentType, FORM, findRepeated } from '../../../src/testing/message.ts'
import type { Clock } from '../clock.ts'
import type { AccessToken, Code, Logins, Pair } from './logins.ts'
import { type Ask, type Door, json, type Reply, refused } from './message.ts'
import type { AlibabaOptions, DoorName } from './options.ts'
import type { KeyRing, TemporaryKeys } from './principals.ts'

export interface OAuthSetting
  extends Required<Pick<AlibabaOptions, 'keysTtl' | 'shortest' | 'expiresIn' | 'refreshExpiresIn'>>,
    Pick<AlibabaOptions, 'exchanged'> {
  logins: Logins
  keyRing: KeyRing
  clock: Clock
  clients: readonly string[]
}

const WANTED: Readonly<Record<string, readonly string[]>> = {
  authorization_code: ['grant_type', 'code', 'client_id', 'redirect_uri', 'code_verifier'],
  refresh_token: ['grant_type', 'refresh_token', 'client_id'],
}

/** What its own SDKs add. */
const TOLERATED = ['Timestamp']

const formOf = (ask: Ask) => new URLSearchParams(contentType(ask) === FORM ? ask.body : '')

function grantDoor(ask: Ask): DoorName {
  const grant = formOf(ask).get('grant_type')
  if (grant === 'authorization_code') return 'code'
  return grant === 'refresh_token' ? 'refresh' : 'token'
}

function formProblem(ask: Ask, form: URLSearchParams, wanted: readonly string[]): string | undefined {
  if (contentType(ask) !== FORM) return `the body must be ${FORM}`
  if (ask.headers.authorization !== undefined) return 'a public client has nothing to authenticate with'
  const twice = findRepeated(form)
  if (twice !== undefined) return `${twice} is given twice`
  const missing = wanted.find((name) => (form.get(name) ?? '') === '')
  if (missing !== undefined) return `${missing} is missing`
  const odd = [...form.keys()].find((name) => !wanted.includes(name) && !TOLERATED.includes(name))
  return odd === undefined ? undefined : `${odd} does not belong to this grant`
}

const invalid = (why: string) => refused(400, 'invalid_request', why)
const dead = (why: string) => refused(400, 'invalid_grant', why)

function issued({ logins, clock, expiresIn, refreshExpiresIn }: OAuthSetting, pair: Pair): Reply {
  const seconds = (number: number) => (expiresIn === 'text' ? String(number) : number)
  const left = Math.floor((pair.family.endsAt - clock.now()) / 1000)
  return json(200, {
    access_token: pair.accessToken,
    ...(pair.refreshToken && { refresh_token: pair.refreshToken }),
    ...(pair.refreshToken && refreshExpiresIn && { refresh_expires_in: seconds(left) }),
    expires_in: seconds(logins.ttl.access),
    token_type: 'Bearer',
  })
}

const verified = (verifier: string, challenge: string): boolean =>
  /^[\w.~-]{43,128}$/.test(verifier) &&
  createHash('sha256').update(verifier).digest('base64url') === challenge

function codeProblem({ clock, logins }: OAuthSetting, code: Code | undefined, form: URLSearchParams) {
  if (code === undefined) return 'The authorization code is invalid.'
  if (code.family) {
    logins.end(code.family)
    return 'The authorization code was used before.'
  }
  if (clock.now() >= code.expiresAt) return 'The authorization code is expired.'
  if (code.clientId !== form.get('client_id')) return 'The authorization code is of another client.'
  if (code.redirectUri !== form.get('redirect_uri'))
    return 'redirect_uri is not the one of the authorization.'
  return verified(form.get('code_verifier')!, code.challenge) ? undefined : 'code_verifier does not match.'
}

function byCode(setting: OAuthSetting, form: URLSearchParams): Reply {
  const code = setting.logins.findCode(form.get('code')!)
  const problem = codeProblem(setting, code, form)
  return problem === undefined ? issued(setting, setting.logins.open(code!)) : dead(problem)
}

function byRefresh(setting: OAuthSetting, form: URLSearchParams): Reply {
  const { logins } = setting
  const token = logins.findRefreshToken(form.get('refresh_token')!)
  if (token === undefined) return dead('The refresh token is invalid.')
  if (token.family.clientId !== form.get('client_id')) return dead('The refresh token is of another client.')
  const problem = logins.problemOf(token)
  return problem === undefined ? issued(setting, logins.redeem(token)) : dead(problem)
}

function token(setting: OAuthSetting, ask: Ask): Reply {
  const form = formOf(ask)
  const wanted = WANTED[form.get('grant_type') ?? '']
  if (wanted === undefined) return refused(400, 'unsupported_grant_type', 'grant_type is not supported.')
  const problem = formProblem(ask, form, wanted)
  if (problem !== undefined) return invalid(problem)
  if (!setting.clients.includes(form.get('client_id')!))
    return refused(400, 'invalid_client', 'The client is not known.')
  return form.get('grant_type') === 'refresh_token' ? byRefresh(setting, form) : byCode(setting, form)
}

function revoke({ logins, clients }: OAuthSetting, ask: Ask): Reply {
  const form = formOf(ask)
  const wanted = ['token', 'client_id', ...(form.has('token_type_hint') ? ['token_type_hint'] : [])]
  const problem = formProblem(ask, form, wanted)
  if (problem !== undefined) return invalid(problem)
  if (!clients.includes(form.get('client_id')!))
    return refused(400, 'invalid_client', 'The client is not known.')
  const value = form.get('token')!
  const found = logins.findRefreshToken(value) ?? logins.findAccessToken(value)
  if (found) logins.end(found.family)
  return { status: 200 }
}

function tokenProblem({ clock, shortest }: OAuthSetting, found: AccessToken | undefined): Reply | undefined {
  if (found === undefined || found.family.stats.ended)
    return refused(401, 'invalid_token', 'The access token is invalid.')
  const left = found.expiresAt - clock.now()
  if (left <= 0) return refused(401, 'expired_token', 'The access token is expired.')
  return left < shortest * 1000 ? refused(403, 'access_denied', 'token expire time is too short') : undefined
}

function exchange(setting: OAuthSetting, ask: Ask): Reply {
  const [, bearer] = ask.headers.authorization?.match(/^Bearer ([\w.~+/-]+=*)$/) ?? []
  if (contentType(ask) !== 'application/json') return invalid('the body must be application/json')
  if (!['', '{}'].includes(ask.body)) return invalid('the body must be empty')
  if (bearer === undefined) return refused(401, 'invalid_token', 'The access token is missing.')
  const found = setting.logins.findAccessToken(bearer)
  const problem = tokenProblem(setting, found)
  if (problem !== undefined) return problem
  return json(200, keysAs(setting, setting.keyRing.issue(found!.family.principal, setting.keysTtl)))
}

function keysAs({ exchanged, clock }: OAuthSetting, keys: TemporaryKeys) {
  const { accessKeyId, accessKeySecret, securityToken } = keys
  const end = keys.expiresAt + clock.offset
  const iso = new Date(end).toISOString().replace(/\.\d{3}/, '')
  const requestId = 'B8A9F5A2-3C1D-5E6F-8A7B-9C0D1E2F3A4B'
  if (exchanged === 'pascal')
    return {
      RequestId: requestId,
      AccessKeyId: accessKeyId,
      AccessKeySecret: accessKeySecret,
      SecurityToken: securityToken,
      Expiration: iso,
    }
  const expirations = { seconds: Math.floor(end / 1000), milliseconds: end, endless: undefined }
  const expiration = exchanged ? expirations[exchanged] : iso
  return { requestId, accessKeyId, accessKeySecret, securityToken, ...(expiration && { expiration }) }
}

export function oauthDoors(setting: OAuthSetting): Door[] {
  return [
    { method: 'POST', path: '/v1/token', name: grantDoor, answer: (ask) => token(setting, ask) },
    { method: 'POST', path: '/v1/exchange', name: 'exchange', answer: (ask) => exchange(setting, ask) },
    { method: 'POST', path: '/v1/revoke', name: 'revoke', answer: (ask) => revoke(setting, ask) },
  ]
}

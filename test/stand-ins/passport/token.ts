import { createHash } from 'node:crypto'
import {
  findFormProblem,
  NO_STORE,
  type Reply,
  type Route,
  type RouteRequest,
} from '../../../src/testing/message.ts'
import { badRefreshToken, malformed, refused } from './errors.ts'
import type { Ledger } from './ledger.ts'

export interface TokenSetting {
  ledger: Ledger
  clientId: string
  release: 8 | 9
  accessTokenTtl: number
  revocation: boolean
  now(): number
}

function issued({ accessTokenTtl }: TokenSetting, pair: { access: string; refresh: string }): Reply {
  const json = {
    token_type: 'Bearer',
    expires_in: accessTokenTtl,
    access_token: pair.access,
    refresh_token: pair.refresh,
  }
  return { status: 200, headers: NO_STORE, json }
}

/** In its release 9 a code that is no good is what RFC 6749 calls it. */
function byCode(setting: TokenSetting, form: URLSearchParams): Reply {
  const { ledger, clientId, release, now } = setting
  const bad = (hint: string) => refused(release === 9 ? 'invalid_grant' : 'invalid_request', hint)
  if (!form.get('code')) return malformed('code')
  const code = ledger.findCode(form.get('code')!)
  if (!code) return bad('Cannot decrypt the authorization code')
  if (now() > code.expiresAt) return bad('Authorization code has expired')
  if (code.revoked) {
    ledger.reused()
    return bad('Authorization code has been revoked')
  }
  if (code.clientId !== clientId) return bad('Authorization code was not issued to this client')
  if (!form.get('redirect_uri')) return malformed('redirect_uri')
  if (form.get('redirect_uri') !== code.redirectUri) return refused('invalid_request', 'Invalid redirect URI')
  const verifier = form.get('code_verifier')
  if (!verifier) return malformed('code_verifier')
  if (!/^[\w.~-]{43,128}$/.test(verifier))
    return refused('invalid_request', 'Code Verifier must follow the specifications of RFC-7636.')
  if (createHash('sha256').update(verifier).digest('base64url') !== code.challenge)
    return refused('invalid_grant', 'Failed to verify `code_verifier`.')
  return issued(setting, ledger.exchange(code))
}

function byRefresh(setting: TokenSetting, form: URLSearchParams): Reply {
  const { ledger, clientId, release, now } = setting
  if (!form.get('refresh_token')) return malformed('refresh_token')
  const pair = ledger.findRefresh(form.get('refresh_token')!)
  if (!pair) return badRefreshToken(release, 'Cannot decrypt the refresh token')
  if (pair.clientId !== clientId) return badRefreshToken(release, 'Token is not linked to client')
  if (now() > pair.refreshExpiresAt) return badRefreshToken(release, 'Token has expired')
  if (pair.refreshRevoked) {
    ledger.reused()
    return badRefreshToken(release, 'Token has been revoked')
  }
  return issued(setting, ledger.renew(pair))
}

function token(setting: TokenSetting, ask: RouteRequest): Reply {
  if (findFormProblem(ask) !== undefined) return malformed('grant_type')
  const { form, headers } = ask
  const grant = form.get('grant_type')
  if (grant !== 'authorization_code' && grant !== 'refresh_token')
    return refused('unsupported_grant_type', 'Check that all required parameters have been provided')
  if (!form.get('client_id')) return malformed('client_id')
  // It is public: whoever has a secret for it is somebody else.
  const foreign = form.has('client_secret') || headers.authorization !== undefined
  if (form.get('client_id') !== setting.clientId || foreign) return refused('invalid_client')
  return grant === 'refresh_token' ? byRefresh(setting, form) : byCode(setting, form)
}

function revoke({ ledger, clientId }: TokenSetting, ask: RouteRequest): Reply {
  if (findFormProblem(ask) !== undefined || !ask.form.get('token')) return malformed('token')
  if (ask.form.get('client_id') !== clientId) return refused('invalid_client')
  ledger.revokeToken(ask.form.get('token')!, clientId)
  return { status: 200, body: '' }
}

export function tokenDoors(setting: TokenSetting): Route[] {
  const doors: Route[] = [
    {
      method: 'POST',
      path: '/oauth/token',
      endpoint: ({ form }) => (form.get('grant_type') === 'refresh_token' ? 'refresh' : 'code'),
      answer: (ask) => token(setting, ask),
    },
  ]
  if (!setting.revocation) return doors
  const answer = (ask: RouteRequest) => revoke(setting, ask)
  return [...doors, { method: 'POST', path: '/oauth/revoke', endpoint: 'revocation', answer }]
}

import { createHash } from 'node:crypto'
import { authenticateClient } from './clients.ts'
import type { Devices } from './device.ts'
import type { Dpop, Proofs } from './dpop.ts'
import type { Family, Ledger } from './ledger.ts'
import {
  buildRefusal,
  findFormProblem,
  NO_STORE,
  type Reply,
  type Route,
  type RouteRequest,
} from './message.ts'
import type { AuthorizationServerOptions, Endpoint, TestClient, TestUser } from './options.ts'
import type { Signer } from './sign.ts'

export interface TokenSetting {
  ledger: Ledger
  clients: readonly TestClient[]
  user: TestUser
  signer: Signer
  devices: Devices | undefined
  proofs: Proofs
  dpop: Dpop
  issuer(): string
  /** The time that the server uses. */
  now(): number
  accessTokenTtl: number
  refusedRefresh: { status: number; body: string } | undefined
  revocation: NonNullable<AuthorizationServerOptions['revocation']>
}

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

const ENDPOINT_BY_GRANT: Record<string, Endpoint> = {
  authorization_code: 'code',
  refresh_token: 'refresh',
  [DEVICE_GRANT]: 'device-poll',
}

/** A client, and the key that it proved. */
interface ProvenClient {
  client: TestClient
  jkt: string | undefined
}

interface IssuedTokens {
  access: string
  refresh?: string
}

function createIdToken(setting: TokenSetting, family: Family, first: boolean): string {
  const iat = Math.floor(setting.now() / 1000)
  const { sub, email, name, login } = setting.user
  const claims = { iss: setting.issuer(), sub, aud: family.clientId, iat, exp: iat + 3600, email, name }
  // OpenID Connect Core §12.2: the ID token of a renewal has no nonce.
  const nonce = first && family.nonce !== undefined ? { nonce: family.nonce } : {}
  const token = setting.signer.sign({ ...claims, preferred_username: login, ...nonce })
  setting.ledger.remember(token)
  return token
}

interface TokenAnswer {
  party: ProvenClient
  family: Family
  issued: IssuedTokens
  /** Not a renewal. */
  first: boolean
}

function buildTokenReply(setting: TokenSetting, { party, family, issued, first }: TokenAnswer): Reply {
  if (party.client.secret === undefined) family.jkt ??= party.jkt
  const openid = family.scope.split(' ').includes('openid')
  const json = {
    access_token: issued.access,
    token_type: party.jkt === undefined ? 'Bearer' : 'DPoP',
    expires_in: Math.ceil(setting.accessTokenTtl / 1000),
    ...(issued.refresh === undefined ? {} : { refresh_token: issued.refresh }),
    ...(family.scope === '' ? {} : { scope: family.scope }),
    ...(openid ? { id_token: createIdToken(setting, family, first) } : {}),
  }
  return { status: 200, headers: NO_STORE, json }
}

const exchangeGrant = (setting: TokenSetting, party: ProvenClient, family: Family): Reply =>
  buildTokenReply(setting, {
    party,
    family,
    issued: setting.ledger.exchanged(family, party.jkt),
    first: true,
  })

/** Verifies the code challenge (RFC 7636 §4.1 and §4.6). */
function verifyCodeChallenge(verifier: string | null, challenge: string): boolean {
  if (verifier === null || !/^[\w.~-]{43,128}$/.test(verifier)) return false
  return createHash('sha256').update(verifier).digest('base64url') === challenge
}

function redeemCode(setting: TokenSetting, party: ProvenClient, form: URLSearchParams): Reply {
  const code = setting.ledger.findCode(form.get('code') ?? '')
  if (code === undefined || code.family.clientId !== party.client.id) {
    return buildRefusal('invalid_grant', 'the code is not known')
  }
  if (form.get('redirect_uri') !== code.redirectUri) {
    return buildRefusal('invalid_grant', 'redirect_uri is not the one of the authorization request')
  }
  if (!verifyCodeChallenge(form.get('code_verifier'), code.challenge)) {
    return buildRefusal('invalid_grant', 'code_verifier does not match')
  }
  if (code.jkt !== undefined && code.jkt !== party.jkt) {
    return buildRefusal('invalid_grant', 'the code is bound to another key')
  }
  if (!setting.ledger.spendCode(code)) return buildRefusal('invalid_grant', 'the code is spent or expired')
  return exchangeGrant(setting, party, code.family)
}

function redeemRefreshToken(setting: TokenSetting, party: ProvenClient, form: URLSearchParams): Reply {
  const renewed = setting.ledger.renew(form.get('refresh_token') ?? '', party.client.id, party.jkt)
  if (renewed !== undefined) {
    return buildTokenReply(setting, { party, family: renewed.family, issued: renewed, first: false })
  }
  const refused = setting.refusedRefresh
  if (refused === undefined) {
    return buildRefusal(
      'invalid_grant',
      'the refresh token is spent, expired, revoked, unknown or of another key',
    )
  }
  return { status: refused.status, headers: { 'content-type': 'application/json' }, body: refused.body }
}

function redeemDeviceCode(
  setting: TokenSetting,
  devices: Devices,
  party: ProvenClient,
  form: URLSearchParams,
): Reply {
  const family = devices.poll(form.get('device_code') ?? '', party.client.id)
  if (typeof family === 'string') return buildRefusal(family, `the device authorization says ${family}`)
  return exchangeGrant(setting, party, family)
}

function handleToken(setting: TokenSetting, ask: RouteRequest): Reply {
  const problem = findFormProblem(ask)
  if (problem !== undefined) return buildRefusal('invalid_request', problem)
  const client = authenticateClient(setting.clients, ask)
  if (typeof client === 'string') return buildRefusal('invalid_client', client, 401)
  // Checked first, so that the same code or refresh token can be sent again with a correct proof.
  const proof = setting.proofs.judge(ask)
  if ('error' in proof) return buildRefusal(proof.error, proof.why)
  if (setting.dpop === 'required' && proof.jkt === undefined) {
    return buildRefusal('invalid_dpop_proof', 'a proof is required')
  }
  const party = { client, ...proof }
  const grant = ask.form.get('grant_type')
  if (grant === 'authorization_code') return redeemCode(setting, party, ask.form)
  if (grant === 'refresh_token') return redeemRefreshToken(setting, party, ask.form)
  if (grant === DEVICE_GRANT && setting.devices)
    return redeemDeviceCode(setting, setting.devices, party, ask.form)
  return buildRefusal('unsupported_grant_type', 'grant_type is missing or not supported')
}

/** Revokes a token. RFC 7009 §2.2: an unknown token is no error. */
function handleRevocation(setting: TokenSetting, ask: RouteRequest): Reply {
  const problem = findFormProblem(ask)
  if (problem !== undefined) return buildRefusal('invalid_request', problem)
  const client = authenticateClient(setting.clients, ask)
  if (typeof client === 'string') return buildRefusal('invalid_client', client, 401)
  if (setting.revocation === 'client-auth' && client.secret === undefined) return { status: 401, body: '' }
  const value = ask.form.get('token')
  if (value === null) return buildRefusal('invalid_request', 'token is missing')
  setting.ledger.revoke(value, client.id)
  return { status: 200, body: '' }
}

export function createTokenRoutes(setting: TokenSetting): Route[] {
  const doors: Route[] = [
    {
      method: 'POST',
      path: '/token',
      endpoint: ({ form }) => ENDPOINT_BY_GRANT[form.get('grant_type') ?? ''] ?? 'token',
      answer: (ask) => handleToken(setting, ask),
    },
  ]
  if (setting.revocation === false) return doors
  const answer = (ask: RouteRequest): Reply => handleRevocation(setting, ask)
  return [...doors, { method: 'POST', path: '/revoke', endpoint: 'revocation', answer }]
}

import type { Dpop } from './dpop.ts'
import type { Route } from './message.ts'
import type { AuthorizationServerOptions } from './options.ts'
import type { Par } from './par.ts'
import type { Signer } from './sign.ts'
import { DEVICE_GRANT } from './token.ts'

export interface DiscoverySetting {
  issuer(): string
  signer: Signer
  discovery: NonNullable<AuthorizationServerOptions['discovery']>
  sendsIss: boolean
  device: boolean
  refresh: boolean
  revocation: boolean
  par: Par
  dpop: Dpop
}

const buildParMetadata = ({ issuer, par }: DiscoverySetting): Record<string, unknown> =>
  par === false
    ? {}
    : {
        pushed_authorization_request_endpoint: `${issuer()}/par`,
        require_pushed_authorization_requests: par === 'required',
      }

function buildMetadata(setting: DiscoverySetting): Record<string, unknown> {
  const issuer = setting.issuer()
  const grants = ['authorization_code', ...(setting.refresh ? ['refresh_token'] : [])]
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    userinfo_endpoint: `${issuer}/userinfo`,
    ...(setting.revocation ? { revocation_endpoint: `${issuer}/revoke` } : {}),
    ...(setting.device ? { device_authorization_endpoint: `${issuer}/device_authorization` } : {}),
    ...(setting.sendsIss ? { authorization_response_iss_parameter_supported: true } : {}),
    ...buildParMetadata(setting),
    ...(setting.dpop === false ? {} : { dpop_signing_alg_values_supported: ['ES256'] }),
    response_types_supported: ['code'],
    grant_types_supported: setting.device ? [...grants, DEVICE_GRANT] : grants,
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [setting.signer.algorithm],
    scopes_supported: ['openid', 'email', 'profile', 'offline_access'],
  }
}

export function createDiscoveryRoutes(setting: DiscoverySetting): Route[] {
  const isServed = (kind: 'openid' | 'oauth'): boolean =>
    setting.discovery === true || setting.discovery === kind
  const createDocumentRoute = (name: string): Route => ({
    method: 'GET',
    path: `/.well-known/${name}`,
    endpoint: 'discovery',
    answer: () => ({ status: 200, json: buildMetadata(setting) }),
  })
  return [
    ...(isServed('openid') ? [createDocumentRoute('openid-configuration')] : []),
    ...(isServed('oauth') ? [createDocumentRoute('oauth-authorization-server')] : []),
    {
      method: 'GET',
      path: '/jwks',
      endpoint: 'jwks',
      answer: () => ({ status: 200, json: { ...setting.signer.jwks } }),
    },
  ]
}

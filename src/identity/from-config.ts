import { identityParams } from '../config/flatten.ts'
import { type Read, readIdentity, readProvider } from '../config/read-env.ts'
import type { Identity, Provider } from '../config/schema.ts'
import { Secret } from '../core/secret.ts'
import type { Endpoints, Host } from '../core/types.ts'
import type { Configured, ConfiguredKeys } from './definition.ts'

/** Both spellings of an endpoint, ours and RFC 8414's, by our name. */
const ENDPOINT_NAMES = {
  authorization: ['authorization', 'authorization_endpoint'],
  token: ['token', 'token_endpoint'],
  revocation: ['revocation', 'revocation_endpoint'],
  device: ['device', 'device_authorization_endpoint'],
  userinfo: ['userinfo', 'userinfo_endpoint', 'profile'],
  par: ['par', 'pushed_authorization_request_endpoint'],
  tenants: ['tenants'],
  signin: ['signin'],
  sts: ['sts'],
  federation: ['federation'],
  oauth: ['oauth'],
  api: ['api'],
  exchange: ['exchange'],
} as const satisfies Record<keyof Omit<Endpoints, 'issuer'>, readonly string[]>

type Said = Partial<Read<Identity>> & Pick<Partial<Read<Provider>>, 'issuer'>

/** What `config.yaml` says of an identity; `!env` values are read now. */
export function configuredIdentity(name: string, said: Identity, env: Host['env']): Configured {
  const read = readIdentity(name, said, env)
  const { kind, via, credentials = {} } = read
  const keys = keysOf(credentials)
  return {
    ...configured(read),
    kind,
    ...(via?.identity !== undefined && { via: via.identity }),
    ...(keys && { keys }),
    ...(credentials.webflow_enabled !== undefined && { webflow: credentials.webflow_enabled }),
  }
}

function keysOf(credentials: NonNullable<Read<Identity>['credentials']>): ConfiguredKeys | undefined {
  const { access_key_id, secret_access_key, security_token } = credentials
  if (!access_key_id || !secret_access_key) return undefined
  return {
    accessKeyId: access_key_id,
    secretAccessKey: new Secret(secret_access_key),
    ...(security_token && { sessionToken: new Secret(security_token) }),
  }
}

/** What `config.yaml` says of a provider of one's own. */
export function configuredProvider(name: string, said: Provider, env: Host['env']): Configured {
  return configured(readProvider(name, said, env) as Said)
}

function configured(said: Said): Configured {
  // Read already: there is no reference left in it.
  const named = Object.entries(identityParams(said as Identity)).filter(([, value]) => Boolean(value))
  return {
    params: Object.fromEntries(named) as Record<string, string>,
    ...(said.client_id && { clientId: said.client_id }),
    ...(said.client_secret && { clientSecret: new Secret(said.client_secret) }),
    ...(said.scopes && { scopes: said.scopes }),
    ...(said.endpoints && { endpoints: endpointsOf(said.endpoints) }),
    ...(said.hosts && { hosts: said.hosts }),
    ...(said.kube_token && { kubeToken: said.kube_token }),
    ...(said.paste_redirect_uri && { pasteRedirect: said.paste_redirect_uri }),
    ...(said.dpop_bound_access_tokens !== undefined && { dpop: said.dpop_bound_access_tokens }),
    ...(said.require_pushed_authorization_requests !== undefined && {
      push: said.require_pushed_authorization_requests,
    }),
  }
}

function endpointsOf(said: Partial<Record<string, string>>): Endpoints {
  const found: Endpoints = {}
  for (const [name, spellings] of Object.entries(ENDPOINT_NAMES)) {
    const value = spellings.map((spelling) => said[spelling]).find(Boolean)
    if (value) found[name as keyof Endpoints] = value
  }
  return found
}

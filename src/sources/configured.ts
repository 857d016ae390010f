import { type Read, readIdentity, readProvider } from '../config/read-env.ts'
import type { Identity, Provider } from '../config/schema.ts'
import { Secret } from '../core/secret.ts'
import type { Endpoints, Host } from '../core/types.ts'
import type { Configured } from './definition.ts'

/** Both spellings of an endpoint, ours and RFC 8414's, by our name. */
const ENDPOINT_NAMES = {
  authorization: ['authorization', 'authorization_endpoint'],
  token: ['token', 'token_endpoint'],
  revocation: ['revocation', 'revocation_endpoint'],
  device: ['device', 'device_authorization_endpoint'],
  userinfo: ['userinfo', 'userinfo_endpoint'],
  par: ['par', 'pushed_authorization_request_endpoint'],
} as const satisfies Record<keyof Omit<Endpoints, 'issuer'>, readonly string[]>

/** Keys of an identity that may be parameters of its provider, under the same names. */
const PARAMS = ['issuer', 'region', 'site', 'api_url', 'tenant'] as const

type Said = Partial<Read<Identity>> & Pick<Partial<Read<Provider>>, 'issuer'>

/** What `config.yaml` says of an identity; `!env` values are read now. */
export function configuredIdentity(name: string, said: Identity, env: Host['env']): Configured {
  return configured(readIdentity(name, said, env))
}

/** What `config.yaml` says of a provider of one's own. */
export function configuredProvider(name: string, said: Provider, env: Host['env']): Configured {
  return configured(readProvider(name, said, env) as Said)
}

function configured(said: Said): Configured {
  const params: Record<string, string> = {}
  for (const name of PARAMS) if (said[name]) params[name] = said[name]
  return {
    params,
    ...(said.client_id && { clientId: said.client_id }),
    ...(said.client_secret && { clientSecret: new Secret(said.client_secret) }),
    ...(said.scopes && { scopes: said.scopes }),
    ...(said.endpoints && { endpoints: endpointsOf(said.endpoints) }),
    ...(said.hosts && { hosts: said.hosts }),
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

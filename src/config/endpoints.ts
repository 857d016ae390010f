import type { Endpoints } from '../core/types.ts'

/** Every spelling of an endpoint, with our name for it: spellings of daypass, then of RFC 8414. */
export const ENDPOINTS = {
  signin: 'signin',
  oauth: 'oauth',
  sts: 'sts',
  api: 'api',
  federation: 'federation',
  exchange: 'exchange',
  profile: 'userinfo',
  tenants: 'tenants',
  authorization: 'authorization',
  token: 'token',
  revocation: 'revocation',
  device: 'device',
  userinfo: 'userinfo',
  par: 'par',
  authorization_endpoint: 'authorization',
  token_endpoint: 'token',
  revocation_endpoint: 'revocation',
  device_authorization_endpoint: 'device',
  userinfo_endpoint: 'userinfo',
  pushed_authorization_request_endpoint: 'par',
} as const satisfies Record<string, keyof Endpoints>

export type EndpointSpelling = keyof typeof ENDPOINTS

/** Renames endpoints to our names. Of several spellings our own wins, then that of RFC 8414. */
export function nameEndpoints(said: Partial<Record<EndpointSpelling, string>> = {}): Endpoints {
  const found: Endpoints = {}
  for (const [spelling, name] of Object.entries(ENDPOINTS).reverse()) {
    const value = said[spelling as EndpointSpelling]
    if (value && (spelling === name || found[name] === undefined)) found[name] = value
  }
  return found
}

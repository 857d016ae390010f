import * as oauth from 'oauth4webapi'
import { DaypassError } from '../core/errors.ts'
import { isLoopbackHost } from '../core/loopback.ts'
import type { Secret } from '../core/secret.ts'
import type { Endpoints, ErrorMessage, Exchange } from '../core/types.ts'
import type { ProofKey } from './dpop.ts'
import type { Json, WirePort } from './wire.ts'

/** An authorization server: RFC 8414 metadata, and whether its issuer is known. */
export interface Server {
  metadata: oauth.AuthorizationServer
  /** False for servers given by endpoints alone: neither `iss` nor an id_token can be checked. */
  issuerKnown: boolean
  /** It speaks OpenID Connect: where the scope `openid` is granted, there is an id_token (OpenID Connect Core §3.1.3.3). */
  isOpenId?: boolean
}

/** The OAuth client. Most clients are public and have no secret (RFC 8252 §8.5). */
export interface Client {
  id: string
  secret?: Secret
  /** How the secret is presented (RFC 6749 §2.3.1). Default: as in the metadata, else `post`. */
  auth?: 'post' | 'basic'
}

/** A client at its server, and how to send requests there. */
export interface ClientContext {
  port: WirePort
  server: Server
  client: Client
  /** Error codes for a grant that has ended, some with a status before them: `401 invalid_request`. */
  invalidGrantCodes: readonly string[]
  /** Error codes that may mean the same, or something else. */
  ambiguousCodes?: readonly string[] | undefined
  /** Messages for the server's error codes. */
  errorMessages?: Readonly<Record<string, ErrorMessage>> | undefined
  /** The issuer its id_tokens name, where that differs from the metadata's (multi-tenant servers). */
  resolveIssuer?: ((claims: Json) => string) | undefined
  /** Access tokens are JWTs, and their claims name the account. */
  jwtTokens?: boolean | undefined
  /** Present where access tokens are exchanged for keys. */
  exchange?: Exchange | undefined
  /** Present where tokens are bound to this key (RFC 9449). */
  proofKey?: ProofKey | undefined
  /** The authorization request is pushed (RFC 9126) even where the server does not require it. */
  push?: boolean | undefined
}

/** Parses an endpoint: https, or http on loopback. Throws `configuration` for any other. */
export function parseEndpointUrl(text: string, what: string): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new DaypassError('configuration', `${what} is not a URL`, {
      hint: 'write it like https://id.example.com',
    })
  }
  if (url.username !== '' || url.password !== '')
    throw new DaypassError('configuration', `${what} holds a name or a password`, {
      hint: `write it without: ${url.origin}${url.pathname}`,
    })
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))) return url
  throw new DaypassError('configuration', `${what} must be https, ${url.protocol}//${url.host} is not`, {
    hint: 'plain http is for 127.0.0.1, [::1] and localhost only',
  })
}

/** The metadata key of the endpoint that exchanges access tokens for keys. It is not part of RFC 8414. */
export const EXCHANGE_ENDPOINT = 'exchange_endpoint'

/** Builds a server from configured endpoints, or from those of an earlier discovery. */
export function buildServer(endpoints: Endpoints): Server {
  for (const [name, url] of Object.entries(endpoints)) parseEndpointUrl(url, `the ${name} endpoint`)
  const { issuer, authorization, token, revocation, device, userinfo, par, exchange } = endpoints
  const metadata: oauth.AuthorizationServer = {
    issuer: issuer ?? new URL(token ?? authorization ?? device ?? 'https://unknown.invalid').origin,
    ...(authorization && { authorization_endpoint: authorization }),
    ...(token && { token_endpoint: token }),
    ...(revocation && { revocation_endpoint: revocation }),
    ...(device && { device_authorization_endpoint: device }),
    ...(userinfo && { userinfo_endpoint: userinfo }),
    ...(par && { pushed_authorization_request_endpoint: par }),
    ...(exchange && { [EXCHANGE_ENDPOINT]: exchange }),
  }
  return { metadata, issuerKnown: issuer !== undefined }
}

/** Returns the endpoints to store, so that a renewal or a logout needs no discovery. */
export function listEndpoints({ metadata, issuerKnown }: Server): Endpoints {
  const found: Endpoints = {}
  const set = (name: keyof Endpoints, value: string | undefined) => {
    if (value !== undefined) found[name] = value
  }
  if (issuerKnown) set('issuer', metadata.issuer)
  set('authorization', metadata.authorization_endpoint)
  set('token', metadata.token_endpoint)
  set('revocation', metadata.revocation_endpoint)
  set('device', metadata.device_authorization_endpoint)
  set('userinfo', metadata.userinfo_endpoint)
  set('exchange', metadata[EXCHANGE_ENDPOINT] as string | undefined)
  return found
}

/** Chooses by the metadata how the client secret is presented. The choice is stored with the grant. */
export function chooseClientAuth({ metadata }: Server): 'post' | 'basic' {
  const offered = metadata.token_endpoint_auth_methods_supported
  return offered && !offered.includes('client_secret_post') ? 'basic' : 'post'
}

/** Creates the client authentication for a request to this server. */
export function createClientAuth(server: Server, client: Client): oauth.ClientAuth {
  if (client.secret === undefined) return oauth.None()
  const secret = client.secret.reveal()
  return (client.auth ?? chooseClientAuth(server)) === 'basic'
    ? oauth.ClientSecretBasic(secret)
    : oauth.ClientSecretPost(secret)
}

/** An OAuth client that the server knows. */
export interface TestClient {
  id: string
  /** Makes the client confidential: it must authenticate (`client_secret_post` or `_basic`). */
  secret?: string
  /** Compared exactly, including the path. For a loopback host `ports` decides about the port. */
  redirects: readonly string[]
  /** `any` (RFC 8252 §7.3, the default), or the only accepted ports; others get 403. */
  ports?: 'any' | readonly number[]
}

export interface TestUser {
  sub: string
  login: string
  email: string
  name: string
}

/**
 * What a renewal does to the refresh token:
 * - `revoke-family`: it is single-use; a second use revokes every token of that login (RFC 9700 §4.14.2);
 * - `{ grace }`: the same, but the old one works for that many milliseconds more;
 * - `survives`: single-use; a second use is refused, without other effects;
 * - `reusable`: it does not rotate, and the answer has none;
 * - `none`: no refresh token is issued.
 */
export type RefreshRule = 'revoke-family' | { grace: number } | 'survives' | 'reusable' | 'none'

export interface DeviceOptions {
  /** Seconds between two polls. Default 1. */
  interval?: number
  /** Seconds until the codes expire. Default 600. */
  expiresIn?: number
  /** The answers to the first polls, whatever the person did. */
  script?: readonly ('authorization_pending' | 'slow_down')[]
  /** An early poll gets `slow_down`, and the interval grows by 5 s (RFC 8628 §3.5). Default true. */
  strictInterval?: boolean
}

/**
 * Token answers that real servers send:
 * - `null-expiry`: `"expires_in": null`;
 * - `scope-list`: `scope` is a list of texts;
 * - `empty-refresh-token`: `"refresh_token": ""`;
 * - `no-refresh-token`: it is missing (with `refresh: 'reusable'` the old one still works);
 * - `no-token-type`: `token_type` is missing.
 */
export type OffSpec =
  | 'null-expiry'
  | 'scope-list'
  | 'empty-refresh-token'
  | 'no-refresh-token'
  | 'no-token-type'

export interface AuthorizationServerOptions {
  /** Default: any free port. */
  port?: number
  /** Default: the public client `test-cli` with `http://127.0.0.1/callback` and `http://localhost/callback`. */
  clients?: readonly TestClient[]
  user?: Partial<TestUser>
  /** `false`: both documents are 404. `openid` or `oauth` (RFC 8414): only that one. Default: both. */
  discovery?: boolean | 'openid' | 'oauth'
  /** Sends `iss` in the callback and announces it (RFC 9207). Default true. */
  iss?: boolean
  /** `auto` consents without a page, `deny` refuses at once, `form` shows two buttons. Default `auto`. */
  consent?: 'auto' | 'deny' | 'form'
  /** Default ES256. */
  signing?: 'ES256' | 'RS256'
  refresh?: RefreshRule
  /** Milliseconds. `expires_in` is the same in seconds, rounded up. Default one hour. */
  accessTokenTtl?: number
  /** Milliseconds. Default: never expires. */
  refreshTokenTtl?: number
  /** Milliseconds. Default one minute. */
  codeTtl?: number
  /** `offered`: requests may be pushed (RFC 9126). `required`: others are refused. Default false. */
  par?: 'offered' | 'required' | false
  /** Milliseconds. Default one minute. */
  parTtl?: number
  /**
   * `offered`: a client with a proof gets tokens bound to its key (RFC 9449). `required`: clients without a
   * proof are refused. Default false: proofs are ignored.
   */
  dpop?: 'offered' | 'required' | false
  /** A proof needs the server's nonce (RFC 9449 §8 and §9). Default false. */
  dpopNonce?: boolean
  /** `false`: no device authorization (RFC 8628). */
  device?: boolean | DeviceOptions
  /** `client-auth`: only a confidential client may revoke, others get an empty 401. `false`: no endpoint. */
  revocation?: boolean | 'client-auth'
  /** The answer to a refused refresh token. Default: 400 `{"error":"invalid_grant"}`. */
  refusedRefresh?: { status: number; body: string }
  /** The resource accepts these like access tokens. They never expire. */
  personalTokens?: readonly string[]
  /** The clock for everything, lifetimes included, such as a `testClock`. Default: the real one. */
  now?: () => number
  /** Milliseconds that the server reports too late: in its `Date` header, `iat` and `exp`. */
  clockOffset?: number
  /** How every token answer departs from the specification. Default: not at all. */
  offSpec?: OffSpec | readonly OffSpec[]
  /** Changes any JSON answer before it is sent, to play a server that does not follow the specification. */
  mangle?: (json: Record<string, unknown>, endpoint: Endpoint) => Record<string, unknown>
}

/** The server's endpoints. `refresh` is the token endpoint with `grant_type=refresh_token`, and so on. */
export type Endpoint =
  | 'discovery'
  | 'jwks'
  | 'authorize'
  | 'decide'
  | 'par'
  | 'code'
  | 'refresh'
  | 'device-poll'
  | 'token'
  | 'device-authorization'
  | 'device-page'
  | 'revocation'
  | 'userinfo'
  | 'resource'
  | 'paste-page'
  | 'unknown'

/** One planned fault. Without `status` and `cut: 'before'`, the request is processed as usual. */
export interface Fault {
  /** Default: the next request. `token` matches every use of the token endpoint. */
  endpoint?: Endpoint
  /** Number of requests that it applies to. Default 1. */
  times?: number
  /** The answer, instead of processing the request. */
  status?: number
  body?: string
  headers?: Record<string, string>
  /** Milliseconds by which the answer, or the cut, is delayed. */
  delay?: number
  /** Closes the connection before the request is processed, or after it took effect. */
  cut?: 'before' | 'after'
  /** How this token answer departs from the specification. */
  offSpec?: OffSpec | readonly OffSpec[]
  /** Changes the JSON of this answer only. */
  mangle?: (json: Record<string, unknown>) => Record<string, unknown>
}

export interface Stats {
  requests: number
  /** Requests per endpoint. */
  by: Partial<Record<Endpoint, number>>
  /** Authorization codes issued. */
  codes: number
  /** Codes and approved device codes exchanged for tokens. */
  exchanges: number
  refreshes: number
  /** Second uses of a code or refresh token. */
  reuses: number
  /** Tokens revoked by request (RFC 7009). */
  revocations: number
  /** Logins. */
  families: number
  /** Logins that ended by reuse or revocation. */
  deadFamilies: number
  tokensIssued: number
  /** Faults that were applied. */
  faults: number
}

/** An event, without secrets. */
export type ServerEvent =
  | { type: 'request'; endpoint: Endpoint; method: string }
  | { type: 'code' | 'exchange' | 'refresh' | 'reuse' | 'revocation' | 'family-dead'; family: number }
  | { type: 'fault'; endpoint: Endpoint }

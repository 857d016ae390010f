/** An OAuth client the server knows. */
export interface TestClient {
  id: string
  /** Present: a confidential client, which must authenticate (`client_secret_post` or `_basic`). */
  secret?: string
  /** Compared exactly, the path included. For a loopback host the port is compared as `ports` says. */
  redirects: readonly string[]
  /** `any` (RFC 8252 §7.3, the default), or the only ports that are let in; another one is answered with 403. */
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
 * - `revoke-family`: it is single-use; presented again, every token of that login dies (RFC 9700 §4.14.2);
 * - `{ grace }`: the same, but for so many milliseconds the old one still works;
 * - `survives`: single-use; presented again it is refused, and nothing else happens;
 * - `reusable`: it does not rotate, and the answer carries none;
 * - `none`: no refresh token is ever issued.
 */
export type RefreshRule = 'revoke-family' | { grace: number } | 'survives' | 'reusable' | 'none'

export interface DeviceOptions {
  /** Seconds between two polls. Default 1. */
  interval?: number
  /** Seconds until the codes expire. Default 600. */
  expiresIn?: number
  /** What the first polls are told, whatever the person did. */
  script?: readonly ('authorization_pending' | 'slow_down')[]
  /** A poll before its time is told `slow_down`, and the interval grows by 5 s (RFC 8628 §3.5). Default true. */
  strictInterval?: boolean
}

/**
 * What token answers look like in the field:
 * - `null-expiry`: `"expires_in": null`;
 * - `scope-list`: `scope` is a list of texts;
 * - `empty-refresh-token`: `"refresh_token": ""`;
 * - `no-refresh-token`: there is none (with `refresh: 'reusable'` the old one goes on working);
 * - `no-token-type`: `token_type` is missing.
 */
export type OffSpec =
  | 'null-expiry'
  | 'scope-list'
  | 'empty-refresh-token'
  | 'no-refresh-token'
  | 'no-token-type'

export interface AuthorizationServerOptions {
  /** Default: any free one. */
  port?: number
  /** Default: the public client `test-cli` with `http://127.0.0.1/callback` and `http://localhost/callback`. */
  clients?: readonly TestClient[]
  user?: Partial<TestUser>
  /** `false`: both documents are 404. `openid` or `oauth` (RFC 8414): only that one. Default: both. */
  discovery?: boolean | 'openid' | 'oauth'
  /** `iss` in the callback, and announced (RFC 9207). Default true. */
  iss?: boolean
  /** `auto` needs nobody, `deny` refuses at once, `form` shows a page with two buttons. Default `auto`. */
  consent?: 'auto' | 'deny' | 'form'
  /** Default ES256. */
  signing?: 'ES256' | 'RS256'
  refresh?: RefreshRule
  /** Milliseconds. `expires_in` is that in seconds, rounded up. Default one hour. */
  accessTokenTtl?: number
  /** Milliseconds. Default: for ever. */
  refreshTokenTtl?: number
  /** Milliseconds. Default one minute. */
  codeTtl?: number
  /** `offered`: requests may be pushed before (RFC 9126). `required`: no other ones are taken. Default false. */
  par?: 'offered' | 'required' | false
  /** Milliseconds. Default one minute. */
  parTtl?: number
  /**
   * `offered`: whoever proves a key gets tokens bound to it (RFC 9449). `required`: nobody gets others.
   * Default false: proofs are not looked at.
   */
  dpop?: 'offered' | 'required' | false
  /** A proof needs the server's nonce (RFC 9449 §8 and §9). Default false. */
  dpopNonce?: boolean
  /** `false`: no device authorization (RFC 8628). */
  device?: boolean | DeviceOptions
  /** `client-auth`: only a confidential client may revoke, others get an empty 401. `false`: there is none. */
  revocation?: boolean | 'client-auth'
  /** How a refused refresh token is answered. Default: 400 `{"error":"invalid_grant"}`. */
  refusedRefresh?: { status: number; body: string }
  /** Accepted by the resource like access tokens, for ever. */
  personalTokens?: readonly string[]
  /** The clock that everything runs on, lifetimes included: that of a `testClock`. Default: the real one. */
  now?: () => number
  /** Milliseconds that the server tells it is later: in its `Date` header, `iat` and `exp`. */
  clockOffset?: number
  /** How every token answer departs from the specification. Default: it does not. */
  offSpec?: OffSpec | readonly OffSpec[]
  /** Changes any JSON answer before it is sent, to play a server that does not follow the specification. */
  mangle?: (json: Record<string, unknown>, endpoint: Endpoint) => Record<string, unknown>
}

/** The server's doors. `refresh` is the token endpoint asked with `grant_type=refresh_token`, and so on. */
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

/** One thing that goes wrong. Without `status` and `cut: 'before'`, the request is worked on as ever. */
export interface Fault {
  /** Default: whatever comes next. `token` stands for every use of the token endpoint. */
  endpoint?: Endpoint
  /** How many requests it befalls. Default 1. */
  times?: number
  /** Answered instead of working on the request. */
  status?: number
  body?: string
  headers?: Record<string, string>
  /** Milliseconds that the answer, or the cut, is held back. */
  delay?: number
  /** Drops the connection: before the request is worked on, or after it took effect. */
  cut?: 'before' | 'after'
  /** How this token answer alone departs from the specification. */
  offSpec?: OffSpec | readonly OffSpec[]
  /** Changes the JSON of this answer only. */
  mangle?: (json: Record<string, unknown>) => Record<string, unknown>
}

export interface Stats {
  requests: number
  /** Requests per door. */
  by: Partial<Record<Endpoint, number>>
  /** Authorization codes issued. */
  codes: number
  /** Codes (and approved device codes) turned into tokens. */
  exchanges: number
  refreshes: number
  /** A spent code or refresh token presented again. */
  reuses: number
  /** Tokens revoked by request (RFC 7009). */
  revocations: number
  /** Logins. */
  families: number
  /** Logins that are dead, by reuse or by revocation. */
  deadFamilies: number
  tokensIssued: number
  /** Faults that struck. */
  faults: number
}

/** What happened, without a secret in it. */
export type ServerEvent =
  | { type: 'request'; endpoint: Endpoint; method: string }
  | { type: 'code' | 'exchange' | 'refresh' | 'reuse' | 'revocation' | 'family-dead'; family: number }
  | { type: 'fault'; endpoint: Endpoint }

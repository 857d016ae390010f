import type { Fault as OAuthFault, Stats } from '../../../src/testing/options.ts'

/** A pair of keys of the account. */
export interface ApiKey {
  key: string
  secret: string
}

export interface CloudinaryOptions {
  /** Default `acme`. `null`: access tokens name none. */
  cloud?: string | null
  /** The only redirect address of the client has this port. Default: one that was free a moment ago. */
  redirectPort?: number
  /** Default: one pair, as in the documentation. */
  keys?: readonly ApiKey[]
  /** Milliseconds. Default 5 min, as the documentation says. */
  accessTokenTtl?: number
  /** Default: as long as the documentation says. */
  refreshTokenTtl?: number
  /** Whether answers say how long a token lives. Default true; the token itself says it anyway. */
  expiresIn?: boolean
  now?: () => number
}

/** What goes wrong with the next request to the API. */
export interface ApiFault {
  status: number
  headers?: Record<string, string>
  body?: string
  /** Default 1. */
  times?: number
}

/** A request that the API took or refused. */
export interface Seen {
  method: string
  path: string
  status: number
  /** `Bearer`, `Basic`, `signature`, or none. */
  by: string | undefined
  headers: Record<string, string>
}

export interface CloudinaryStandIn {
  oauthUrl: string
  apiUrl: string
  redirectPort: number
  clientId: string
  cloud: string
  key: ApiKey
  /** What leads daypass here. */
  env: Record<string, string>
  stats(): Stats
  /** Requests to the API, oldest first. */
  seen(): readonly Seen[]
  /** Every secret that ever left, and those of the keys. */
  issued(): string[]
  /** Names another cloud in tokens from now on. */
  signInTo(cloud: string): void
  failNext(fault: OAuthFault): void
  failApi(fault: ApiFault): void
  /** Every access token so far is refused, before its time. */
  expireAccessTokens(): void
  /** Every login is over, as an administrator would end it. */
  killFamilies(): void
  setClockOffset(milliseconds: number): void
  close(): Promise<void>
}

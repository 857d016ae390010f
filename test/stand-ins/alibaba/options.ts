import type * as cloud from '../serve.ts'

/** The doors of the stand-in; of STS, its operations. */
export type DoorName =
  | 'auth'
  | 'decide'
  | 'code'
  | 'refresh'
  | 'token'
  | 'exchange'
  | 'revoke'
  | 'GetCallerIdentity'
  | 'AssumeRole'
  | 'sts'
  | 'unknown'

/** A RAM user with long-term keys; `root` is the account's owner. */
export interface User {
  name: string
  accessKeyId: string
  accessKeySecret: string
}

export interface Role {
  arn: string
  /** ARNs of users and roles; `acs:ram::<account>:root` is everybody of that account. */
  trust: readonly string[]
  /** The trust policy wants exactly this one. */
  externalId?: string
  /** Seconds. Default 3600, as with Alibaba Cloud. */
  maxSession?: number
}

/** Who sits in front of the browser. */
export type Person =
  | { kind: 'user'; name: string }
  | { kind: 'role'; role: string; session: string }
  | { kind: 'root' }

/** What the person does at the page; `ask` shows a form. `unassigned`: the page itself says no, and sends nobody back. */
export type Consent = 'approve' | 'deny' | 'ask' | 'unassigned'

export interface AlibabaOptions {
  /** Whose `official-cli` is known. Default `cn`. */
  site?: 'cn' | 'intl'
  /** Another application that is known. */
  client?: string
  /** Sixteen digits. Default `1234567890123456`. */
  account?: string
  /** Default: the RAM user `ada`. */
  person?: Person
  consent?: Consent
  users?: readonly User[]
  roles?: readonly Role[]
  /** Seconds that an access token lives. Default 3600. */
  accessTtl?: number
  /** Seconds that a login lasts, however often it is renewed. Default 30 days. */
  refreshTtl?: number
  /** Seconds that exchanged keys live. Default 3600. */
  keysTtl?: number
  /** Seconds that an access token must have left when it is exchanged. Default 900. */
  shortest?: number
  /** `omitted`: the old refresh token stays good, and is not repeated. `none`: there never is one. Default `single-use`. */
  refreshTokens?: 'single-use' | 'omitted' | 'none'
  /** How numbers of seconds are written. Default `number`. */
  expiresIn?: 'number' | 'text'
  /** Whether it is told how long a refresh token lives. Default false. */
  refreshExpiresIn?: boolean
  /** How the answer of an exchange is written. Default as documented: camel-cased, the end as ISO 8601. */
  exchanged?: 'pascal' | 'seconds' | 'milliseconds' | 'endless'
  /** The clock that lifetimes run on. */
  now?(): number
  /** Milliseconds that the servers believe it is later. */
  clockOffset?: number
}

export interface Fault extends cloud.Fault<DoorName> {
  /** In place of the work, as an OAuth error: status, `error`, `error_description`. */
  refuse?: readonly [status: number, error: string, description: string]
  /** In place of the work, as an error of STS: status, `Code`, `Message`. */
  sts?: readonly [status: number, code: string, message: string]
}

export interface Refusal {
  door: DoorName
  code: string
  why: string
}

/** One login, as the server remembers it. */
export interface FamilyStats {
  arn: string
  clientId: string
  /** Refresh tokens that were redeemed. */
  refreshes: number
  /** Refresh tokens that came again. Each ends the login. */
  reuses: number
  ended: boolean
}

export interface AlibabaStats extends cloud.Tally<DoorName, Refusal> {
  families: readonly FamilyStats[]
}

import type * as cloud from '../serve.ts'

/** The doors of the stand-in; of STS, its operations. */
export type DoorName =
  | 'authorize'
  | 'decide'
  | 'confirmation'
  | 'code'
  | 'refresh'
  | 'token'
  | 'GetCallerIdentity'
  | 'AssumeRole'
  | 'GetSessionToken'
  | 'sts'
  | 'getSigninToken'
  | 'console-login'
  | 'federation'
  | 'console'
  | 'unknown'

/** What Sign-In says no with. Its HTTP status and exception follow from it. */
export type SignInError =
  | 'TOKEN_EXPIRED'
  | 'AUTHCODE_EXPIRED'
  | 'USER_CREDENTIALS_CHANGED'
  | 'INSUFFICIENT_PERMISSIONS'
  | 'INVALID_REQUEST'
  | 'TOO_MANY_REQUESTS'
  | 'server_error'

/** What STS says when nothing is wrong with the request. */
type StsTrouble = 'Throttling' | 'ServiceUnavailable' | 'InternalFailure' | 'RegionDisabledException'

/** Why the keys of a login are renewed no more. */
export type SessionEnd = 'TOKEN_EXPIRED' | 'USER_CREDENTIALS_CHANGED' | 'INSUFFICIENT_PERMISSIONS'

interface Mfa {
  /** The ARN of the device. */
  serial: string
  /** What it shows: each is good for one request, as with AWS. */
  codes: readonly string[]
}

/** An IAM user with long-term keys; `root` is the account's own. */
export interface User {
  name: string
  accessKeyId: string
  secretAccessKey: string
  mfa?: Mfa
}

export interface Role {
  arn: string
  /** ARNs of users and roles; `arn:aws:iam::<account>:root` is everybody of that account. */
  trust: readonly string[]
  /** The trust policy wants exactly this one. */
  externalId?: string
  /** The trust policy wants a second factor. */
  mfa?: boolean
  /** Seconds. Default 3600, as with AWS. */
  maxSession?: number
}

/** Who sits in front of the browser. */
export type Person =
  | { kind: 'user'; name: string }
  | { kind: 'role'; role: string; session: string }
  | { kind: 'root' }

/** What the person does at the page of Sign-In; `ask` shows a form with two buttons. */
export type Consent = 'approve' | 'deny' | 'ask'

export interface AwsOptions {
  /** A listener for each. Default `us-east-1` and `eu-west-1`. */
  regions?: readonly string[]
  /** Twelve digits. Default `111122223333`. */
  account?: string
  /** Default: the IAM user `ada`. */
  person?: Person
  consent?: Consent
  /** Default: `ada`, with the keys of AWS' own examples and an MFA device. */
  users?: readonly User[]
  /** Default: `Deploy`, which trusts the whole account. */
  roles?: readonly Role[]
  /** Seconds that keys of Sign-In live: 1 to 900. Default 900. */
  credentialsTtl?: number
  /** Milliseconds. Default 10 minutes. */
  codeTtl?: number
  /** Milliseconds from the login on. Default 12 hours, which is AWS' longest. */
  sessionTtl?: number
  /** Milliseconds in which a redeemed refresh token is answered the same again. Default a minute. */
  refreshWindow?: number
  /** The clock that lifetimes run on. */
  now?(): number
  /** Milliseconds that the servers believe it is later: what they tell, and what they judge proofs and signatures by. */
  clockOffset?: number
}

/** `token` is both grants, `sts` every operation. */
export interface Fault extends cloud.Fault<DoorName> {
  /** In place of the work: an error of Sign-In or of STS, in AWS' own words. */
  refuse?: SignInError | StsTrouble
  /** A JSON request is answered as a form would be: in snake_case. */
  snakeCase?: boolean
}

export interface Refusal {
  door: DoorName
  region: string
  /** `error` of Sign-In, `Code` of STS. */
  code: string
  why: string
}

/** One login, as the server remembers it. */
export interface SessionStats {
  arn: string
  region: string
  clientId: string
  /** Refresh tokens that were redeemed for the first time. */
  renewals: number
  /** Refresh tokens that were redeemed again, within the window. */
  replays: number
  /** Refresh tokens that came again when the window was over. */
  reuses: number
}

export interface AwsStats extends cloud.Tally<DoorName, Refusal> {
  sessions: readonly SessionStats[]
}

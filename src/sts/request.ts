/** What the token services of all clouds have in common: the owner of keys, and keys made from keys. */
import { DaypassError, type Hint } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import type { Host, KeysCredential } from '../core/types.ts'
import type { HttpResponse } from '../oauth/http.ts'

export type Port = Pick<Host, 'fetch' | 'now'>
export type Keys = Pick<KeysCredential, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>

export interface TokenService {
  /** The base URL: `https://sts.eu-west-1.amazonaws.com`. */
  url: string
  /** The region in the signature, where the cloud uses one. */
  region: string
  /** Server clock minus ours in milliseconds, where known. */
  clockOffset?: number
}

/** The answer of GetCallerIdentity, which needs no permission. */
export interface Caller {
  account: string
  arn: string
}

/** The parameters of AssumeRole, which have the same names in all clouds. */
export interface Role {
  RoleArn: string
  RoleSessionName: string
  DurationSeconds?: number | undefined
  ExternalId?: string | undefined
  SourceIdentity?: string | undefined
  /** AWS only. */
  tags?: Readonly<Record<string, string>> | undefined
}

/** Keys of a role, and the session's ARN. */
export interface AssumedRole {
  credential: KeysCredential
  arn: string
}

/** For GetSessionToken: the MFA device and its code. */
export interface SecondFactor {
  SerialNumber: string
  TokenCode: string
  DurationSeconds?: number | undefined
}

/** A refusal: the cloud's error code, and a sentence that is safe to show. */
export interface StsRefusal {
  code: string
  error: DaypassError
  /** The signing keys have expired; renewing them may help. */
  isExpired: boolean
}

export type StsOutcome<T> = { value: T; clockOffset: number } | { refusal: StsRefusal }

export interface Sts {
  getCallerIdentity(port: Port, at: TokenService, keys: Keys): Promise<StsOutcome<Caller>>
  assumeRole(port: Port, at: TokenService, keys: Keys, role: Role): Promise<StsOutcome<AssumedRole>>
  /** Requires long-term keys; not every cloud has it. */
  getSessionToken?(
    port: Port,
    at: TokenService,
    keys: Keys,
    factor: SecondFactor,
  ): Promise<StsOutcome<KeysCredential>>
}

const parseServiceHost = ({ url }: Pick<TokenService, 'url'>) => new URL(url).host

/** The error codes of a cloud. */
export interface ErrorCodes {
  cloud: string
  isTransient(code: string): boolean
  /** The keys were valid once. */
  isExpired(code: string): boolean
  refusesKeys(code: string): boolean
  findHint(code: string): Hint | undefined
}

export function createStsRefusal(
  codes: ErrorCodes,
  at: TokenService,
  { status, retryAfter }: HttpResponse,
  { code, message }: { code: string; message: unknown },
): StsRefusal {
  const said = `${parseServiceHost(at)} answered ${sanitize([status, code, message].filter(Boolean).join(' '))}`
  const isOver = codes.isExpired(code)
  const buildRefusal = (error: DaypassError): StsRefusal => ({ code, error, isExpired: isOver })
  const wait = retryAfter === undefined ? undefined : `try again in ${Math.ceil(retryAfter / 1000)}s`
  if (status >= 500 || status === 429 || codes.isTransient(code))
    return buildRefusal(new DaypassError('network', said, { hint: wait ?? 'try again in a while' }))
  if (isOver || codes.refusesKeys(code))
    return buildRefusal(
      new DaypassError('login_required', `${codes.cloud} does not take these keys (${said})`),
    )
  return buildRefusal(new DaypassError('refused', said, { hint: codes.findHint(code) }))
}

/** The response may hold keys, so the error has no cause. */
export const createStrangeAnswerError = (at: TokenService, { status }: HttpResponse, { cloud }: ErrorCodes) =>
  new DaypassError('network', `${parseServiceHost(at)} gave an answer (${status}) that is not ${cloud}'s`)

/** What the token services of all clouds have in common: who keys belong to, and keys made from keys. */
import { DaypassError, type Hint } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import type { Host, KeysCredential } from '../core/types.ts'
import type { HttpResponse } from '../oauth/http.ts'

export type Port = Pick<Host, 'fetch' | 'now'>
export type Keys = Pick<KeysCredential, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>

export interface TokenService {
  /** `https://sts.eu-west-1.amazonaws.com` */
  url: string
  /** That signatures are scoped to, where they are. */
  region: string
  /** Server clock minus ours, in milliseconds, as far as known. */
  clockOffset?: number
}

/** GetCallerIdentity, which needs no permission. */
export interface Caller {
  account: string
  arn: string
}

/** What AssumeRole is asked for; the clouds have the same names for it. */
export interface Role {
  RoleArn: string
  RoleSessionName: string
  DurationSeconds?: number | undefined
  ExternalId?: string | undefined
  SourceIdentity?: string | undefined
  /** Of AWS alone. */
  tags?: Readonly<Record<string, string>> | undefined
}

/** Keys of a role, and the session's own ARN. */
export interface AssumedRole {
  credential: KeysCredential
  arn: string
}

/** GetSessionToken: the device that is asked, and what it showed. */
export interface SecondFactor {
  SerialNumber: string
  TokenCode: string
  DurationSeconds?: number | undefined
}

/** The cloud said no: its own code, and a sentence that is safe to show. */
export interface StsRefusal {
  code: string
  error: DaypassError
  /** The keys that signed it are over; their own renewal may bring better ones. */
  isExpired: boolean
}

export type StsOutcome<T> = { value: T; clockOffset: number } | { refusal: StsRefusal }

/** A cloud's token service. */
export interface Sts {
  getCallerIdentity(port: Port, at: TokenService, keys: Keys): Promise<StsOutcome<Caller>>
  assumeRole(port: Port, at: TokenService, keys: Keys, role: Role): Promise<StsOutcome<AssumedRole>>
  /** Of long-term keys alone; not every cloud has it. */
  getSessionToken?(
    port: Port,
    at: TokenService,
    keys: Keys,
    factor: SecondFactor,
  ): Promise<StsOutcome<KeysCredential>>
}

const parseServiceHost = ({ url }: Pick<TokenService, 'url'>) => new URL(url).host

/** How a cloud names what went wrong. */
export interface ErrorCodes {
  cloud: string
  isTransient(code: string): boolean
  /** The keys were good once. */
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

/** What was read may be keys: the cause stays out of it. */
export const createStrangeAnswerError = (at: TokenService, { status }: HttpResponse, { cloud }: ErrorCodes) =>
  new DaypassError('network', `${parseServiceHost(at)} gave an answer (${status}) that is not ${cloud}'s`)

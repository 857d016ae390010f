/** What the token services of all clouds have in common: who keys belong to, and keys made from keys. */
import { DaypassError, type Hint } from '../core/errors.ts'
import { shown } from '../core/text.ts'
import type { Host, KeysCredential } from '../core/types.ts'
import type { HttpAnswer } from '../oauth/http.ts'

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
  isOver: boolean
}

export type StsOutcome<T> = { value: T; clockOffset: number } | { refusal: StsRefusal }

/** A cloud's token service. */
export interface Sts {
  callerIdentity(port: Port, at: TokenService, keys: Keys): Promise<StsOutcome<Caller>>
  assumeRole(port: Port, at: TokenService, keys: Keys, role: Role): Promise<StsOutcome<AssumedRole>>
  /** Of long-term keys alone; not every cloud has it. */
  sessionToken?(
    port: Port,
    at: TokenService,
    keys: Keys,
    factor: SecondFactor,
  ): Promise<StsOutcome<KeysCredential>>
}

const hostOf = ({ url }: Pick<TokenService, 'url'>) => new URL(url).host

/** How a cloud names what went wrong. */
export interface Codes {
  cloud: string
  passing(code: string): boolean
  /** The keys were good once. */
  over(code: string): boolean
  keysRefused(code: string): boolean
  hint(code: string): Hint | undefined
}

export function refusalFrom(
  codes: Codes,
  at: TokenService,
  { status, retryAfter }: HttpAnswer,
  { code, message }: { code: string; message: unknown },
): StsRefusal {
  const said = `${hostOf(at)} answered ${shown([status, code, message].filter(Boolean).join(' '))}`
  const isOver = codes.over(code)
  const refused = (error: DaypassError): StsRefusal => ({ code, error, isOver })
  const wait = retryAfter === undefined ? undefined : `try again in ${Math.ceil(retryAfter / 1000)}s`
  if (status >= 500 || status === 429 || codes.passing(code))
    return refused(new DaypassError('network', said, { hint: wait ?? 'try again in a while' }))
  if (isOver || codes.keysRefused(code))
    return refused(new DaypassError('login_required', `${codes.cloud} does not take these keys (${said})`))
  return refused(new DaypassError('refused', said, { hint: codes.hint(code) }))
}

/** What was read may be keys: the cause stays out of it. */
export const strangeAnswer = (at: TokenService, { status }: HttpAnswer, { cloud }: Codes) =>
  new DaypassError('network', `${hostOf(at)} gave an answer (${status}) that is not ${cloud}'s`)

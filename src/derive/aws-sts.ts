/** AWS's token service (query protocol, API version 2011-06-15): who keys belong to, and keys made from keys. */
import { AwsV4Signer } from 'aws4fetch'
import { XMLParser } from 'fast-xml-parser'
import { DaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import { shown } from '../core/text.ts'
import type { Host, KeysCredential } from '../core/types.ts'
import { ask, type HttpAnswer, unreachable } from '../oauth/http.ts'

type Port = Pick<Host, 'fetch' | 'now'>
type Keys = Pick<KeysCredential, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>

export interface TokenService {
  /** `https://sts.eu-west-1.amazonaws.com` */
  url: string
  /** That signatures are scoped to. */
  region: string
  /** Server clock minus ours, in milliseconds, as far as known. */
  clockOffset?: number
}

/** GetCallerIdentity, which needs no permission. */
export interface Caller {
  account: string
  arn: string
}

/** What AssumeRole is asked for; names as in the API. */
export interface Role {
  RoleArn: string
  RoleSessionName: string
  DurationSeconds?: number | undefined
  ExternalId?: string | undefined
  SourceIdentity?: string | undefined
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

/** AWS said no: its own code, and a sentence that is safe to show. */
interface StsRefusal {
  code: string
  error: DaypassError
}

export type StsOutcome<T> = { value: T; clockOffset: number } | { refusal: StsRefusal }

export async function callerIdentity(port: Port, at: TokenService, keys: Keys): Promise<StsOutcome<Caller>> {
  return call(port, at, keys, { Action: 'GetCallerIdentity' }, ({ Account, Arn }) => ({
    account: String(Account),
    arn: String(Arn),
  }))
}

export async function assumeRole(
  port: Port,
  at: TokenService,
  keys: Keys,
  { tags = {}, ...role }: Role,
): Promise<StsOutcome<AssumedRole>> {
  const members = Object.entries(tags).flatMap(([key, value], index) => [
    [`Tags.member.${index + 1}.Key`, key],
    [`Tags.member.${index + 1}.Value`, value],
  ])
  const parameters = { Action: 'AssumeRole', ...role, ...Object.fromEntries(members) }
  return call(port, at, keys, parameters, (result, issuedAt) => ({
    credential: credentialIn(result, issuedAt),
    arn: String((result.AssumedRoleUser as Fields).Arn),
  }))
}

/** Of long-term keys alone. */
export async function sessionToken(
  port: Port,
  at: TokenService,
  keys: Keys,
  factor: SecondFactor,
): Promise<StsOutcome<KeysCredential>> {
  return call(port, at, keys, { Action: 'GetSessionToken', ...factor }, credentialIn)
}

type Parameters = Record<string, string | number | undefined>
type Fields = Record<string, unknown>

function credentialIn(result: Fields, issuedAt: number): KeysCredential {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = result.Credentials as Fields
  return {
    kind: 'keys',
    cloud: 'aws',
    accessKeyId: String(AccessKeyId),
    secretAccessKey: new Secret(String(SecretAccessKey)),
    sessionToken: new Secret(String(SessionToken)),
    issuedAt,
    expiresAt: Date.parse(String(Expiration)),
  }
}

/** Signed with the clock that we believe in; a signature that AWS finds too old or too new is made once more with its own. */
async function call<T>(
  port: Port,
  at: TokenService,
  keys: Keys,
  parameters: Parameters,
  read: (result: Fields, issuedAt: number) => T,
): Promise<StsOutcome<T>> {
  const offset = at.clockOffset ?? 0
  const first = await send(port, at, keys, parameters, offset)
  const mistimed = MISTIMED.test(first.text) && first.clockOffset !== offset
  const answer = mistimed ? await send(port, at, keys, parameters, first.clockOffset) : first
  const { clockOffset, sentAt, text } = answer
  try {
    const [root] = Object.values(parseXml(text))
    if (answer.status !== 200) return { refusal: refusal(at, answer, root?.Error as Fields | undefined) }
    const result = root![`${parameters.Action}Result`] as Fields
    return { value: read(result, sentAt + clockOffset), clockOffset }
  } catch (error) {
    // What was read may be keys: the cause stays out of it.
    if (error instanceof DaypassError) throw error
    throw new DaypassError('network', `${hostOf(at)} gave an answer (${answer.status}) that is not AWS's`)
  }
}

/** What AWS calls a signature of another time. */
const MISTIMED = /RequestExpired|SignatureDoesNotMatch|InvalidSignature|RequestTimeTooSkewed/

/** Values stay texts: an account number may begin with a zero. */
function parseXml(text: string): Record<string, Fields> {
  const options = {
    parseTagValue: false,
    htmlEntities: true,
    ignoreDeclaration: true,
    ignoreAttributes: true,
  }
  return new XMLParser(options).parse(text) as Record<string, Fields>
}

async function send(
  port: Port,
  { url, region }: TokenService,
  { accessKeyId, secretAccessKey, sessionToken }: Keys,
  parameters: Parameters,
  offset: number,
): Promise<HttpAnswer> {
  const said = Object.entries({ ...parameters, Version: '2011-06-15' }).filter(
    ([, value]) => value !== undefined,
  )
  const signer = new AwsV4Signer({
    url: `${url.replace(/\/$/, '')}/`,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: new URLSearchParams(said.map(([name, value]) => [name, String(value)])).toString(),
    accessKeyId,
    secretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken && { sessionToken: sessionToken.reveal() }),
    service: 'sts',
    region,
    datetime: basicTime(port.now() + offset),
  })
  const request = await signer.sign()
  try {
    return await ask(port, request.url, {
      method: 'POST',
      headers: request.headers,
      body: request.body as string,
    })
  } catch (error) {
    throw error instanceof DaypassError ? error : unreachable(request.url, error)
  }
}

/** `20260102T030405Z` (ISO 8601, basic form). */
const basicTime = (time: number) => new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, '')

const hostOf = ({ url }: TokenService) => new URL(url).host

/** Codes of section "Common Errors" and of the actions; what is not here is `refused`. */
const PASSING = new Set([
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'ServiceUnavailable',
  'InternalFailure',
])
const KEYS_REFUSED = new Set([
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
  'OptInRequired',
])

/** The keys that signed it are over; their own renewal may bring better ones. */
export const EXPIRED: ReadonlySet<string> = new Set(['ExpiredToken', 'ExpiredTokenException'])

function refusal(at: TokenService, { status, retryAfter }: HttpAnswer, error: Fields = {}): StsRefusal {
  const code = String(error.Code ?? '')
  const said = `${hostOf(at)} answered ${shown([status, code, error.Message].filter(Boolean).join(' '))}`
  const wait = retryAfter === undefined ? undefined : `try again in ${Math.ceil(retryAfter / 1000)}s`
  if (status >= 500 || status === 429 || PASSING.has(code))
    return { code, error: new DaypassError('network', said, { hint: wait ?? 'try again in a while' }) }
  if (KEYS_REFUSED.has(code) || EXPIRED.has(code))
    return { code, error: new DaypassError('login_required', `AWS does not take these keys (${said})`) }
  return { code, error: new DaypassError('refused', said, { hint: HINTS[code] }) }
}

const HINTS: Record<string, string> = {
  AccessDenied:
    'the trust policy of the role has to name you, and a policy of yours has to allow the action (external id, MFA and source identity count, too)',
  RegionDisabledException: 'the region is not active in this account: choose another one with --region',
  ValidationError: 'mend the role in config.yaml: daypass config validate',
  PackedPolicyTooLarge: 'use fewer or shorter session tags',
}

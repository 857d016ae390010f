/**
 * AWS's token service (query protocol, API version 2011-06-15): the owner of keys, and keys made from keys.
 */
import { AwsV4Signer } from 'aws4fetch'
import { XMLParser } from 'fast-xml-parser'
import { type Hint, isDaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { KeysCredential } from '../core/types.ts'
import { createUnreachableError, type HttpResponse, sendHttpRequest } from '../oauth/http.ts'
import {
  type AssumedRole,
  type Caller,
  createStrangeAnswerError,
  createStsRefusal,
  type ErrorCodes,
  type Keys,
  type Port,
  type Role,
  type SecondFactor,
  type Sts,
  type StsOutcome,
  type TokenService,
} from './request.ts'

export async function getCallerIdentity(
  port: Port,
  at: TokenService,
  keys: Keys,
): Promise<StsOutcome<Caller>> {
  const parameters = { Action: 'GetCallerIdentity' }
  return callAction({ port, at, keys, parameters }, ({ Account, Arn }) => ({
    account: String(Account),
    arn: String(Arn),
  }))
}

async function assumeRole(
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
  return callAction({ port, at, keys, parameters }, (result, issuedAt) => ({
    credential: parseCredentials(result, issuedAt),
    arn: String((result.AssumedRoleUser as Fields).Arn),
  }))
}

/** Requires long-term keys. */
async function getSessionToken(
  port: Port,
  at: TokenService,
  keys: Keys,
  factor: SecondFactor,
): Promise<StsOutcome<KeysCredential>> {
  return callAction(
    { port, at, keys, parameters: { Action: 'GetSessionToken', ...factor } },
    parseCredentials,
  )
}

export const awsSts: Sts = {
  getCallerIdentity: getCallerIdentity,
  assumeRole,
  getSessionToken: getSessionToken,
}

interface Call {
  port: Port
  at: TokenService
  keys: Keys
  parameters: Record<string, string | number | undefined>
}

type Fields = Record<string, unknown>

function parseCredentials(result: Fields, issuedAt: number): KeysCredential {
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

/** Signs with the known clock offset. A signature of a wrong time is repeated once with AWS's clock. */
async function callAction<T>(
  request: Call,
  read: (result: Fields, issuedAt: number) => T,
): Promise<StsOutcome<T>> {
  const { at, parameters } = request
  const offset = at.clockOffset ?? 0
  const first = await sendSignedRequest(request, offset)
  const mistimed = MISTIMED.test(first.text) && first.clockOffset !== offset
  const answer = mistimed ? await sendSignedRequest(request, first.clockOffset) : first
  const { clockOffset, sentAt, text } = answer
  try {
    const [root] = Object.values(parseXml(text))
    if (answer.status !== 200) {
      const { Code = '', Message } = (root?.Error ?? {}) as Fields
      return { refusal: createStsRefusal(CODES, at, answer, { code: String(Code), message: Message }) }
    }
    const result = root![`${parameters.Action}Result`] as Fields
    return { value: read(result, sentAt + clockOffset), clockOffset }
  } catch (error) {
    throw isDaypassError(error) ? error : createStrangeAnswerError(at, answer, CODES)
  }
}

/** AWS's codes for a signature with a wrong time. */
const MISTIMED = /RequestExpired|SignatureDoesNotMatch|InvalidSignature|RequestTimeTooSkewed/

/** Parses values as text: an account number may begin with a zero. */
function parseXml(text: string): Record<string, Fields> {
  const options = {
    parseTagValue: false,
    htmlEntities: true,
    ignoreDeclaration: true,
    ignoreAttributes: true,
  }
  return new XMLParser(options).parse(text) as Record<string, Fields>
}

async function sendSignedRequest(
  { port, at, keys, parameters }: Call,
  offset: number,
): Promise<HttpResponse> {
  const { url, region } = at
  const { accessKeyId, secretAccessKey, sessionToken } = keys
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
    datetime: formatBasicTime(port.now() + offset),
  })
  const request = await signer.sign()
  try {
    return await sendHttpRequest(port, request.url, {
      method: 'POST',
      headers: request.headers,
      body: request.body as string,
    })
  } catch (error) {
    throw isDaypassError(error) ? error : createUnreachableError(request.url, error)
  }
}

/** Formats as `20260102T030405Z` (ISO 8601, basic form). */
const formatBasicTime = (time: number) => new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, '')

/** Codes from "Common Errors" and from the actions; all other codes are `refused`. */
const TRANSIENT_CODES = new Set([
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'ServiceUnavailable',
  'InternalFailure',
])
const REFUSED_KEYS_CODES = new Set([
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
  'OptInRequired',
])

const EXPIRED_CODES = new Set(['ExpiredToken', 'ExpiredTokenException'])

const HINTS: Record<string, Hint> = {
  AccessDenied:
    'the trust policy of the role has to name you, and a policy of yours has to allow the action (external id, MFA and source identity count, too)',
  RegionDisabledException: 'the region is not active in this account: choose another one with --region',
  ValidationError: (command) => `mend the role in config.yaml: ${command({ verb: 'config validate' })}`,
  PackedPolicyTooLarge: 'use fewer or shorter session tags',
}

const CODES: ErrorCodes = {
  cloud: 'AWS',
  isTransient: (code) => TRANSIENT_CODES.has(code),
  isExpired: (code) => EXPIRED_CODES.has(code),
  refusesKeys: (code) => REFUSED_KEYS_CODES.has(code),
  findHint: (code) => HINTS[code],
}

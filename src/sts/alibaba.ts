/** Alibaba Cloud's token service (API version 2015-04-01): JSON, signed with ACS3-HMAC-SHA256. */
import { randomUUID } from 'node:crypto'
import { parseTime } from '../core/duration.ts'
import { isDaypassError } from '../core/errors.ts'
import { parseAnswer } from '../core/json.ts'
import { Secret } from '../core/secret.ts'
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
  type Sts,
  type StsOutcome,
  type TokenService,
} from './request.ts'
import { percentEncode, signRequest } from './sign-acs3.ts'

type Fields = Record<string, unknown>
interface Call {
  port: Port
  at: TokenService
  keys: Keys
  action: string
  parameters?: Readonly<Record<string, string | number | undefined>>
}

async function getCallerIdentity(port: Port, at: TokenService, keys: Keys): Promise<StsOutcome<Caller>> {
  return callAction({ port, at, keys, action: 'GetCallerIdentity' }, ({ AccountId, Arn }) => ({
    account: parseText(AccountId),
    arn: parseText(Arn),
  }))
}

async function assumeRole(
  port: Port,
  at: TokenService,
  keys: Keys,
  { tags: _, ...role }: Role,
): Promise<StsOutcome<AssumedRole>> {
  const request = { port, at, keys, action: 'AssumeRole', parameters: { ...role } }
  return callAction(request, ({ Credentials, AssumedRoleUser }, issuedAt) => {
    const { AccessKeyId, AccessKeySecret, SecurityToken, Expiration } = Credentials as Fields
    return {
      credential: {
        kind: 'keys',
        cloud: 'alibaba',
        accessKeyId: parseText(AccessKeyId),
        secretAccessKey: new Secret(parseText(AccessKeySecret)),
        sessionToken: new Secret(parseText(SecurityToken)),
        issuedAt,
        expiresAt: parseTime(Expiration)!,
      },
      arn: parseText((AssumedRoleUser as Fields).Arn),
    }
  })
}

export const alibabaSts: Sts = { getCallerIdentity, assumeRole }

/** Throws where the text is missing: such an answer does not come from the service. */
function parseText(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new Error('no text')
}

/**
 * Signs with the known clock offset. A signature that the service finds too old or too new is repeated once
 * with the service's clock.
 */
async function callAction<T>(
  request: Call,
  read: (result: Fields, issuedAt: number) => T,
): Promise<StsOutcome<T>> {
  const { at } = request
  const offset = at.clockOffset ?? 0
  const first = await sendSignedRequest(request, offset)
  const mistimed = MISTIMED.test(first.text) && first.clockOffset !== offset
  const answer = mistimed ? await sendSignedRequest(request, first.clockOffset) : first
  const { clockOffset, sentAt } = answer
  try {
    const result = parseAnswer(answer.text) as Fields
    if (answer.status === 200) return { value: read(result, sentAt + clockOffset), clockOffset }
    const { Code = '', Message } = result
    return { refusal: createStsRefusal(CODES, at, answer, { code: String(Code), message: Message }) }
  } catch (error) {
    throw isDaypassError(error) ? error : createStrangeAnswerError(at, answer, CODES)
  }
}

const MISTIMED = /InvalidTimeStamp/

async function sendSignedRequest(
  { port, at, keys, action, parameters = {} }: Call,
  offset: number,
): Promise<HttpResponse> {
  const said = Object.entries(parameters).filter(([, value]) => value !== undefined)
  const query = said
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(String(value))}`)
    .join('&')
  const url = new URL(`${at.url.replace(/\/$/, '')}/${query && `?${query}`}`)
  const time = port.now() + offset
  const { host: _, ...headers } = signRequest(
    { url, action, version: '2015-04-01', time, nonce: randomUUID() },
    keys,
  )
  try {
    return await sendHttpRequest(port, url, {
      method: 'POST',
      headers: { accept: 'application/json', ...headers },
    })
  } catch (error) {
    throw isDaypassError(error) ? error : createUnreachableError(url, error)
  }
}

/** https://api.alibabacloud.com/document/Sts/2015-04-01/errorCode; all other codes are `refused`. */
const CODES: ErrorCodes = {
  cloud: 'Alibaba Cloud',
  isTransient: (code) => /^(?:Throttling|ServiceUnavailable|InternalError|SignatureNonceUsed)/.test(code),
  isExpired: (code) => code === 'InvalidSecurityToken.Expired',
  refusesKeys: (code) =>
    /^(?:InvalidAccessKeyId|InvalidSecurityToken|MissingSecurityToken|SignatureDoesNotMatch|IncompleteSignature)/.test(
      code,
    ),
  findHint: (code) => HINTS.find(([start]) => code.startsWith(start))?.[1],
}

const HINTS: readonly [string, string][] = [
  [
    'NoPermission',
    'the trust policy of the role has to name you, and a policy of yours has to allow sts:AssumeRole (an external id counts, too); the owner of the account cannot take on a role',
  ],
  ['EntityNotExist.Role', 'there is no such role in that account: mend role_arn'],
  ['InvalidParameter', 'mend the role: its ARN, its duration, or the name of its session'],
]

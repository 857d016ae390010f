/** Alibaba Cloud's token service (API version 2015-04-01), in JSON and signed with ACS3-HMAC-SHA256. */
import { randomUUID } from 'node:crypto'
import { timeOf } from '../core/duration.ts'
import { isDaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import { ask, type HttpAnswer, unreachable } from '../oauth/http.ts'
import {
  type AssumedRole,
  type Caller,
  type Codes,
  type Keys,
  type Port,
  type Role,
  refusalFrom,
  type Sts,
  type StsOutcome,
  strangeAnswer,
  type TokenService,
} from './request.ts'
import { encoded, signed } from './sign-acs3.ts'

type Fields = Record<string, unknown>
interface Call {
  port: Port
  at: TokenService
  keys: Keys
  action: string
  parameters?: Readonly<Record<string, string | number | undefined>>
}

async function callerIdentity(port: Port, at: TokenService, keys: Keys): Promise<StsOutcome<Caller>> {
  return call({ port, at, keys, action: 'GetCallerIdentity' }, ({ AccountId, Arn }) => ({
    account: text(AccountId),
    arn: text(Arn),
  }))
}

async function assumeRole(
  port: Port,
  at: TokenService,
  keys: Keys,
  { tags: _, ...role }: Role,
): Promise<StsOutcome<AssumedRole>> {
  const request = { port, at, keys, action: 'AssumeRole', parameters: { ...role } }
  return call(request, ({ Credentials, AssumedRoleUser }, issuedAt) => {
    const { AccessKeyId, AccessKeySecret, SecurityToken, Expiration } = Credentials as Fields
    return {
      credential: {
        kind: 'keys',
        cloud: 'alibaba',
        accessKeyId: text(AccessKeyId),
        secretAccessKey: new Secret(text(AccessKeySecret)),
        sessionToken: new Secret(text(SecurityToken)),
        issuedAt,
        expiresAt: timeOf(Expiration)!,
      },
      arn: text((AssumedRoleUser as Fields).Arn),
    }
  })
}

export const alibabaSts: Sts = { callerIdentity, assumeRole }

/** Throws where there is none: an answer without keys is not its answer. */
function text(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new Error('no text')
}

/** Signed with the clock that we believe in; a signature that is found too old or too new is made once more with theirs. */
async function call<T>(request: Call, read: (result: Fields, issuedAt: number) => T): Promise<StsOutcome<T>> {
  const { at } = request
  const offset = at.clockOffset ?? 0
  const first = await send(request, offset)
  const mistimed = MISTIMED.test(first.text) && first.clockOffset !== offset
  const answer = mistimed ? await send(request, first.clockOffset) : first
  const { clockOffset, sentAt } = answer
  try {
    const result = JSON.parse(answer.text) as Fields
    if (answer.status === 200) return { value: read(result, sentAt + clockOffset), clockOffset }
    const { Code = '', Message } = result
    return { refusal: refusalFrom(CODES, at, answer, { code: String(Code), message: Message }) }
  } catch (error) {
    throw isDaypassError(error) ? error : strangeAnswer(at, answer, CODES)
  }
}

const MISTIMED = /InvalidTimeStamp/

async function send({ port, at, keys, action, parameters = {} }: Call, offset: number): Promise<HttpAnswer> {
  const said = Object.entries(parameters).filter(([, value]) => value !== undefined)
  const query = said.map(([name, value]) => `${encoded(name)}=${encoded(String(value))}`).join('&')
  const url = new URL(`${at.url.replace(/\/$/, '')}/${query && `?${query}`}`)
  const time = port.now() + offset
  const { host: _, ...headers } = signed(
    { url, action, version: '2015-04-01', time, nonce: randomUUID() },
    keys,
  )
  try {
    return await ask(port, url, { method: 'POST', headers: { accept: 'application/json', ...headers } })
  } catch (error) {
    throw isDaypassError(error) ? error : unreachable(url, error)
  }
}

/** https://api.alibabacloud.com/document/Sts/2015-04-01/errorCode; what is not here is `refused`. */
const CODES: Codes = {
  cloud: 'Alibaba Cloud',
  passing: (code) => /^(?:Throttling|ServiceUnavailable|InternalError|SignatureNonceUsed)/.test(code),
  over: (code) => code === 'InvalidSecurityToken.Expired',
  keysRefused: (code) =>
    /^(?:InvalidAccessKeyId|InvalidSecurityToken|MissingSecurityToken|SignatureDoesNotMatch|IncompleteSignature)/.test(
      code,
    ),
  hint: (code) => HINTS.find(([start]) => code.startsWith(start))?.[1],
}

const HINTS: readonly [string, string][] = [
  [
    'NoPermission',
    'the trust policy of the role has to name you, and a policy of yours has to allow sts:AssumeRole (an external id counts, too); the owner of the account cannot take on a role',
  ],
  ['EntityNotExist.Role', 'there is no such role in that account: mend role_arn'],
  ['InvalidParameter', 'mend the role: its ARN, its duration, or the name of its session'],
]

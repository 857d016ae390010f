import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { AwsV4Signer } from 'aws4fetch'
import type { Keys } from './principals.ts'
import type { AwsStandIn } from './server.ts'

/** A request, as far as it can be signed. */
export interface S3Ask {
  method: string
  url: URL
  headers: IncomingMessage['headers']
  body: string
}

/** A no of S3, in its own words. */
export interface S3No {
  status: number
  code: string
  message: string
}

const REGION = 'us-east-1'
/** Milliseconds that `x-amz-date` may be off. */
const PATIENCE = 15 * 60_000

const NO = {
  anonymous: { status: 403, code: 'AccessDenied', message: 'Access Denied' },
  malformed: {
    status: 400,
    code: 'AuthorizationHeaderMalformed',
    message: `The authorization header is malformed; expecting '${REGION}/s3/aws4_request'`,
  },
  unknown: {
    status: 403,
    code: 'InvalidAccessKeyId',
    message: 'The AWS Access Key Id you provided does not exist in our records.',
  },
  token: {
    status: 400,
    code: 'InvalidToken',
    message: 'The provided token is malformed or otherwise invalid.',
  },
  expired: { status: 400, code: 'ExpiredToken', message: 'The provided token has expired.' },
  skewed: {
    status: 403,
    code: 'RequestTimeTooSkewed',
    message: 'The difference between the request time and the current time is too large.',
  },
  signature: {
    status: 403,
    code: 'SignatureDoesNotMatch',
    message: 'The request signature we calculated does not match the signature you provided.',
  },
  body: {
    status: 400,
    code: 'XAmzContentSHA256Mismatch',
    message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
  },
} as const satisfies Record<string, S3No>

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=(\w+)\/(\d{8})\/([\w-]+)\/(\w+)\/aws4_request, ?SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})$/

const TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

/** Whose request this is, or S3's no. The signature is made again by the signer that we use ourselves. */
export async function signer(ask: S3Ask, { keyRing, clock }: AwsStandIn): Promise<Keys | S3No> {
  const { authorization } = ask.headers
  if (authorization === undefined) return NO.anonymous
  const [whole, id = '', day = '', region, service, names = '', signature] =
    AUTHORIZATION.exec(authorization) ?? []
  if (whole === undefined || region !== REGION || service !== 's3') return NO.malformed
  const keys = keyRing.find(id)
  if (keys === undefined) return NO.unknown
  if (keys.sessionToken !== ask.headers['x-amz-security-token']) return NO.token
  const date = String(ask.headers['x-amz-date'] ?? '')
  const time = Date.parse(date.replace(TIME, '$1-$2-$3T$4:$5:$6Z'))
  if (!date.startsWith(day) || !(Math.abs(time - clock.told()) <= PATIENCE)) return NO.skewed
  if (ask.headers.host !== ask.url.host || signature !== (await signed(ask, keys, names, date)))
    return NO.signature
  if (keyRing.isExpired(keys)) return NO.expired
  const digest = createHash('sha256').update(ask.body).digest('hex')
  return ask.headers['x-amz-content-sha256'] === digest ? keys : NO.body
}

/** What a thief could change must be among the names: the signer adds what is missing, and the signature is another one. */
function signed({ method, url, headers }: S3Ask, keys: Keys, names: string, datetime: string) {
  const those = names.split(';').filter((name) => name !== 'host')
  const { accessKeyId, secretAccessKey, sessionToken = '' } = keys
  return new AwsV4Signer({
    ...{ method, url: url.href, accessKeyId, secretAccessKey, datetime },
    ...(sessionToken && { sessionToken }),
    ...{ region: REGION, service: 's3', allHeaders: true },
    headers: Object.fromEntries(those.map((name) => [name, String(headers[name] ?? '')])),
  }).signature()
}

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Ask, Reply } from './message.ts'
import type { KeyRing, Keys } from './principals.ts'
import { stsError } from './xml.ts'

/** AWS Signature Version 4, recomputed from the request. */

/** Milliseconds that `x-amz-date` may be off. */
const PATIENCE = 15 * 60_000

interface Scope {
  date: string
  region: string
  service: string
  end: string
}

interface Authorization {
  accessKeyId: string
  scope: Scope
  signedHeaders: readonly string[]
  signature: string
  /** `x-amz-date`, and the same as a time. */
  amzDate: string
  time: number
}

const mismatch = (message: string): Reply => stsError(403, 'SignatureDoesNotMatch', message)
const incomplete = (message: string): Reply => stsError(400, 'IncompleteSignature', message)

const WRONG =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ' +
  'and signing method. Consult the service documentation for details.'

const UNKNOWN = 'The security token included in the request is invalid.'

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

/** `20260101T000000Z` and the like. */
const stamp = (time: number): string => new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, '')

function timeOf(amzDate: string): number {
  const [, ...parts] = amzDate.match(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/) ?? []
  const [year = '', month, day, hour, minute, second] = parts
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

function headerOf({ headers, base }: Ask, name: string): string {
  // The name that the client spoke to, which is not always the socket's.
  if (name === 'host') return new URL(base).host
  const value = headers[name]
  return String(value ?? '')
    .trim()
    .replace(/ +/g, ' ')
}

function canonicalQuery({ url }: Ask): string {
  const pairs = [...url.searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
  return pairs.sort().join('&')
}

function canonicalRequest(ask: Ask, signedHeaders: readonly string[]): string {
  const headers = signedHeaders.map((name) => `${name}:${headerOf(ask, name)}\n`)
  const path = encodeURI(ask.url.pathname)
  const lines = [ask.method, path, canonicalQuery(ask), headers.join(''), signedHeaders.join(';')]
  return [...lines, hash(ask.body)].join('\n')
}

function signatureOf(ask: Ask, { scope, signedHeaders, amzDate }: Authorization, secret: string): string {
  const { date, region, service, end } = scope
  const parts = [date, region, service, end]
  const request = hash(canonicalRequest(ask, signedHeaders))
  const text = ['AWS4-HMAC-SHA256', amzDate, parts.join('/'), request].join('\n')
  const key = parts.reduce<string | Buffer>(hmac, `AWS4${secret}`)
  return hmac(key, text).toString('hex')
}

function readAuthorization(ask: Ask): Authorization | Reply {
  const text = ask.headers.authorization
  if (text === undefined) {
    return stsError(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token')
  }
  const [, credential = '', headers = '', signature = ''] =
    text.match(
      /^AWS4-HMAC-SHA256 Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/,
    ) ?? []
  if (credential === '')
    return incomplete(`Authorization header is not of AWS4-HMAC-SHA256. Authorization=${text}`)
  const [accessKeyId = '', date = '', region = '', service = '', end = '', ...more] = credential.split('/')
  if (end === '' || more.length > 0) {
    return incomplete(`Credential must have exactly 5 slash-delimited elements, got '${credential}'`)
  }
  const amzDate = String(ask.headers['x-amz-date'] ?? '')
  const time = timeOf(amzDate)
  if (Number.isNaN(time))
    return incomplete("Authorization header requires existence of a 'X-Amz-Date' header.")
  const scope = { date, region, service, end }
  return { accessKeyId, scope, signedHeaders: headers.split(';'), signature, amzDate, time }
}

/** Whatever a thief could change must be signed. */
function headersProblem(ask: Ask, { signedHeaders }: Authorization): Reply | undefined {
  const needed = ['host', 'x-amz-date', 'x-amz-security-token']
  const unsigned = needed.find(
    (name) => !signedHeaders.includes(name) && (name === 'host' || ask.headers[name] !== undefined),
  )
  if (unsigned !== undefined) {
    return mismatch(`'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.`)
  }
  const inOrder = [...signedHeaders].sort().join() === signedHeaders.join()
  return inOrder ? undefined : mismatch(WRONG)
}

function scopeProblem({ scope, amzDate }: Authorization, here: string): Reply | undefined {
  const { date, region, service, end } = scope
  if (region !== here) return mismatch(`Credential should be scoped to a valid region, not '${region}'. `)
  if (service !== 'sts') return mismatch("Credential should be scoped to correct service: 'sts'. ")
  if (end !== 'aws4_request') {
    return mismatch(`Credential should be scoped with a valid terminator: 'aws4_request', not '${end}'. `)
  }
  const day = amzDate.slice(0, 8)
  if (date === day) return undefined
  return mismatch(
    `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${date}' != '${day}', from '${amzDate}'.`,
  )
}

function dateProblem({ time, amzDate }: Authorization, now: number): Reply | undefined {
  if (time < now - PATIENCE) {
    const [limit, here] = [stamp(now - PATIENCE), stamp(now)]
    return mismatch(`Signature expired: ${amzDate} is now earlier than ${limit} (${here} - 15 min.)`)
  }
  if (time <= now + PATIENCE) return undefined
  const [limit, here] = [stamp(now + PATIENCE), stamp(now)]
  return mismatch(`Signature not yet current: ${amzDate} is still later than ${limit} (${here} + 15 min.)`)
}

function same(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
}

/** Whose request this is, or AWS' no. */
export function authenticated(ask: Ask, keyRing: KeyRing, clock: Clock): { keys: Keys } | Reply {
  const read = readAuthorization(ask)
  if ('status' in read) return read
  const keys = keyRing.find(read.accessKeyId)
  const token = ask.headers['x-amz-security-token']
  if (keys === undefined || keys.sessionToken !== token) return stsError(403, 'InvalidClientTokenId', UNKNOWN)
  const problem =
    headersProblem(ask, read) ?? scopeProblem(read, ask.region) ?? dateProblem(read, clock.told())
  if (problem !== undefined) return problem
  if (!same(read.signature, signatureOf(ask, read, keys.secretAccessKey))) return mismatch(WRONG)
  if (!keyRing.isExpired(keys)) return { keys }
  return stsError(403, 'ExpiredToken', 'The security token included in the request is expired')
}

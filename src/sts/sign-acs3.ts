/** Alibaba Cloud's signature of version 3: https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature */
import { createHash, createHmac } from 'node:crypto'
import type { Keys } from './request.ts'

const ALGORITHM = 'ACS3-HMAC-SHA256'

export interface SignedCall {
  /** The service with the query: `https://sts.aliyuncs.com/?RoleArn=…`. */
  url: URL
  /** `GetCallerIdentity` */
  action: string
  /** `2015-04-01` */
  version: string
  /** Milliseconds by the server's clock. */
  time: number
  /** A different value for each request. */
  nonce: string
}

/** Creates the headers of a POST without a body. All of them are signed, including the session token. */
export function signRequest(
  { url, action, version, time, nonce }: SignedCall,
  keys: Keys,
): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken } = keys
  const emptyBody = hashSha256('')
  const headers: Record<string, string> = {
    host: url.host,
    'x-acs-accesskey-id': accessKeyId,
    'x-acs-action': action,
    'x-acs-content-sha256': emptyBody,
    'x-acs-date': new Date(time).toISOString().replace(/\.\d{3}/, ''),
    ...(sessionToken && { 'x-acs-security-token': sessionToken.reveal() }),
    'x-acs-signature-nonce': nonce,
    'x-acs-version': version,
  }
  const names = Object.keys(headers).sort()
  const lines = names.map((name) => `${name}:${headers[name]!.trim()}\n`).join('')
  const request = ['POST', url.pathname, buildCanonicalQuery(url), lines, names.join(';'), emptyBody].join(
    '\n',
  )
  const signature = createHmac('sha256', secretAccessKey.reveal())
    .update(`${ALGORITHM}\n${hashSha256(request)}`)
    .digest('hex')
  const authorization = `${ALGORITHM} Credential=${accessKeyId},SignedHeaders=${names.join(';')},Signature=${signature}`
  return { ...headers, authorization }
}

const hashSha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** Percent-encodes by RFC 3986, including the reserved characters of §2.2. */
export const percentEncode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)

const buildCanonicalQuery = ({ searchParams }: URL) =>
  [...searchParams]
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .sort()
    .join('&')

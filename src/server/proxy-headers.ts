/** Selects the headers of requests and answers that are passed on. */
import type { IncomingMessage } from 'node:http'
import type { Body } from './request-body.ts'

/** Headers of one connection, and not of the message (RFC 9110 §7.6.1). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** Headers that we set: host, credential, encodings that we decode, and `100-continue`. */
const OWN_HEADERS = ['host', 'authorization', 'accept-encoding', 'expect']

/** Headers of one origin. All APIs would share one cookie jar here, and some cookies are a login. */
const ORIGIN_HEADERS = ['cookie', 'set-cookie', 'alt-svc', 'strict-transport-security']

const parseConnectionHeader = (connection: string | null | undefined) =>
  (connection ?? '').split(',').map((name) => name.trim().toLowerCase())

export function buildRequestHeaders(request: IncomingMessage, body: Body | undefined): Headers {
  const { rawHeaders } = request
  const dropped = new Set([
    ...HOP_BY_HOP,
    ...OWN_HEADERS,
    ...ORIGIN_HEADERS,
    ...parseConnectionHeader(request.headers.connection),
  ])
  // The length of a buffered body is known.
  if (!body || body.isBuffered) dropped.add('content-length')
  const headers = new Headers()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase()
    if (!dropped.has(name)) headers.append(name, rawHeaders[index + 1]!)
  }
  return headers
}

/** Builds the headers of the answer. `rewrite` converts addresses to those that the program sees. */
export function buildResponseHeaders(
  headers: Headers,
  rewrite: (address: string) => string,
): Record<string, string> {
  const dropped = new Set([
    ...HOP_BY_HOP,
    ...ORIGIN_HEADERS,
    ...parseConnectionHeader(headers.get('connection')),
  ])
  // The body is decoded already and has another length.
  if (headers.has('content-encoding'))
    for (const name of ['content-encoding', 'content-length']) dropped.add(name)
  const kept = Object.fromEntries([...headers].filter(([name]) => !dropped.has(name)))
  const { location, link } = kept
  if (location !== undefined) kept.location = rewrite(location)
  // RFC 8288: the address of the next page.
  if (link !== undefined) kept.link = link.replace(/<([^<>]*)>/g, (_, address) => `<${rewrite(address)}>`)
  return kept
}

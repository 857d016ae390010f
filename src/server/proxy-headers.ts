/** What of a request's and an answer's headers concerns the other side. */
import type { IncomingMessage } from 'node:http'
import type { Body } from './request-body.ts'

/** Of one connection, and not of the message (RFC 9110 §7.6.1). */
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

/** Ours to say: to whom it goes, who sends it, what we can decode, and whether anyone waits before the body. */
const OWN_HEADERS = ['host', 'authorization', 'accept-encoding', 'expect']

/** Of the one address that said it. One jar would hold the cookies of all, and some are a login by themselves. */
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
  // Of what is at hand as a whole, the length is known.
  if (!body || body.isBuffered) dropped.add('content-length')
  const headers = new Headers()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase()
    if (!dropped.has(name)) headers.append(name, rawHeaders[index + 1]!)
  }
  return headers
}

/** `readdressed`: addresses in it, as the program is to see them. */
export function buildResponseHeaders(
  headers: Headers,
  rewrite: (address: string) => string,
): Record<string, string> {
  const dropped = new Set([
    ...HOP_BY_HOP,
    ...ORIGIN_HEADERS,
    ...parseConnectionHeader(headers.get('connection')),
  ])
  // It is decoded already, and has another length.
  if (headers.has('content-encoding'))
    for (const name of ['content-encoding', 'content-length']) dropped.add(name)
  const kept = Object.fromEntries([...headers].filter(([name]) => !dropped.has(name)))
  const { location, link } = kept
  if (location !== undefined) kept.location = rewrite(location)
  // RFC 8288: where the next page is.
  if (link !== undefined) kept.link = link.replace(/<([^<>]*)>/g, (_, address) => `<${rewrite(address)}>`)
  return kept
}

/**
 * A loopback address that stands before an API for one program: the program comes with a bearer of ours, which is of
 * no use anywhere else, and the API is shown the token of the moment. Nothing goes anywhere but there.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isDaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { Fetch } from '../core/types.ts'
import { bearerText } from '../oauth/bearer.ts'
import { unreachable } from '../oauth/http.ts'
import { type Body, requestBody } from './body.ts'
import { requestHeaders, responseHeaders } from './headers.ts'

export interface ProxyOptions {
  /** The base of the API, an absolute URL. */
  upstream: string
  fetch: Fetch
  /** A token that is good; `rejected`: the API has refused that one. */
  token(rejected?: Secret): Promise<Secret>
}

export interface ApiProxy {
  /** `http://127.0.0.1:<port>`, in the place of the API's base. */
  url: string
  /** What requests have to come with. */
  bearer: Secret
  /** Cuts what is going on; a renewal that has begun is waited for. */
  close(): Promise<void>
}

interface Standing extends ProxyOptions {
  isOurs(authorization: string | undefined): boolean
  /** As its requests name it. */
  host: string
}

export async function startProxy(options: ProxyOptions): Promise<ApiProxy> {
  const bearer = randomBytes(32).toString('base64url')
  const renewing = new Set<Promise<Secret>>()
  const token = (rejected?: Secret) => {
    const asked = options.token(rejected)
    renewing.add(asked)
    const over = () => void renewing.delete(asked)
    asked.then(over, over)
    return asked
  }
  const server = createServer(SERVER_OPTIONS)
  const { port } = await listening(server)
  const host = `127.0.0.1:${port}`
  const standing = { ...options, token, isOurs: comparing(`Bearer ${bearer}`), host }
  server.on('request', (request, response) => void serve(standing, request, response))
  server.on('connect', (_, socket) =>
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n\r\n'),
  )
  return {
    url: `http://${host}`,
    bearer: new Secret(bearer),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await Promise.allSettled([closed, ...renewing])
    },
  }
}

const SERVER_OPTIONS = {
  headersTimeout: 10_000,
  // What is uploaded takes its time.
  requestTimeout: 0,
  // A missing Host is refused as a foreign one is.
  requireHostHeader: false,
} as const

function listening(server: Server): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
      server.off('error', reject)
      resolve(server.address() as AddressInfo)
    })
  })
}

/** In a time that says nothing of what was compared. */
function comparing(expected: string): (given: string | undefined) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const wanted = digest(expected)
  return (given = '') => timingSafeEqual(digest(given), wanted)
}

async function serve(standing: Standing, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  try {
    const url = admitted(standing, request)
    if (typeof url === 'number') return refuse(response, url, REFUSALS[url]!)
    const body = await requestBody(request)
    if (body && /^(GET|HEAD)$/.test(request.method!)) return refuse(response, 400, REFUSALS[400]!)
    const answer = await forwarded(standing, url, request, body, gone.signal)
    response.writeHead(answer.status, responseHeaders(answer.headers))
    if (answer.body) await pipeline(Readable.fromWeb(answer.body as never), response)
    else response.end()
  } catch (error) {
    if (response.headersSent || response.destroyed) return void response.destroy()
    const [status, message] = trouble(error)
    refuse(response, status, message)
  }
}

const REFUSALS: Record<number, string> = {
  400: 'this request cannot be handed on',
  401: 'the bearer is not the one of this endpoint',
  403: 'this endpoint is for programs, not for pages of a browser',
  405: 'this method is not handed on',
  421: 'this endpoint is known by its own address alone',
}

/** A page's requests have at least the second of them. `Sec-Fetch-Mode` is left out: the `fetch` of Node says it, too. */
const OF_BROWSERS = ['origin', 'sec-fetch-site', 'sec-fetch-dest', 'sec-fetch-user']

/** Where the request goes, or the status that refuses it. */
function admitted({ upstream, host, isOurs }: Standing, request: IncomingMessage): URL | number {
  const { method = '', url: target = '', headers } = request
  const hosts = request.rawHeaders.filter((name, index) => index % 2 === 0 && /^host$/i.test(name))
  if (headers.host !== host || hosts.length !== 1) return 421
  if (OF_BROWSERS.some((name) => name in headers)) return 403
  if (!isOurs(headers.authorization)) return 401
  if (/^(TRACE|TRACK)$/i.test(method)) return 405
  const base = new URL(upstream)
  const path = base.pathname.replace(/\/+$/, '')
  if (!target.startsWith('/') || !URL.canParse(`${base.origin}${path}${target}`)) return 400
  const url = new URL(`${base.origin}${path}${target}`)
  return url.origin === base.origin && url.pathname.startsWith(`${path}/`) ? url : 400
}

/** A 401 renews that very token, once; then the request is sent again, where its body is still at hand. */
async function forwarded(
  { fetch, token }: Standing,
  url: URL,
  request: IncomingMessage,
  body: Body | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const { method = '' } = request
  const send = async (bearer: Secret): Promise<Response> => {
    const headers = requestHeaders(request, body)
    headers.set('authorization', `Bearer ${bearerText(bearer)}`)
    // The token is for this host: whoever is sent elsewhere goes there by itself, and without it.
    const init = {
      method,
      headers,
      signal,
      redirect: 'manual',
      // Whatever comes, large and slow: what the light fetch for tokens is not made for.
      duplex: 'half',
      ...(body && { body: body.content }),
    }
    return fetch(url, init as RequestInit).catch((error: unknown) => {
      throw unreachable(url, error)
    })
  }
  const first = await token()
  const answer = await send(first)
  if (answer.status !== 401) return answer
  if (body && !body.isWhole) {
    // What comes next is to find a better one.
    await token(first).catch(() => undefined)
    return answer
  }
  await answer.body?.cancel()
  return send(await token(first))
}

/** As Cloudinary, and many others, say what is wrong. */
function refuse(response: ServerResponse, status: number, message: string): void {
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer' } : {}
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...challenge })
  response.end(JSON.stringify({ error: { message } }))
}

function trouble(error: unknown): [status: number, message: string] {
  if (!isDaypassError(error)) return [500, 'this endpoint failed']
  const status = error.code === 'login_required' ? 401 : error.code === 'refused' ? 403 : 502
  return [status, error.hint ? `${error.message}; ${error.hint}` : error.message]
}

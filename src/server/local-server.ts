/** Serves programs at an address of this machine: access, limits, and the end. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { DaypassError, type ErrorCode, isDaypassError } from '../core/errors.ts'
import { formatJson } from '../core/json.ts'
import { Secret } from '../core/secret.ts'

/** A port of 127.0.0.1 (0: any), or a Unix socket, which only its owner can open. */
export type Place = { port: number } | { socket: string }

export interface LocalServerOptions {
  place: Place
  /** Milliseconds for a whole request; 0: no limit, for uploads. */
  requestTimeout: number
  /** Formats an error for the body of the answer. */
  formatError(message: string, code: ErrorCode): unknown
  /** Handles a request that names this address and comes from no web page. Thrown errors are answered. */
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    isOurs: IsOwnBearer,
  ): Promise<HttpRefusal | undefined>
}

/** Returns whether it is the bearer of this server. */
export type IsOwnBearer = (given: string | undefined) => boolean

/** An error status with a message of ours. */
export interface HttpRefusal {
  status: number
  message: string
  /** The `WWW-Authenticate` of a 401 (RFC 9110 §11.6.1). Default: `Bearer`. */
  challenge?: string
}

export interface LocalServer {
  /** The Host of requests: `127.0.0.1:<port>`. A socket accepts any. */
  host: string
  bearer: Secret
  /** Closes the server and open connections. */
  close(): Promise<void>
}

export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const { place, requestTimeout } = options
  const server = createServer({ ...LIMITS, requestTimeout })
  // No limit on the number: Node would silently drop further headers, such as a second Host or an Origin. All
  // headers together are limited to 16 KiB.
  server.maxHeadersCount = 0
  const strangers = limitUnauthenticated(server)
  const bearer = createBearer()
  const port = await listenAt(server, place)
  const host = port === undefined ? 'localhost' : `127.0.0.1:${port}`
  const own = port === undefined ? undefined : host
  server.on('request', (request, response) => {
    const shows: IsOwnBearer = (given) => {
      const isOurs = bearer.isOurs(given)
      if (isOurs) strangers.delete(request.socket)
      return isOurs
    }
    void answerRequest(options, { own, isOurs: shows, request, response })
  })
  server.on('connect', (_, socket) =>
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n\r\n'),
  )
  return {
    host,
    bearer: bearer.secret,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

const LIMITS = {
  headersTimeout: 10_000,
  // Milliseconds between checks of the time limits.
  connectionsCheckingInterval: 2_000,
  // A missing Host is refused like a foreign one.
  requireHostHeader: false,
} as const

/** Maximum number of connections that have not shown the bearer. */
const MAX_UNAUTHENTICATED = 256

/** Closes the oldest silent connection when there are too many, so that a new one always fits. */
function limitUnauthenticated(server: Server): Set<Socket> {
  const strangers = new Set<Socket>()
  server.on('connection', (socket) => {
    strangers.add(socket)
    socket.once('close', () => strangers.delete(socket))
    if (strangers.size <= MAX_UNAUTHENTICATED) return
    const [oldest] = strangers
    strangers.delete(oldest!)
    oldest!.destroy()
  })
  return strangers
}

/** Listens and returns the port, or undefined for a socket. */
function listenAt(server: Server, place: Place): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    // Later errors concern a connection that could not be accepted, and end nothing.
    server.on('error', (cause) => reject(createListenError(place, cause)))
    const ready = () => resolve('socket' in place ? undefined : (server.address() as AddressInfo).port)
    if ('socket' in place) runWithPrivateUmask(() => server.listen({ path: place.socket }, ready))
    else server.listen({ port: place.port, host: '127.0.0.1', exclusive: true }, ready)
  })
}

function createListenError(place: Place, cause: NodeJS.ErrnoException): DaypassError {
  const where = 'socket' in place ? place.socket : `port ${place.port} of 127.0.0.1`
  const message =
    cause.code === 'EADDRINUSE' ? `${where} is in use` : `cannot listen on ${where} (${cause.code})`
  return new DaypassError('port', message, { hint: 'choose another one', cause })
}

/** Creates files that only the owner can open: a socket gets its mode when it is created. */
function runWithPrivateUmask(make: () => void): void {
  const before = process.umask(0o177)
  try {
    make()
  } finally {
    process.umask(before)
  }
}

/** Creates a bearer. The comparison takes the same time for every text of the same length. */
function createBearer(): { secret: Secret; isOurs: IsOwnBearer } {
  const text = randomBytes(32).toString('base64url')
  const wanted = Buffer.from(text)
  const isOurs: IsOwnBearer = (given = '') => {
    const shown = Buffer.from(given)
    // The length is no secret.
    return shown.length === wanted.length && timingSafeEqual(shown, wanted)
  }
  return { secret: new Secret(text), isOurs }
}

interface Exchange {
  /** The address of this server; undefined for a socket. */
  own: string | undefined
  isOurs: IsOwnBearer
  request: IncomingMessage
  response: ServerResponse
}

async function answerRequest({ formatError, handle }: LocalServerOptions, exchange: Exchange): Promise<void> {
  const { own, isOurs, request, response } = exchange
  try {
    const refused = findOriginRefusal(own, request) ?? (await handle(request, response, isOurs))
    if (refused) sendRefusal(response, refused, formatError(refused.message, 'refused'))
  } catch (error) {
    if (response.headersSent || response.destroyed) return void response.destroy()
    const refused = describeFailure(error)
    sendRefusal(
      response,
      refused,
      formatError(refused.message, isDaypassError(error) ? error.code : 'unexpected'),
    )
  }
}

/** Web pages send at least the second. Node's `fetch` sends `Sec-Fetch-Mode`, so that is omitted. */
const BROWSER_HEADERS = ['origin', 'sec-fetch-site', 'sec-fetch-dest', 'sec-fetch-user']

function findOriginRefusal(
  own: string | undefined,
  { headers, rawHeaders }: IncomingMessage,
): HttpRefusal | undefined {
  const hosts = rawHeaders.filter(
    (name, index) => index % 2 === 0 && name.length === 4 && /^host$/i.test(name),
  )
  if (own !== undefined && (headers.host !== own || hosts.length !== 1))
    return { status: 421, message: 'this endpoint is known by its own address alone' }
  if (BROWSER_HEADERS.some((name) => name in headers))
    return { status: 403, message: 'this endpoint is for programs, not for pages of a browser' }
  return undefined
}

export const noBearer: HttpRefusal = {
  status: 401,
  message: 'this request comes without the bearer of this endpoint',
}

function sendRefusal(
  response: ServerResponse,
  { status, challenge = 'Bearer' }: HttpRefusal,
  body: unknown,
): void {
  const text = formatJson(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
    ...(status === 401 && { 'www-authenticate': challenge }),
  })
  response.end(text)
}

function describeFailure(error: unknown): HttpRefusal {
  if (!isDaypassError(error)) return { status: 500, message: 'this endpoint failed' }
  const status = error.code === 'login_required' ? 401 : error.code === 'refused' ? 403 : 502
  return { status, message: error.hint ? `${error.message}; ${error.hint}` : error.message }
}

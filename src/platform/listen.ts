import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { DaypassError } from '../core/errors.ts'
import type { Listener, ListenOptions, LoopbackRequest, LoopbackResponse } from '../core/types.ts'
import { findStranger, type SocketEnd } from './peers.ts'

// A listener that any page and any process of this machine can reach. All its resources are limited, it
// serves one request per connection, and it does not know OAuth.

type RequestHandler = (request: LoopbackRequest) => LoopbackResponse | Promise<LoopbackResponse>

const HEADER_BYTES = 16 * 1024
/** More than the pages of one browser can open (Chromium: 256, and 255 WebSockets). */
const MAX_CONNECTIONS = 600
/** How often port 0 is tried again when the port that it gave is taken on ::1. */
const ATTEMPTS = 10
const CLOSE_TIMEOUT = 1_000

/** Binds loopback addresses only: 127.0.0.1, and ::1 too for `localhost`. */
export async function listenOnLoopback(
  { host, ports }: ListenOptions,
  handle: RequestHandler,
): Promise<Listener> {
  const { createServer } = await import('node:http')
  const connections = createConnections()
  const open = () => prepareServer(createServer(SERVER_OPTIONS), connections, handle)
  const failures = new Map<number, NodeJS.ErrnoException>()
  for (const port of ports.flatMap((each) => (each === 0 ? Array<number>(ATTEMPTS).fill(0) : [each]))) {
    const bound = await bindPort(port, host, open)
    if (Array.isArray(bound)) {
      // Port 0 is no port of a list.
      failures.delete(0)
      return { ...createListener(bound, connections), passedOver: await describeBindFailures(failures) }
    }
    failures.set(port, bound)
  }
  throw await createPortError(failures)
}

const SERVER_OPTIONS = {
  maxHeaderSize: HEADER_BYTES,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  // Milliseconds between checks of both limits; Node's own 30 s would double them.
  connectionsCheckingInterval: 1_000,
  // The callback refuses a missing Host with the same message as a foreign one.
  requireHostHeader: false,
  keepAlive: false,
} as const

async function bindPort(
  port: number,
  host: ListenOptions['host'],
  open: () => Server,
): Promise<Server[] | NodeJS.ErrnoException> {
  const four = open()
  const failure = await bindAddress(four, port, '127.0.0.1')
  if (failure) return failure
  if (host !== 'localhost') return [four]
  const six = open()
  const failedSix = await bindAddress(six, getPort(four), '::1')
  if (!failedSix) return [four, six]
  // Without IPv6, browsers use 127.0.0.1. If another program holds ::1, browsers would send it the code.
  if (failedSix.code !== 'EADDRINUSE') return [four]
  four.close()
  return failedSix
}

function bindAddress(server: Server, port: number, host: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    server.once('error', resolve)
    // `exclusive`: in a cluster's worker Node would share the port with the other workers.
    server.listen({ port, host, ipv6Only: host === '::1', exclusive: true }, () => {
      server.off('error', resolve)
      server.on('error', () => undefined)
      resolve(undefined)
    })
  })
}

function getPort(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

interface Connections {
  add(socket: Socket): void
  /** Claims the only request of a connection. Returns false when it had one before. */
  claim(socket: Socket): boolean
  /** Waits at most 1 s for answers that are being sent, and closes all other connections at once. */
  end(): Promise<void>
}

/** Tracks the sockets of a listener, oldest first, and whether the request of each has arrived. */
function createConnections(): Connections {
  const answered = new Map<Socket, boolean>()
  // A refusal that was sent needs no waiting, even if the other side keeps its half open.
  const isIdle = ([socket, claimed]: [Socket, boolean]) => !claimed || socket.writableFinished
  const makeRoom = () => {
    if (answered.size < MAX_CONNECTIONS) return true
    const [idle] = [...answered].find(isIdle) ?? []
    idle?.destroy()
    return idle !== undefined && answered.delete(idle)
  }
  return {
    add(socket) {
      socket.on('error', () => undefined)
      if (!makeRoom()) return void socket.destroy()
      answered.set(socket, false)
      socket.once('close', () => answered.delete(socket))
    },
    claim(socket) {
      if (answered.get(socket) !== false) return false
      answered.set(socket, true)
      return true
    },
    async end() {
      for (const entry of answered) if (isIdle(entry)) entry[0].destroy()
      await waitAtMost(CLOSE_TIMEOUT, [...answered.keys()].map(waitForClose))
      for (const socket of answered.keys()) socket.destroy()
    },
  }
}

function waitForClose(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.destroyed ? resolve() : socket.once('close', () => resolve())))
}

async function waitAtMost(milliseconds: number, promises: Promise<void>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([Promise.all(promises), over])
  clearTimeout(timer)
}

function prepareServer(server: Server, connections: Connections, handle: RequestHandler): Server {
  server.on('connection', (socket: Socket) => connections.add(socket))
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // The rest of a request that could not be parsed is not read.
    const status = UNREADABLE[error.code ?? ''] ?? '400 Bad Request'
    if (connections.claim(socket as Socket) && socket.writable) socket.end(formatEmptyResponse(status))
    else socket.destroy()
  })
  const takeRequest = (request: IncomingMessage, response: ServerResponse) => {
    request.resume()
    // A second request on one connection is ignored: the answer to the first closes it.
    if (connections.claim(request.socket)) void respondToRequest(request, response, handle)
  }
  server.on('request', takeRequest)
  // Node would answer an unknown `Expect` itself and keep the connection.
  server.on('checkExpectation', takeRequest)
  return server
}

const UNREADABLE: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

function formatEmptyResponse(status: string): string {
  return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
}

async function respondToRequest(
  request: IncomingMessage,
  response: ServerResponse,
  handle: RequestHandler,
): Promise<void> {
  const { status, headers, body } = await runHandler(handle, convertRequest(request))
  if (response.destroyed) return
  response.writeHead(status, { ...headers, Connection: 'close', 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

async function runHandler(handle: RequestHandler, request: LoopbackRequest): Promise<LoopbackResponse> {
  try {
    return await handle(request)
  } catch {
    return { status: 500, headers: {}, body: '' }
  }
}

function convertRequest(request: IncomingMessage): LoopbackRequest {
  const names = request.rawHeaders.filter((_, index) => index % 2 === 0)
  // Node keeps the first of several Host headers, which may not be the one that the client meant.
  const single = names.filter((name) => name.toLowerCase() === 'host').length === 1
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    host: single ? (request.headers.host ?? '') : '',
    findStranger: () => findStranger(readConnection(request.socket)),
  }
}

function readConnection({ localAddress, localPort, remoteAddress, remotePort }: Socket) {
  const end = (address?: string, port?: number): SocketEnd | undefined =>
    address === undefined || port === undefined ? undefined : { address, port }
  return { own: end(localAddress, localPort), peer: end(remoteAddress, remotePort) }
}

function createListener(servers: Server[], connections: Connections): Listener {
  let ending: Promise<void> | undefined
  return {
    port: getPort(servers[0]!),
    close() {
      ending ??= closeListener(servers, connections)
      return ending
    },
  }
}

async function closeListener(servers: Server[], connections: Connections): Promise<void> {
  const stopped = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
  await connections.end()
  await Promise.all(stopped)
}

async function createPortError(failures: ReadonlyMap<number, NodeJS.ErrnoException>): Promise<DaypassError> {
  const reasons = await describeBindFailures(failures)
  const [first] = failures.values()
  return new DaypassError('port', `cannot listen on 127.0.0.1: ${reasons.join(', ')}`, {
    hint: (command) =>
      `end the program that holds the port, or use \`${command({ verb: 'login', flags: ['--no-browser'] })}\``,
    cause: first,
  })
}

const describeBindFailures = (failures: ReadonlyMap<number, NodeJS.ErrnoException>) =>
  Promise.all([...failures].map(([port, failure]) => describeBindFailure(port, failure)))

async function describeBindFailure(port: number, { code }: NodeJS.ErrnoException): Promise<string> {
  const named = port === 0 ? 'any port' : `port ${port}`
  if (code !== 'EADDRINUSE') return `${named} is refused (${code})`
  const { findPortHolder } = await import('./port-holder.ts')
  const holder = await findPortHolder(port)
  return holder === undefined ? `${named} is in use` : `${named} is held by ${holder}`
}

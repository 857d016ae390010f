import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFaultQueue } from './faults.ts'
import { type Reply, type Route, type RouteRequest, readBody } from './message.ts'
import { applyOffSpec } from './off-spec.ts'
import type { AuthorizationServerOptions, Endpoint, Fault, ServerEvent, Stats } from './options.ts'

export interface ServeSetting {
  doors: readonly Route[]
  /** The time in the `Date` header. */
  now(): number
  emit(event: ServerEvent): void
  mangle: AuthorizationServerOptions['mangle']
}

interface ServingContext extends ServeSetting {
  faults: ReturnType<typeof createFaultQueue<Fault, Endpoint>>
  seen: Pick<Stats, 'requests' | 'by' | 'faults'>
}

const TOKEN_ENDPOINTS: readonly Endpoint[] = ['code', 'refresh', 'device-poll', 'token']

const befalls = (fault: Fault, endpoint: Endpoint): boolean =>
  fault.endpoint === undefined ||
  fault.endpoint === endpoint ||
  (fault.endpoint === 'token' && TOKEN_ENDPOINTS.includes(endpoint))

/** Returns the endpoint of a request, or the status where there is none. */
export function findDoor<D extends Pick<Route, 'method' | 'path'>>(
  doors: readonly D[],
  { method, url }: Pick<RouteRequest, 'method' | 'url'>,
): D | 404 | 405 {
  const here = doors.filter(({ path }) => path === url.pathname)
  return here.find((door) => door.method === method) ?? (here.length > 0 ? 405 : 404)
}

function matchRoute(
  doors: readonly Route[],
  ask: RouteRequest,
): { endpoint: Endpoint; answer(ask: RouteRequest): Reply } {
  const door = findDoor(doors, ask)
  if (typeof door === 'number') return { endpoint: 'unknown', answer: () => ({ status: door }) }
  const { endpoint, answer } = door
  return { endpoint: typeof endpoint === 'function' ? endpoint(ask) : endpoint, answer }
}

/** Counts the request, and takes its planned fault. */
function noteRequest(
  { seen, emit, faults }: ServingContext,
  endpoint: Endpoint,
  method: string,
): Fault | undefined {
  seen.requests += 1
  seen.by[endpoint] = (seen.by[endpoint] ?? 0) + 1
  emit({ type: 'request', endpoint, method })
  const fault = faults.take(endpoint)
  if (fault === undefined) return undefined
  seen.faults += 1
  emit({ type: 'fault', endpoint })
  return fault
}

/** Builds the answer. A fault's status replaces the processing; a body alone replaces only the answer. */
function buildReply(ask: RouteRequest, answer: Route['answer'], fault: Fault | undefined): Reply {
  if (fault?.status !== undefined) return { status: fault.status, body: fault.body ?? '' }
  const reply = answer(ask)
  if (fault?.body === undefined) return reply
  return { status: reply.status, headers: reply.headers ?? {}, body: fault.body }
}

function renderBody(
  { mangle }: ServingContext,
  endpoint: Endpoint,
  reply: Reply,
  fault: Fault | undefined,
): string {
  if (reply.json === undefined) return reply.body ?? ''
  const usual = mangle?.(reply.json, endpoint) ?? reply.json
  const once = applyOffSpec(usual, fault?.offSpec)
  return JSON.stringify(fault?.mangle?.(once) ?? once)
}

async function handleRequest(
  serving: ServingContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const form = new URLSearchParams(request.method === 'POST' ? await readBody(request) : '')
  const url = new URL(request.url ?? '/', 'http://127.0.0.1')
  const ask: RouteRequest = { method: request.method ?? '', url, headers: request.headers, form }
  const { endpoint, answer } = matchRoute(serving.doors, ask)
  const fault = noteRequest(serving, endpoint, ask.method)
  const reply = fault?.cut === 'before' ? undefined : buildReply(ask, answer, fault)
  if (fault?.delay !== undefined) await sleep(fault.delay, undefined, { ref: false })
  if (reply === undefined || fault?.cut === 'after') return void request.socket.destroy()
  const body = renderBody(serving, endpoint, reply, fault)
  const json = reply.json !== undefined || fault?.body?.startsWith('{')
  const type = json ? { 'content-type': 'application/json' } : {}
  const date = new Date(serving.now()).toUTCString()
  response.writeHead(reply.status, { date, ...type, ...reply.headers, ...fault?.headers }).end(body)
}

/** Creates the server. Only this code uses sockets; each endpoint is a function from request to answer. */
export function createTestServer(setting: ServeSetting) {
  const serving: ServingContext = {
    ...setting,
    faults: createFaultQueue(befalls),
    seen: { requests: 0, by: {}, faults: 0 },
  }
  const server = createServer((request, response) => {
    handleRequest(serving, request, response).catch((error: unknown) => {
      if (response.headersSent) return response.destroy()
      return response.writeHead(500).end(`the test server failed: ${String(error)}`)
    })
  })
  return {
    server,
    failNext: serving.faults.plan,
    seen: () => ({ ...serving.seen, by: { ...serving.seen.by } }),
  }
}

export function startListening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
}

export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

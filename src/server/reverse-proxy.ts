/**
 * Forwards requests of programs to APIs from a loopback address. Programs send a bearer of ours, which is
 * useless elsewhere, and the API gets the current token. Requests go only to the configured APIs.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isDaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import type { Host } from '../core/types.ts'
import { encodeBasic } from '../oauth/bearer.ts'
import { fetchWithToken, type ProofKey, wantsNonce } from '../oauth/dpop.ts'
import { createUnreachableError } from '../oauth/http.ts'
import { parseEndpointUrl } from '../oauth/server.ts'
import { type PresentedBearer, parseAuthorization } from './bearer-from-request.ts'
import { type HttpRefusal, type IsOwnBearer, noBearer, type Place, startLocalServer } from './local-server.ts'
import { buildRequestHeaders, buildResponseHeaders } from './proxy-headers.ts'
import { buildUpstreamUrl, findRoute, type Route, rewriteAddress } from './proxy-route.ts'
import { type Body, readRequestBody } from './request-body.ts'
import { cacheRetryableError } from './retry-delay.ts'

/** The token that an API gets. */
export interface ProxyToken {
  token: Secret
  /** The key that the token is bound to: each request needs a proof. */
  key?: ProofKey | undefined
  /** A refused token can be replaced. */
  renewable: boolean
}

export interface ProxyOptions {
  place: Place
  routes: readonly Route[]
  host: Pick<Host, 'fetch' | 'now'>
  /** Returns a valid token. `rejected`: a token that the API has refused. */
  getToken(rejected?: Secret): Promise<ProxyToken>
  /** Returns the user name for the API, where our bearer came as the password of `given`. */
  userFor(given: string): string
  /** Headers that the API needs beside it, unless the program sets them. Names are lower case. */
  headers?: Readonly<Record<string, string>>
  /** `onAsked` runs for an authorized request, `onAnswered` when it was answered or its connection closed. */
  onAsked?: () => void
  onAnswered?: () => void
}

export interface ApiProxy {
  /** `http://127.0.0.1:<port>`, to which the prefixes are appended. */
  url: string
  /** The bearer that requests must send. */
  bearer: Secret
  /** Closes open connections; waits for a renewal that has begun. */
  close(): Promise<void>
}

/** Starts the proxy. Throws `configuration` where an API on another machine uses plain http. */
export async function startProxy(options: ProxyOptions): Promise<ApiProxy> {
  for (const { base } of options.routes) parseEndpointUrl(base, 'the API')
  const underWay = new Set<Promise<ProxyToken>>()
  const { now } = options.host
  const taken = cacheRetryableError(() => options.getToken(), now)
  const renewed = cacheRetryableError((rejected: Secret) => options.getToken(rejected), now)
  const getToken = (rejected?: Secret) => {
    const asked = rejected ? renewed(rejected) : taken()
    underWay.add(asked)
    const over = () => void underWay.delete(asked)
    asked.then(over, over)
    return asked
  }
  const renewing: ProxyContext = {
    ...options,
    getToken: getToken,
    refusedTokens: createRefusedTokens(options.host),
  }
  const door = await startLocalServer({
    place: options.place,
    requestTimeout: 0,
    // The error format of Cloudinary and many others.
    formatError: (message) => ({ error: { message } }),
    handle: (request, response, isOurs) => handleProxyRequest(renewing, request, response, isOurs),
  })
  return {
    url: `http://${door.host}`,
    bearer: door.bearer,
    async close() {
      await Promise.allSettled([door.close(), ...underWay])
    },
  }
}

interface ProxyContext extends ProxyOptions {
  refusedTokens: RefusedTokens
}

/** Remembers a renewed token that was refused too. Otherwise a forbidden request would renew each time. */
interface RefusedTokens {
  note(token: Secret): void
  has(token: Secret): boolean
}

/** Milliseconds during which such a token is not renewed again. Later it may have been revoked. */
const REFUSED_TOKEN_TIME = 60_000

function createRefusedTokens({ now }: ProxyOptions['host']): RefusedTokens {
  let last: { token: Secret; at: number } | undefined
  return {
    note(token) {
      last = { token, at: now() }
    },
    has: (token) => token.equals(last?.token) && Math.abs(now() - last!.at) < REFUSED_TOKEN_TIME,
  }
}

async function handleProxyRequest(
  options: ProxyContext,
  request: IncomingMessage,
  response: ServerResponse,
  isOurs: IsOwnBearer,
): Promise<HttpRefusal | undefined> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const admission = admitRequest(options, request, isOurs)
  if ('status' in admission) return admission
  options.onAsked?.()
  if (options.onAnswered) response.once('close', options.onAnswered)
  const { route, url } = admission
  const body = await readRequestBody(request)
  if (body && /^(GET|HEAD)$/.test(request.method!)) return cannotForward
  const answer = await forwardRequest(options, admission, { request, body, signal: gone.signal })
  const own = `http://${request.headers.host ?? 'localhost'}`
  response.writeHead(
    answer.status,
    buildResponseHeaders(answer.headers, (address) => rewriteAddress(route, own, url, address)),
  )
  // A program that waits for events gets the headers before the first event.
  response.flushHeaders()
  if (answer.body) await pipeline(Readable.fromWeb(answer.body as never), response)
  else response.end()
  return undefined
}

const cannotForward: HttpRefusal = { status: 400, message: 'this request cannot be handed on' }

/** git asks for a password only where `Basic` is offered. */
const noPassword: HttpRefusal = { ...noBearer, challenge: 'Bearer, Basic realm="daypass"' }

interface Admission {
  route: Route
  url: URL
  given: PresentedBearer
}

/** Returns the target, or the refusal. Only authorized callers learn the routes. */
function admitRequest(
  { routes }: ProxyOptions,
  { method = '', url: target = '', headers }: IncomingMessage,
  isOurs: IsOwnBearer,
): Admission | HttpRefusal {
  const given = parseAuthorization(headers.authorization)
  if (!given || !isOurs(given.bearer)) return noPassword
  if (/^(TRACE|TRACK)$/i.test(method)) return { status: 405, message: 'this method is not handed on' }
  if (!target.startsWith('/')) return cannotForward
  const route = findRoute(routes, target)
  if (!route) return buildNotFound(routes)
  const url = buildUpstreamUrl(route, target)
  return url ? { route, url, given } : cannotForward
}

const buildNotFound = (routes: readonly Route[]): HttpRefusal => ({
  status: 404,
  message: `there is nothing here; requests go below ${routes.map(({ prefix }) => `${prefix}/`).join(', ')}`,
})

/** The request of a program, on its way to the API. */
interface Incoming {
  request: IncomingMessage
  body: Body | undefined
  /** Aborts when the program disconnects. */
  signal: AbortSignal
}

/** Forwards a request. After a 401 renews the token once and resends a body that is still there. */
async function forwardRequest(
  options: ProxyContext,
  admission: Admission,
  incoming: Incoming,
): Promise<Response> {
  const { body } = incoming
  const send = (shown: ProxyToken) => sendUpstream(options, admission, shown, incoming)
  const first = await options.getToken()
  const answer = await send(first)
  if (answer.status !== 401 || !first.renewable || wantsNonce(answer.headers)) return answer
  if (options.refusedTokens.has(first.token)) return answer
  if (body && !body.isBuffered) {
    // The token is renewed for the next request.
    const next = await options.getToken(first.token).catch(() => undefined)
    if (next) options.refusedTokens.note(next.token)
    return answer
  }
  await answer.body?.cancel()
  const second = await options.getToken(first.token)
  const last = await send(second)
  if (last.status === 401) options.refusedTokens.note(second.token)
  return last
}

/** Sends the token as a password where our bearer came as one, unless the token needs a proof. */
function sendUpstream(
  options: ProxyOptions,
  { url, given: { user } }: Admission,
  { token, key }: ProxyToken,
  { request, body, signal }: Incoming,
): Promise<Response> {
  const { host, headers: beside = {}, userFor } = options
  const { method = '' } = request
  const headers = buildRequestHeaders(request, body)
  for (const [name, value] of Object.entries(beside)) if (!headers.has(name)) headers.set(name, value)
  const send = (headers: Headers) => fetchUpstream(host, url, { method, headers, signal }, body)
  if (user !== undefined && !key) {
    headers.set('authorization', `Basic ${encodeBasic(userFor(user), token)}`)
    return send(headers)
  }
  // Without the body, which the request would keep in memory.
  const bare = new Request(url, { method, headers, redirect: 'manual' })
  const port = { ...host, fetch: async (proved: unknown) => send((proved as Request).headers) }
  return fetchWithToken(port, bare, { token, key, mayRepeat: body?.isBuffered })
}

async function fetchUpstream(
  { fetch }: ProxyOptions['host'],
  url: URL,
  init: RequestInit,
  body: Body | undefined,
): Promise<Response> {
  const whole = {
    ...init,
    // The token is for this host only: the program follows a redirect itself, without the token.
    redirect: 'manual',
    // Bodies may be large and slow, so the light fetch for tokens is not used.
    duplex: 'half',
    ...(body && { body: body.content }),
  }
  return fetch(url, whole as RequestInit).catch((error: unknown) => {
    throw isDaypassError(error) ? error : createUnreachableError(url, error)
  })
}

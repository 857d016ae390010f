import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { pipeline, type Readable, type Transform } from 'node:stream'
import type { Fetch } from '../core/types.ts'
import { TLS_OPTIONS } from './tls-options.ts'

// On Node 20 the first request of the built-in fetch costs 100 ms of CPU, because it compiles its parser.
// `node:http` costs 10 ms. Most runs make one request and end.

/** A request that `node:http` can send with the same result as fetch. */
interface PlainRequest {
  url: URL
  method: 'GET' | 'POST'
  headers: Headers
  body: string | undefined
  /** The caller sets the timeout. */
  signal: AbortSignal
}

/**
 * Creates a light fetch for requests to an authorization server: GET or POST of a text, with a signal,
 * without redirects. Passes all other requests to `whole`. Answers and errors equal those of the built-in
 * fetch, but compression is not requested.
 */
export function createPlainFetch(whole: Fetch): Fetch {
  return async (input, init) => {
    const request = parsePlainRequest(input, init)
    return request ? sendPlainRequest(request) : whole(input, init)
  }
}

/** Headers of the connection and not of the message. fetch treats each of them in its own way. */
const CONNECTION_HEADERS = [
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

function parsePlainRequest(input: Parameters<Fetch>[0], init: RequestInit = {}): PlainRequest | undefined {
  const { method = 'GET', headers: given, redirect, signal, body: wanted, ...more } = init
  const body = wanted ?? undefined
  const url = parseFetchUrl(input)
  if (!url || redirect !== 'manual' || !signal) return undefined
  if (Object.values(more).some((value) => value !== undefined)) return undefined
  if (method !== 'POST' && (method !== 'GET' || body !== undefined)) return undefined
  const isForm = body instanceof URLSearchParams
  if (!isForm && typeof body !== 'string' && body !== undefined) return undefined
  const headers = new Headers(given)
  if (CONNECTION_HEADERS.some((name) => headers.has(name))) return undefined
  // The host is in the address.
  headers.delete('host')
  const text = body?.toString()
  const type = isForm ? 'application/x-www-form-urlencoded' : 'text/plain'
  if (text !== undefined && !headers.has('content-type')) headers.set('content-type', `${type};charset=UTF-8`)
  if (method === 'POST') headers.set('content-length', String(Buffer.byteLength(text ?? '')))
  for (const [name, value] of [
    ['accept', '*/*'],
    ['user-agent', 'node'],
  ] as const)
    if (!headers.has(name)) headers.set(name, value)
  return { url, method, headers, body: text, signal }
}

/** Returns undefined for a URL with a name and password, so that fetch refuses it. */
function parseFetchUrl(input: Parameters<Fetch>[0]): URL | undefined {
  if ((typeof input !== 'string' && !(input instanceof URL)) || !URL.canParse(input)) return undefined
  const url = new URL(input)
  const { protocol, username, password } = url
  return /^https?:$/.test(protocol) && !username && !password ? url : undefined
}

async function sendPlainRequest(plain: PlainRequest): Promise<Response> {
  const { url, method, headers, body, signal } = plain
  signal.throwIfAborted()
  const open = await loadRequestFunction(url.protocol)
  signal.throwIfAborted()
  const sent = open(url, { method, headers: Object.fromEntries(headers) })
  const onAbort = () => sent.destroy()
  signal.addEventListener('abort', onAbort)
  sent.once('close', () => signal.removeEventListener('abort', onAbort))
  // After the answer began, its stream fails with the error of the connection.
  const failure = captureFirstError(sent)
  const wrapError = (message: string, error: unknown) =>
    signal.aborted
      ? signal.reason
      : new TypeError(message, { cause: normalizeSocketError(failure() ?? error) })
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(wrapError('fetch failed', error))
    sent.on('error', fail)
    sent.on('upgrade', (_, socket) => {
      socket.destroy()
      fail(createSocketError('bad upgrade'))
    })
    sent.on('response', (message) => {
      try {
        resolve(buildResponse(message, (error) => wrapError('terminated', error)))
      } catch (error) {
        sent.destroy()
        fail(error)
      }
    })
    sent.end(body)
  })
}

type RequestFunction = (url: URL, options: RequestOptions) => ClientRequest

const requestFunctions: Record<string, RequestFunction> = {}

async function loadRequestFunction(protocol: string): Promise<RequestFunction> {
  const load = () => (protocol === 'https:' ? import('node:https') : import('node:http'))
  requestFunctions[protocol] ??= createRequestFunction(await load())
  return requestFunctions[protocol]
}

/** Limits idle time to less than the 5 s after which Node servers close a connection, as fetch does. */
function createRequestFunction({
  Agent,
  request,
}: Pick<typeof import('node:http'), 'Agent' | 'request'>): RequestFunction {
  const agent = new Agent({ keepAlive: true, timeout: 4_000, ...TLS_OPTIONS })
  return (url, options) => request(url, { ...options, agent })
}

function captureFirstError(request: ClientRequest): () => unknown {
  let first: unknown
  request.on('error', (error) => {
    first ??= error
  })
  return () => first
}

/** Converts a reset of a just closed connection to fetch's error: Node says reset, fetch says closed. */
function normalizeSocketError(error: unknown): unknown {
  const { message } = error as Error
  if (message !== 'socket hang up' && message !== 'aborted') return error
  return createSocketError('other side closed')
}

const createSocketError = (message: string) => Object.assign(new Error(message), { code: 'UND_ERR_SOCKET' })

/** These have no body (Fetch standard, "null body status"), whatever was sent. */
const NULL_BODY_STATUS = [204, 205, 304]

function buildResponse(message: IncomingMessage, wrapError: (error: unknown) => unknown): Response {
  const { statusCode: status = 0, statusMessage: statusText = '', rawHeaders } = message
  const headers = new Headers()
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!)
  if (!NULL_BODY_STATUS.includes(status))
    return new Response(createResponseStream(message, headers, wrapError), { status, statusText, headers })
  message.on('error', () => undefined).resume()
  return new Response(null, { status, statusText, headers })
}

function createResponseStream(
  message: IncomingMessage,
  headers: Headers,
  wrapError: (error: unknown) => unknown,
) {
  const content = decodeBody(message, headers.get('content-encoding'))
  return new ReadableStream({
    type: 'bytes',
    start(controller: ReadableByteStreamController) {
      content.on('data', (chunk: Uint8Array) => {
        controller.enqueue(new Uint8Array(chunk))
        if ((controller.desiredSize ?? 0) <= 0) content.pause()
      })
      content.on('end', () => {
        controller.close()
        controller.byobRequest?.respond(0)
      })
      content.on('error', (error) => controller.error(wrapError(error)))
    },
    pull: () => void content.resume(),
    cancel: () => void content.destroy(),
  })
}

/** Decodes the body, because some servers compress unasked. Unknown encodings stay as they are. */
function decodeBody(message: IncomingMessage, encoding: string | null): Readable {
  const decoder = encoding && createDecoder(encoding.toLowerCase())
  return decoder ? pipeline(message, decoder, () => undefined) : message
}

function createDecoder(encoding: string): Transform | undefined {
  const { constants, createBrotliDecompress, createGunzip, createInflate } =
    process.getBuiltinModule('node:zlib')
  // Accepts a truncated end, as fetch does.
  const lenient = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }
  if (/^(x-)?gzip$/.test(encoding)) return createGunzip(lenient)
  if (encoding === 'deflate') return createInflate(lenient)
  return encoding === 'br' ? createBrotliDecompress() : undefined
}

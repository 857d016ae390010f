import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { pipeline, type Readable, type Transform } from 'node:stream'
import type { Fetch } from '../core/types.ts'

// The first request of the built-in fetch takes 100 ms of a processor on Node 20, for it compiles its parser. Those
// of `node:http` take 10. Most runs make one request and end.

/** A request that `node:http` can make as fetch would. */
interface Plain {
  url: URL
  method: 'GET' | 'POST'
  headers: Headers
  body: string | undefined
  /** Its limit is the caller's. */
  signal: AbortSignal
}

/**
 * fetch for what is asked of an authorization server: GET or POST of a text, with a signal, following no redirect.
 * Everything else is `whole`'s. Answers and failures are those of the built-in fetch; compression is not asked for.
 */
export function plainFetch(whole: Fetch): Fetch {
  return async (input, init) => {
    const request = plain(input, init)
    return request ? exchange(request) : whole(input, init)
  }
}

/** Of the connection, not of the message: fetch has its own opinion of each. */
const OF_CONNECTION = [
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

function plain(input: Parameters<Fetch>[0], init: RequestInit = {}): Plain | undefined {
  const { method = 'GET', headers: given, redirect, signal, body: wanted, ...more } = init
  const body = wanted ?? undefined
  const url = addressed(input)
  if (!url || redirect !== 'manual' || !signal) return undefined
  if (Object.values(more).some((value) => value !== undefined)) return undefined
  if (method !== 'POST' && (method !== 'GET' || body !== undefined)) return undefined
  const isForm = body instanceof URLSearchParams
  if (!isForm && typeof body !== 'string' && body !== undefined) return undefined
  const headers = new Headers(given)
  if (OF_CONNECTION.some((name) => headers.has(name))) return undefined
  // The address says it.
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

/** What carries a name and a password is fetch's to refuse. */
function addressed(input: Parameters<Fetch>[0]): URL | undefined {
  if ((typeof input !== 'string' && !(input instanceof URL)) || !URL.canParse(input)) return undefined
  const url = new URL(input)
  const { protocol, username, password } = url
  return /^https?:$/.test(protocol) && !username && !password ? url : undefined
}

async function exchange(plain: Plain): Promise<Response> {
  const { url, method, headers, body, signal } = plain
  signal.throwIfAborted()
  const open = await opener(url.protocol)
  signal.throwIfAborted()
  const sent = open(url, { method, headers: Object.fromEntries(headers) })
  const onAbort = () => sent.destroy()
  signal.addEventListener('abort', onAbort)
  sent.once('close', () => signal.removeEventListener('abort', onAbort))
  // After the answer began, its stream fails with what happened to the connection.
  const failure = firstError(sent)
  const because = (message: string, error: unknown) =>
    signal.aborted ? signal.reason : new TypeError(message, { cause: closed(failure() ?? error) })
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(because('fetch failed', error))
    sent.on('error', fail)
    sent.on('upgrade', (_, socket) => {
      socket.destroy()
      fail(ended('bad upgrade'))
    })
    sent.on('response', (message) => {
      try {
        resolve(responseOf(message, (error) => because('terminated', error)))
      } catch (error) {
        sent.destroy()
        fail(error)
      }
    })
    sent.end(body)
  })
}

type Open = (url: URL, options: RequestOptions) => ClientRequest

const opened: Record<string, Open> = {}

async function opener(protocol: string): Promise<Open> {
  const load = () => (protocol === 'https:' ? import('node:https') : import('node:http'))
  opened[protocol] ??= openingOf(await load())
  return opened[protocol]
}

/** Servers of Node close a connection that is idle for 5 s. As fetch does, this does so sooner. */
function openingOf({ Agent, request }: Pick<typeof import('node:http'), 'Agent' | 'request'>): Open {
  const agent = new Agent({ keepAlive: true, timeout: 4_000 })
  return (url, options) => request(url, { ...options, agent })
}

function firstError(request: ClientRequest): () => unknown {
  let first: unknown
  request.on('error', (error) => {
    first ??= error
  })
  return () => first
}

/** Where the other side just closed the connection, Node says that it was reset, and fetch that it was closed. */
function closed(error: unknown): unknown {
  const { message } = error as Error
  if (message !== 'socket hang up' && message !== 'aborted') return error
  return ended('other side closed')
}

const ended = (message: string) => Object.assign(new Error(message), { code: 'UND_ERR_SOCKET' })

/** They have no body (Fetch standard, "null body status"), whatever was sent. */
const WITHOUT_BODY = [204, 205, 304]

function responseOf(message: IncomingMessage, because: (error: unknown) => unknown): Response {
  const { statusCode: status = 0, statusMessage: statusText = '', rawHeaders } = message
  const headers = new Headers()
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!)
  if (!WITHOUT_BODY.includes(status))
    return new Response(bodyOf(message, headers, because), { status, statusText, headers })
  message.on('error', () => undefined).resume()
  return new Response(null, { status, statusText, headers })
}

function bodyOf(message: IncomingMessage, headers: Headers, because: (error: unknown) => unknown) {
  const content = decoded(message, headers.get('content-encoding'))
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
      content.on('error', (error) => controller.error(because(error)))
    },
    pull: () => void content.resume(),
    cancel: () => void content.destroy(),
  })
}

/** Some servers compress what nobody asked them to. What we cannot decode is left as it is. */
function decoded(message: IncomingMessage, encoding: string | null): Readable {
  const decoder = encoding && decoderOf(encoding.toLowerCase())
  return decoder ? pipeline(message, decoder, () => undefined) : message
}

function decoderOf(encoding: string): Transform | undefined {
  const { constants, createBrotliDecompress, createGunzip, createInflate } =
    process.getBuiltinModule('node:zlib')
  // As fetch does: some end without an end.
  const lenient = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }
  if (/^(x-)?gzip$/.test(encoding)) return createGunzip(lenient)
  if (encoding === 'deflate') return createInflate(lenient)
  return encoding === 'br' ? createBrotliDecompress() : undefined
}

/**
 * A loopback address that stands before an API for one program: the program comes with a bearer of ours, which is of
 * no use anywhere else, and the API is shown the token of the moment. Nothing goes anywhere but there.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Secret } from '../core/secret.ts'
import type { Fetch } from '../core/types.ts'
import { bearerText } from '../oauth/bearer.ts'
import { unreachable } from '../oauth/http.ts'
import { endpointUrl } from '../oauth/server.ts'
import { type Body, requestBody } from './body.ts'
import { type IsOurs, noBearer, openDoor, type Refused } from './door.ts'
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

/** Throws `configuration` where the API is reached by plain http on another machine. */
export async function startProxy(options: ProxyOptions): Promise<ApiProxy> {
  endpointUrl(options.upstream, 'the API')
  const renewing = new Set<Promise<Secret>>()
  const token = (rejected?: Secret) => {
    const asked = options.token(rejected)
    renewing.add(asked)
    const over = () => void renewing.delete(asked)
    asked.then(over, over)
    return asked
  }
  const door = await openDoor({
    place: { port: 0 },
    requestTimeout: 0,
    // As Cloudinary, and many others, say what is wrong.
    says: (message) => ({ error: { message } }),
    serve: (request, response, isOurs) => serve({ ...options, token }, request, response, isOurs),
  })
  return {
    url: `http://${door.host}`,
    bearer: door.bearer,
    async close() {
      await Promise.allSettled([door.close(), ...renewing])
    },
  }
}

async function serve(
  options: ProxyOptions,
  request: IncomingMessage,
  response: ServerResponse,
  isOurs: IsOurs,
): Promise<Refused | undefined> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const url = admitted(options, request, isOurs)
  if (!(url instanceof URL)) return url
  const body = await requestBody(request)
  if (body && /^(GET|HEAD)$/.test(request.method!)) return notHandedOn
  const answer = await forwarded(options, url, request, body, gone.signal)
  response.writeHead(answer.status, responseHeaders(answer.headers))
  if (answer.body) await pipeline(Readable.fromWeb(answer.body as never), response)
  else response.end()
  return undefined
}

const notHandedOn: Refused = { status: 400, message: 'this request cannot be handed on' }

/** Where the request goes, or why it goes nowhere. */
function admitted(
  { upstream }: ProxyOptions,
  { method = '', url: target = '', headers }: IncomingMessage,
  isOurs: IsOurs,
): URL | Refused {
  if (!isOurs(headers.authorization?.match(/^Bearer (.*)$/)?.[1])) return noBearer
  if (/^(TRACE|TRACK)$/i.test(method)) return { status: 405, message: 'this method is not handed on' }
  const base = new URL(upstream)
  const path = base.pathname.replace(/\/+$/, '')
  if (!target.startsWith('/') || !URL.canParse(`${base.origin}${path}${target}`)) return notHandedOn
  const url = new URL(`${base.origin}${path}${target}`)
  return url.origin === base.origin && url.pathname.startsWith(`${path}/`) ? url : notHandedOn
}

/** A 401 renews that very token, once; then the request is sent again, where its body is still at hand. */
async function forwarded(
  { fetch, token }: ProxyOptions,
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

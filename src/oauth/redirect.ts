/**
 * Follows redirects of a request with a token. fetch would drop the token at another origin and keep the body and all
 * other headers, and a DPoP proof is valid for one URL only (RFC 9449 §4.2).
 * https://fetch.spec.whatwg.org/#http-redirect-fetch
 */
import type { Fetch } from '../core/types.ts'

const REDIRECT_STATUSES = [301, 302, 303, 307, 308]
const MAX_REDIRECTS = 20

/**
 * Follows redirects as fetch does within the origin. To another origin, only the method of the request is sent: no
 * credential, no body and no header.
 */
export async function followRedirects(
  request: Request,
  ask: (request: Request) => Promise<Response>,
  elsewhere: Fetch,
): Promise<Response> {
  if (request.redirect !== 'follow') return ask(request)
  let now = new Request(request, { redirect: 'manual' })
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const again = now.clone()
    const answer = await ask(now)
    const url = findRedirectTarget(answer, now)
    if (url === undefined) return answer
    const next = createRedirectedRequest(again, answer.status, url)
    const isHere = url.origin === new URL(now.url).origin
    await answer.body?.cancel()
    if (!isHere) return elsewhere(new Request(url, { method: next.method, signal: request.signal }))
    now = new Request(next, { redirect: 'manual' })
  }
  throw new TypeError('redirect count exceeded')
}

function findRedirectTarget({ status, headers }: Response, { url }: Request): URL | undefined {
  const location = headers.get('location')
  return location !== null && REDIRECT_STATUSES.includes(status) ? new URL(location, url) : undefined
}

const BODY_HEADERS = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
]

function createRedirectedRequest(request: Request, status: number, url: URL): Request {
  const { method, body, signal } = request
  const isGet = status === 303 ? !/^(GET|HEAD)$/.test(method) : status <= 302 && method === 'POST'
  const headers = new Headers(request.headers)
  if (isGet) for (const name of BODY_HEADERS) headers.delete(name)
  const sent = isGet ? { method: 'GET' } : { method, ...(body && { body, duplex: 'half' as const }) }
  return new Request(url, { headers, signal, ...sent })
}

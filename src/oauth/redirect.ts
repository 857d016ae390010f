/**
 * Follows redirects of a request with a proof. A proof is valid for one URL only (RFC 9449 §4.2), so each
 * redirect needs a new one. https://fetch.spec.whatwg.org/#http-redirect-fetch
 */
import type { Fetch } from '../core/types.ts'

const REDIRECT_STATUSES = [301, 302, 303, 307, 308]
const MAX_REDIRECTS = 20

/** Follows redirects as fetch does: with `ask` within the origin, and with `elsewhere` after leaving it. */
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
    await answer.body?.cancel()
    if (url.origin !== new URL(now.url).origin)
      return elsewhere(createRedirectedRequest(again, answer.status, url, ORIGIN_HEADERS))
    now = new Request(createRedirectedRequest(again, answer.status, url), { redirect: 'manual' })
  }
  throw new TypeError('redirect count exceeded')
}

function findRedirectTarget({ status, headers }: Response, { url }: Request): URL | undefined {
  const location = headers.get('location')
  return location !== null && REDIRECT_STATUSES.includes(status) ? new URL(location, url) : undefined
}

/** Headers that fetch drops on a redirect to another origin. */
const ORIGIN_HEADERS = ['authorization', 'proxy-authorization', 'cookie', 'host']
const BODY_HEADERS = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
]

function createRedirectedRequest(
  request: Request,
  status: number,
  url: URL,
  without: readonly string[] = [],
): Request {
  const { method, body, signal } = request
  const isGet = status === 303 ? !/^(GET|HEAD)$/.test(method) : status <= 302 && method === 'POST'
  const headers = new Headers(request.headers)
  for (const name of [...without, ...(isGet ? BODY_HEADERS : [])]) headers.delete(name)
  const sent = isGet ? { method: 'GET' } : { method, ...(body && { body, duplex: 'half' as const }) }
  return new Request(url, { headers, signal, ...sent })
}

/**
 * Redirects of a request that is proved: a proof is for one address (RFC 9449 §4.2), so that each has to have its own.
 * https://fetch.spec.whatwg.org/#http-redirect-fetch
 */
import type { Fetch } from '../core/types.ts'

const STATUSES = [301, 302, 303, 307, 308]
const MOST = 20

/** As fetch follows those of any other request: `ask` within the origin, and `elsewhere` from the first other one on. */
export async function following(
  request: Request,
  ask: (request: Request) => Promise<Response>,
  elsewhere: Fetch,
): Promise<Response> {
  if (request.redirect !== 'follow') return ask(request)
  let now = new Request(request, { redirect: 'manual' })
  for (let hops = 0; hops <= MOST; hops++) {
    const again = now.clone()
    const answer = await ask(now)
    const url = targetOf(answer, now)
    if (url === undefined) return answer
    await answer.body?.cancel()
    if (url.origin !== new URL(now.url).origin)
      return elsewhere(led(again, answer.status, url, OF_ONE_ORIGIN))
    now = new Request(led(again, answer.status, url), { redirect: 'manual' })
  }
  throw new TypeError('redirect count exceeded')
}

function targetOf({ status, headers }: Response, { url }: Request): URL | undefined {
  const location = headers.get('location')
  return location !== null && STATUSES.includes(status) ? new URL(location, url) : undefined
}

/** What fetch lets nobody else see. */
const OF_ONE_ORIGIN = ['authorization', 'proxy-authorization', 'cookie', 'host']
const OF_A_BODY = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
]

function led(request: Request, status: number, url: URL, without: readonly string[] = []): Request {
  const { method, body, signal } = request
  const isGet = status === 303 ? !/^(GET|HEAD)$/.test(method) : status <= 302 && method === 'POST'
  const headers = new Headers(request.headers)
  for (const name of [...without, ...(isGet ? OF_A_BODY : [])]) headers.delete(name)
  const sent = isGet ? { method: 'GET' } : { method, ...(body && { body, duplex: 'half' as const }) }
  return new Request(url, { headers, signal, ...sent })
}

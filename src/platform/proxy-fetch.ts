import { DaypassError } from '../core/errors.ts'
import { isLoopbackHost } from '../core/loopback.ts'
import { assertTlsChecked } from '../core/tls.ts'
import type { Fetch } from '../core/types.ts'
import { createPlainFetch } from './plain-fetch.ts'
import { TLS_OPTIONS } from './tls-options.ts'

// Node 20 to 24 ignore HTTPS_PROXY unless set at start. A library must not change the global dispatcher, so
// requests that need a proxy use undici's own fetch (loaded when needed, 55 ms).

type Env = Readonly<Record<string, string | undefined>>

interface Proxies {
  httpProxy?: string
  httpsProxy?: string
  noProxy?: string
}

/** Creates a fetch that uses undici where the environment names a proxy. Loopback never uses a proxy. */
export function createProxyFetch(env: Env): Fetch {
  const direct = createPlainFetch((input, init) => fetch(input, init))
  const proxies = parseProxies(env)
  let proxied: Promise<Fetch> | undefined
  return async (input, init) => {
    // The built-in fetch has no options of ours, and Node reads the variable of the process.
    for (const each of [env, process.env]) assertTlsChecked(each)
    if (proxies === undefined) return direct(input, init)
    const url = new URL(input instanceof Request ? input.url : input)
    if (isLoopbackHost(url.hostname)) return direct(input, init)
    proxied ??= createProxiedFetch(proxies)
    return (await proxied)(input, init)
  }
}

export function parseProxies(env: Env): Proxies | undefined {
  const readVariable = (name: string) => env[name.toLowerCase()]?.trim() || env[name]?.trim() || undefined
  const all = readVariable('ALL_PROXY')
  const httpProxy = readVariable('HTTP_PROXY') ?? all
  const httpsProxy = readVariable('HTTPS_PROXY') ?? all ?? httpProxy
  const noProxy = readVariable('NO_PROXY')
  if (httpProxy === undefined && httpsProxy === undefined) return undefined
  return {
    // undici reads `process.env` for missing options; an empty text prevents that.
    httpProxy: httpProxy ?? '',
    httpsProxy: httpsProxy ?? '',
    noProxy: noProxy ?? '',
  }
}

async function createProxiedFetch(proxies: Proxies): Promise<Fetch> {
  for (const proxy of [proxies.httpProxy, proxies.httpsProxy]) checkProxy(proxy)
  const undici = await import('undici')
  const dispatcher = new undici.EnvHttpProxyAgent({
    ...proxies,
    connect: TLS_OPTIONS,
    requestTls: TLS_OPTIONS,
    proxyTls: TLS_OPTIONS,
  })
  return async (input, init) => {
    const [url, options] =
      input instanceof Request ? [input.url, await convertRequestInit(input, init)] : [input, init]
    // Two copies of the same standard: their types differ only in name.
    return undici.fetch(url, { ...options, dispatcher } as never) as unknown as Promise<Response>
  }
}

/** Copies a `Request` of the built-in fetch, which undici does not accept as its own. */
async function convertRequestInit(request: Request, init: RequestInit = {}): Promise<RequestInit> {
  const { method, headers, redirect, signal } = request
  const body = request.body === null ? {} : { body: await request.arrayBuffer() }
  return { method, headers: [...headers], redirect, signal, ...body, ...init }
}

function checkProxy(proxy: string | undefined): void {
  if (!proxy || (URL.canParse(proxy) && /^https?:$/.test(new URL(proxy).protocol))) return
  throw new DaypassError('configuration', 'the proxy in the environment is not an http or https address', {
    hint: 'set HTTPS_PROXY to one like http://proxy.example.com:3128, or NO_PROXY to the hosts that need none',
  })
}

/** Where requests may go, and nowhere else. */

/** What addresses of ours begin with, and what stands behind them. */
export interface Route {
  /** `/api.example.com`; empty: every path is the API's. */
  prefix: string
  /** The base of the API, an absolute URL. Requests go below its path. */
  base: string
}

/** The route that a request names. Compared as it is written: nothing is decoded, and there is one way to write each. */
export function findRoute(routes: readonly Route[], target: string): Route | undefined {
  return routes.find(
    ({ prefix }) => target.startsWith(prefix) && /^([/?]|$)/.test(target.slice(prefix.length)),
  )
}

/** Where the request goes; `undefined`: it would leave what it names. */
export function buildUpstreamUrl({ prefix, base }: Route, target: string): URL | undefined {
  const { origin, path } = splitBase(base)
  const rest = target.slice(prefix.length)
  // With the prefix, so that `..` shows where it would lead.
  const written = `${origin}${prefix}${path}${rest.startsWith('/') ? '' : '/'}${rest}`
  if (!URL.canParse(written)) return undefined
  const { pathname, search } = new URL(written)
  if (!pathname.startsWith(`${prefix}${path}/`)) return undefined
  const url = new URL(`${origin}${pathname.slice(prefix.length)}${search}`)
  return url.origin === origin ? url : undefined
}

/** An address in an answer from there: of the API's own, the one of ours in its place; any other as it is. */
export function rewriteAddress({ prefix, base }: Route, own: string, asked: URL, said: string): string {
  if (!URL.canParse(said, asked)) return said
  const { origin, path } = splitBase(base)
  const url = new URL(said, asked)
  if (url.origin !== origin || !url.pathname.startsWith(`${path}/`)) return url.href
  return `${own}${prefix}${url.pathname.slice(path.length)}${url.search}${url.hash}`
}

function splitBase(base: string): { origin: string; path: string } {
  const { origin, pathname } = new URL(base)
  return { origin, path: pathname.replace(/\/+$/, '') }
}

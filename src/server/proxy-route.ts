/** The prefix of our address, and the API that it leads to. */
export interface Route {
  /** `/api.example.com`; empty: all paths belong to the API. */
  prefix: string
  /** The base of the API, an absolute URL. Requests go below its path. */
  base: string
}

/** Finds the route of a request. Compares without decoding, so each route has one spelling. */
export function findRoute(routes: readonly Route[], target: string): Route | undefined {
  return routes.find(
    ({ prefix }) => target.startsWith(prefix) && /^([/?]|$)/.test(target.slice(prefix.length)),
  )
}

/** Builds the upstream URL, or returns undefined where the path leaves the route. */
export function buildUpstreamUrl({ prefix, base }: Route, target: string): URL | undefined {
  const { origin, path } = splitBase(base)
  const rest = target.slice(prefix.length)
  // With the prefix, so that `..` is detected.
  const written = `${origin}${prefix}${path}${rest.startsWith('/') ? '' : '/'}${rest}`
  if (!URL.canParse(written)) return undefined
  const { pathname, search } = new URL(written)
  if (!pathname.startsWith(`${prefix}${path}/`)) return undefined
  const url = new URL(`${origin}${pathname.slice(prefix.length)}${search}`)
  return url.origin === origin ? url : undefined
}

/** Converts an address of the API in an answer to ours. Other addresses stay as they are. */
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

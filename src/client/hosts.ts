/** Lists the hosts that an identity's token may be sent to, and with which user. */
import { isLoopbackHost } from '../core/loopback.ts'
import type { Endpoints, Header } from '../core/types.ts'
import { type Definition, findProfileUrl } from '../identity/definition.ts'

/** Programs that send a token. */
export type HelperKind = 'git' | 'docker'

/** Returns the configured hosts, else those of the provider's file, else those of its API and its issuer. */
export function listAllowedHosts(
  definition: Definition,
  bound: Endpoints = {},
  use?: HelperKind,
): readonly string[] {
  const { hosts, provider } = definition
  if (hosts) return hosts.map(normalizeHost)
  const all = collectEndpoints(definition, bound)
  const own = use && provider.helpers[use]?.hosts?.(all)
  if (own) return own
  const urls = [...Object.values(all), findProfileUrl(definition)]
  return [...new Set(urls.flatMap((url) => (url && URL.canParse(url) ? new URL(url).host : [])))]
}

/** What an issuer publishes may name anyone's hosts; what a person or the provider's file says is taken at its word. */
function collectEndpoints({ provider, params, endpoints }: Definition, bound: Endpoints): Endpoints {
  const issuer = provider.endpoints.issuer?.(params) ?? endpoints.issuer ?? bound.issuer
  if (issuer === undefined) return { ...endpoints, ...bound }
  const { api, tenants } = bound
  return { issuer, ...endpoints, ...(api && { api }), ...(tenants && { tenants }) }
}

/** Returns the origins for its token, git's too: https, or http on this machine where endpoints do. */
export function listAllowedOrigins(
  definition: Definition,
  bound: Endpoints = {},
): ReadonlyMap<string, string> {
  const hosts = [...listAllowedHosts(definition, bound), ...listAllowedHosts(definition, bound, 'git')]
  const known: string[] = Object.values(collectEndpoints(definition, bound))
  const isSecure = (host: string) =>
    !isLoopbackHost(new URL(`https://${host}`).hostname) ||
    known.some((url) => url === `https://${host}` || url.startsWith(`https://${host}/`))
  return new Map(hosts.map((host) => [host, `${isSecure(host) ? 'https' : 'http'}://${host}`]))
}

/** Normalizes as a URL does: lower case, without the default port. */
const normalizeHost = (said: string) =>
  URL.canParse(`https://${said}`) ? new URL(`https://${said}`).host : said

/** `name`, `name:port` or `[::1]:port`, with characters that a URL does not rewrite. */
const PLAIN_HOST = /^(\[[\da-f:.]+\]|[a-z\d_-]+(?:\.[a-z\d_-]+)*)(?::[1-9]\d{0,4})?$/i

/**
 * Returns the place that a program names, where a token may be sent there: over https, or to this machine.
 * Returns undefined for text that a URL reads as another host (`ｇithub.com`, `%67ithub.com`, `2130706433`).
 */
export function parseHostUrl(protocol: string, host: string): URL | undefined {
  const [, name] = PLAIN_HOST.exec(host) ?? []
  const written = `${protocol}://${host}`
  if (!/^https?$/.test(protocol) || name === undefined || !URL.canParse(written)) return undefined
  const url = new URL(written)
  const isMeant = url.hostname === name.toLowerCase()
  return isMeant && (protocol === 'https' || isLoopbackHost(url.hostname)) ? url : undefined
}

/** Characters that a user name must not contain where `user:password` is one text. */
const FORBIDDEN_IN_USER = /[:\x00-\x1f\x7f]/

/** Returns the user sent with the token. docker's `<token>` means no user; registries may need one. */
export function resolveHelperUser(
  use: HelperKind,
  { provider }: Definition,
  header: Header | undefined,
): string {
  if (use === 'git') return provider.helpers.git?.user ?? 'oauth2'
  const account = header?.account?.account
  const named = account !== undefined && !FORBIDDEN_IN_USER.test(account) ? account : undefined
  return provider.helpers.docker?.user ?? named ?? provider.helpers.git?.user ?? '<token>'
}

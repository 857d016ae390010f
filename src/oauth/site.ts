/** Which servers belong to one owner, as far as their names tell. */
import { isLoopbackHost } from '../core/loopback.ts'
import type { Server } from './server.ts'

/** By the public suffix list, its private part included. An address, or a name without a suffix, stands for itself. */
export async function areSameSite(one: string, other: string): Promise<boolean> {
  const [a, b] = [new URL(one).hostname, new URL(other).hostname]
  if (a === b) return true
  const { getDomain } = await import('tldts')
  const [site, otherSite] = [a, b].map((host) => getDomain(host, { allowPrivateDomains: true }))
  return typeof site === 'string' && site === otherSite
}

/** Whether a server that is known by its endpoints alone may name itself so (RFC 9207 §2). On this machine, its port counts, too. */
export async function isOwnIssuer({ metadata }: Server, iss: string): Promise<boolean> {
  if (!URL.canParse(iss)) return false
  const { host, hostname } = new URL(iss)
  const own = [metadata.token_endpoint, metadata.authorization_endpoint].filter((url) => url !== undefined)
  if (isLoopbackHost(hostname)) return own.some((url) => new URL(url).host === host)
  const same = await Promise.all(own.map((url) => areSameSite(url, iss)))
  return same.includes(true)
}

import { isLoopbackHost } from '../core/loopback.ts'

const HOST =
  /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*|\[[0-9a-f:.]+\])(:\d{1,5})?$/i

/**
 * Returns what is wrong with a URL that receives credentials; undefined where it is valid. The message never
 * quotes the URL, which may hold a password.
 */
export function findUrlFault(given: string, query: boolean): string | undefined {
  const url = URL.canParse(given) && !/[\s\u0000-\u001f]/.test(given) ? new URL(given) : undefined
  if (url === undefined || !/^https?:\/\//i.test(given)) return 'expected an https URL'
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    return 'expected https (plain http is for loopback hosts only)'
  }
  if (url.username !== '' || url.password !== '') return 'expected a URL without a name or password'
  if (url.hash !== '' || given.includes('#')) return 'expected a URL without a fragment'
  if (!query && given.includes('?')) return 'expected a URL without a query'
  return undefined
}

/**
 * Checks a host with an optional port: no scheme, no path, no wildcard. Returns undefined where it is valid.
 */
export function findHostFault(given: string): string | undefined {
  const port = Number(/:(\d+)$/.exec(given)?.[1] ?? 1)
  return HOST.test(given) && given.length <= 260 && port >= 1 && port <= 65_535
    ? undefined
    : 'expected a host'
}

import type { RouteRequest } from './message.ts'
import type { TestClient } from './options.ts'

const isLoopback = (url: URL): boolean => url.hostname === '127.0.0.1' || url.hostname === 'localhost'

const stripPort = (url: URL): string =>
  `${url.protocol}//${url.hostname}${url.pathname}${url.search}${url.hash}`

export type RedirectVerdict = 'good' | 'port' | 'unknown'

/** Compares exactly, except for the port of a loopback host (RFC 8252 §7.3, RFC 9700 §2.1). */
export function checkRedirect(client: TestClient, redirect: string): RedirectVerdict {
  if (client.redirects.includes(redirect)) return 'good'
  const url = URL.canParse(redirect) ? new URL(redirect) : undefined
  if (url === undefined || !isLoopback(url) || url.username !== '' || redirect.includes('#')) return 'unknown'
  const known = client.redirects.some((own) => stripPort(new URL(own)) === stripPort(url))
  if (!known) return 'unknown'
  const ports = client.ports ?? 'any'
  return ports === 'any' || ports.includes(Number(url.port || 80)) ? 'good' : 'port'
}

function parseBasic(header: string | undefined): [id: string, secret: string] | undefined {
  const blob = header?.match(/^Basic (.+)$/i)?.[1]
  if (blob === undefined) return undefined
  const [id = '', ...rest] = Buffer.from(blob, 'base64').toString('utf8').split(':')
  // RFC 6749 §2.3.1: both parts are form-encoded first.
  return [id, rest.join(':')].map((half) => decodeURIComponent(half.replaceAll('+', ' '))) as [string, string]
}

/** Returns the client of a POST after its authentication where required, or the reason for a refusal. */
export function authenticateClient(clients: readonly TestClient[], ask: RouteRequest): TestClient | string {
  const pair = parseBasic(ask.headers.authorization)
  if (pair !== undefined && ask.form.has('client_secret')) return 'the client authenticates in two ways'
  const id = pair?.[0] ?? ask.form.get('client_id')
  const client = clients.find((known) => known.id === id)
  if (client === undefined) return 'the client is not known'
  const secret = pair?.[1] ?? ask.form.get('client_secret') ?? undefined
  return secret === client.secret ? client : 'the client secret is missing, wrong, or not wanted'
}

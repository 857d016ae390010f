import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import {
  type Attempt,
  type CheckedCode,
  checkCallback,
  createAttempt,
  createAuthorizationUrl,
} from '../../src/oauth/authorize.ts'
import { discover } from '../../src/oauth/discover.ts'
import { buildServer, type ClientContext } from '../../src/oauth/server.ts'
import type { WirePort } from '../../src/oauth/wire.ts'
import { type AuthorizationServer, scriptedBrowser } from '../../src/testing/index.ts'

export const port: WirePort = { fetch, now: Date.now }
export const REDIRECT = 'http://127.0.0.1:9/callback'

export interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: string | object
}

export interface Seen {
  path: string
  headers: IncomingMessage['headers']
  form: URLSearchParams
}

/** A server that answers whatever it is told to, on a real socket. */
export async function answering(answer: Answer | ((seen: Seen) => Answer)) {
  const seen: Seen[] = []
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const one = { path: request.url ?? '', headers: request.headers, form: new URLSearchParams(text) }
    seen.push(one)
    const { status = 200, headers, body = '' } = typeof answer === 'function' ? answer(one) : answer
    const type = typeof body === 'object' ? { 'content-type': 'application/json' } : {}
    response.writeHead(status, { ...type, ...headers })
    response.end(typeof body === 'object' ? JSON.stringify(body) : body)
  }
  const server = createServer((request, response) => void respond(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  onTestFinished(close)
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, seen, close }
}

/** A client of a server that is known by its token endpoint alone. */
export function partyAt(origin: string, more: Partial<ClientContext> = {}): ClientContext {
  const endpoints = { token: `${origin}/token`, revocation: `${origin}/revoke`, device: `${origin}/device` }
  return {
    port,
    server: buildServer(endpoints),
    client: { id: 'cli' },
    invalidGrantCodes: ['invalid_grant'],
    ...more,
  }
}

export async function partyOf(
  server: AuthorizationServer,
  more: Partial<ClientContext> = {},
): Promise<ClientContext> {
  const found = await discover(port, server.issuer)
  return {
    port,
    server: found,
    client: { id: server.clientId },
    invalidGrantCodes: ['invalid_grant'],
    ...more,
  }
}

/** A person who approves: the attempt, and the parameters that come back. */
async function visited(party: ClientContext, scopes = ['openid', 'email']) {
  const attempt: Attempt = createAttempt(REDIRECT, scopes)
  const { url } = await createAuthorizationUrl(party, attempt, scopes, {})
  const visit = await scriptedBrowser({ stopAtCallback: true }).visit(url.href)
  return { attempt, url, parameters: new URL(visit.url).searchParams }
}

export async function approved(party: ClientContext, scopes?: string[]): Promise<CheckedCode> {
  const { attempt, parameters } = await visited(party, scopes)
  const verdict = checkCallback(party.server, party.client, attempt, parameters)
  if ('code' in verdict) return verdict.code
  throw new Error(`not a code: ${JSON.stringify(verdict)}`)
}

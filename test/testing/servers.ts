import { onTestFinished } from 'vitest'
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  startAuthorizationServer,
} from '../../src/testing/index.ts'

export async function start(options?: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const server = await startAuthorizationServer(options)
  onTestFinished(server.close)
  return server
}

/** The token endpoint, spoken to without a library that would keep us from mistakes. */
export async function post(
  url: string,
  form: Record<string, string> | string,
  headers: Record<string, string> = {},
) {
  const body = typeof form === 'string' ? form : new URLSearchParams(form).toString()
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  const response = await fetch(url, { method: 'POST', body, headers: { ...type, ...headers } })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

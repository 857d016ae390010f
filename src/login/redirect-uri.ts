import { DaypassError } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import type { Host, Method } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import type { Provider, Redirect } from '../providers/provider.ts'

const HOSTS: readonly string[] = ['127.0.0.1', 'localhost'] satisfies Redirect['host'][]

/** Returns where the browser is redirected to: the provider's value, unless the environment overrides it. */
export function findRedirect(
  { authorization: { redirect, redirectEnv } }: Provider,
  env: Host['env'],
): Redirect {
  const findSetName = (names: readonly string[] = []) => names.find((name) => env[name])
  const host = findSetName(redirectEnv?.host)
  const port = findSetName(redirectEnv?.port)
  return {
    ...redirect,
    ...(host && { host: parseRedirectHost(host, env[host]!) }),
    ...(port && { ports: [parseRedirectPort(port, env[port]!)] }),
  }
}

/** Allows only this machine, because the code in the redirect gives access to the login. */
function parseRedirectHost(variable: string, host: string): Redirect['host'] {
  if (HOSTS.includes(host)) return host as Redirect['host']
  throw createWrongVariableError(variable, host, HOSTS.join(' or '))
}

function parseRedirectPort(variable: string, text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port
  throw createWrongVariableError(variable, text, 'a port from 1 to 65535')
}

const createWrongVariableError = (variable: string, value: string, expected: string) =>
  new DaypassError(
    'configuration',
    `${variable} is to be ${expected}, not ${sanitize(JSON.stringify(value))}`,
    {
      hint: `unset ${variable}`,
    },
  )

export function formatRedirectUri({ host, path }: Redirect, port: number): string {
  return `http://${host}:${port}${path}`
}

/** Chooses a port while no listener is open: above the range that Linux uses for outgoing connections. */
export function choosePort(ports: readonly number[]): number {
  return ports[0] || 61_000 + Math.floor(Math.random() * 4_536)
}

/** Returns the page that shows the code in a browser on any machine, for the person to copy. */
export function findCodePage({ pasteRedirect }: Definition, method: Method): string | undefined {
  return method === 'paste' ? pasteRedirect : undefined
}

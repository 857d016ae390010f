import { DaypassError } from '../core/errors.ts'
import { shown } from '../core/text.ts'
import type { Host } from '../core/types.ts'
import type { Provider, Redirect } from '../providers/provider.ts'

const HOSTS: readonly string[] = ['127.0.0.1', 'localhost'] satisfies Redirect['host'][]

/** Where the browser comes back to: as the provider's file says, unless the environment says otherwise. */
export function redirectOf({ authorization }: Provider, env: Host['env']): Redirect {
  const { redirect, redirectEnv } = authorization
  const said = (names: readonly string[] = []) => names.find((name) => env[name])
  const host = said(redirectEnv?.host)
  const port = said(redirectEnv?.port)
  return {
    ...redirect,
    ...(host && { host: hostIn(host, env[host]!) }),
    ...(port && { ports: [portIn(port, env[port]!)] }),
  }
}

/** The code that comes back is as good as the login: no other machine is to be sent it. */
function hostIn(variable: string, host: string): Redirect['host'] {
  if (HOSTS.includes(host)) return host as Redirect['host']
  throw wrong(variable, host, HOSTS.join(' or '))
}

function portIn(variable: string, text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port
  throw wrong(variable, text, 'a port from 1 to 65535')
}

const wrong = (variable: string, value: string, expected: string) =>
  new DaypassError('configuration', `${variable} is to be ${expected}, not ${shown(JSON.stringify(value))}`, {
    hint: `unset ${variable}`,
  })

import { type Advice, DaypassError } from '../core/errors.ts'
import type { Method, Surroundings } from '../core/types.ts'

// How a login goes, decided from facts alone.

export interface Question {
  surroundings: Surroundings
  /** What the provider can do, best first. */
  offered: readonly Method[]
  /** `--method`, `--device`, `--no-browser`. */
  asked?: Method | undefined
  /** How the login is typed: its provider and its name. */
  login: Pick<Advice, 'args' | 'identity'>
}

export interface Choice {
  method: Method
  /** Try to open a browser; the URL is printed in any case. */
  openBrowser: boolean
  /** Read a pasted answer from stdin: a hidden prompt on a terminal, one line in a pipe. */
  prompt: boolean
  /** Bind the callback's listener. */
  listen: boolean
  /** A short sentence for the person; empty where the choice is the ordinary one. */
  why: string
}

/** Picks how to log in, or throws `usage` (not offered) or `login_required` (nothing can work here). */
export function chooseMethod(question: Question): Choice {
  const { asked, offered, surroundings } = question
  if (asked !== undefined) return choice(offeredOne(asked, question), surroundings, '')
  const automatic = offered.filter((method) => method !== 'token' && method !== 'keys')
  if (automatic.length === 0) return onlySecrets(question)
  return surroundings.interactive ? onTerminal(automatic, surroundings) : unattended(automatic, question)
}

function offeredOne(asked: Method, { offered, login }: Question): Method {
  if (offered.includes(asked)) return asked
  throw new DaypassError('usage', `the method ${asked} is not offered here, only ${listed(offered)}`, {
    advice:
      offered[0] === undefined ? undefined : { verb: 'login', ...login, flags: ['--method', offered[0]] },
  })
}

function onlySecrets(question: Question): Choice {
  const [only] = question.offered
  if (only === undefined) {
    const { args = [], identity } = question.login
    throw new DaypassError('usage', `${[...args, identity].join(' ')} offers no way to log in`, {
      advice: { verb: 'login', flags: ['--help'] },
    })
  }
  if (question.surroundings.interactive) return choice(only, question.surroundings, `only ${only} is offered`)
  throw nothingWorks(question)
}

function onTerminal(offered: readonly Method[], surroundings: Surroundings): Choice {
  const obstacle = noBrowserBecause(surroundings)
  if (obstacle === undefined) return choice(offered[0]!, surroundings, '')
  const method = pick(offered, ['device', 'paste', 'browser'])
  return {
    ...choice(method, surroundings, `${obstacle}: ${INSTEAD[method] ?? ''}`),
    openBrowser: false,
  }
}

function unattended(offered: readonly Method[], question: Question): Choice {
  const { surroundings } = question
  const works = (method: Method) =>
    method === 'device' || (method === 'browser' && browserReachable(surroundings))
  const method = offered.find(works)
  if (method === undefined) throw nothingWorks(question)
  const why = method === 'device' ? 'no terminal here: a code for another device' : ''
  return choice(method, surroundings, why)
}

/** A build machine without a terminal may have a display, but no person sits before it. */
function browserReachable({ browserSet, display, ci }: Surroundings): boolean {
  return browserSet || (display && !ci)
}

/** `$BROWSER` wins over all of it: remote editors set it to what opens the browser on the near side. */
function noBrowserBecause({ browserSet, display, ssh, container }: Surroundings): string | undefined {
  if (browserSet || display) return undefined
  if (ssh) return 'over SSH'
  return container ? 'in a container' : 'no display'
}

const INSTEAD: Partial<Record<Method, string>> = {
  device: 'log in with a code on any device',
  paste: 'open the address in any browser and paste what comes back',
  browser: 'open the address yourself',
}

function choice(method: Method, { interactive }: Surroundings, why: string): Choice {
  const viaBrowser = method === 'browser'
  return {
    method,
    openBrowser: viaBrowser,
    prompt: method === 'paste' || (interactive && method !== 'device'),
    // Paste on a terminal listens too, so that a forwarded port makes the paste unnecessary.
    listen: viaBrowser || (method === 'paste' && interactive),
    why,
  }
}

function pick(offered: readonly Method[], order: readonly Method[]): Method {
  return order.find((method) => offered.includes(method)) ?? offered[0]!
}

function nothingWorks({ offered, login }: Question): DaypassError {
  const ways = [
    offered.includes('token') && ['--token-stdin'],
    offered.some((method) => method !== 'token' && method !== 'keys') && ['--start', '--json'],
    offered.includes('paste') && ['--no-browser'],
    offered.includes('keys') && ['--method', 'keys'],
  ].filter((flags) => flags !== false)
  return new DaypassError('login_required', 'no terminal and no browser to log in with', {
    hint: (command) => ways.map((flags) => command({ verb: 'login', ...login, flags })).join(', or '),
  })
}

function listed(methods: readonly Method[]): string {
  return methods.length === 0 ? 'none' : methods.join(', ')
}

/**
 * The command that, typed on the near side, makes the browser way work over SSH (RFC 8252 §7.3 needs the
 * browser and the listener on one machine). `undefined` where this is no SSH session.
 */
export function sshLine(env: Readonly<Record<string, string | undefined>>, port: number): string | undefined {
  // "client-address client-port server-address server-port" (sshd, ENVIRONMENT)
  const [, , address, sshPort] = env.SSH_CONNECTION?.trim().split(/\s+/) ?? []
  if (address === undefined || !/^[0-9A-Fa-f.:]+(%[\w.-]+)?$/.test(address)) return undefined
  const user = env.USER ?? env.LOGNAME ?? ''
  const who = /^[\w.][\w.@-]*$/.test(user) ? `${user}@` : ''
  const other = /^\d+$/.test(sshPort ?? '') && sshPort !== '22' ? ` -p ${sshPort}` : ''
  return `ssh${other} -L ${port}:127.0.0.1:${port} ${who}${address}`
}

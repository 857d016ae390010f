import { type Advice, DaypassError } from '../core/errors.ts'
import type { Host, Method, RuntimeEnvironment } from '../core/types.ts'

// Chooses the login method from facts alone, without I/O.

export interface MethodQuestion {
  runtimeEnvironment: RuntimeEnvironment
  /** The methods of the provider, best first. */
  offered: readonly Method[]
  /** From `--method`, `--device` or `--no-browser`. */
  asked?: Method | undefined
  /** The arguments of the login command: its provider and name. */
  login: Pick<Advice, 'args' | 'identity'>
}

export interface MethodChoice {
  method: Method
  /** Try to open a browser; the URL is always printed too. */
  openBrowser: boolean
  /** Read a pasted answer from stdin: a hidden prompt on a terminal, one line in a pipe. */
  prompt: boolean
  /** Open the listener for the callback. */
  listen: boolean
  /** The reason in one short sentence; empty for the ordinary choice. */
  why: string
}

/**
 * Chooses the method. Throws `usage` where it is not offered, `login_required` where no method can work here.
 */
export function chooseMethod(question: MethodQuestion): MethodChoice {
  const { asked, offered, runtimeEnvironment } = question
  if (asked !== undefined) return createChoice(assertOffered(asked, question), runtimeEnvironment, '')
  const automatic = offered.filter((method) => method !== 'token' && method !== 'keys')
  if (automatic.length === 0) return chooseSecretMethod(question)
  return runtimeEnvironment.interactive
    ? chooseOnTerminal(automatic, runtimeEnvironment)
    : chooseUnattended(automatic, question)
}

function assertOffered(asked: Method, { offered, login }: MethodQuestion): Method {
  if (offered.includes(asked)) return asked
  throw new DaypassError('usage', `the method ${asked} is not offered here, only ${formatMethods(offered)}`, {
    advice:
      offered[0] === undefined ? undefined : { verb: 'login', ...login, flags: ['--method', offered[0]] },
  })
}

function chooseSecretMethod(question: MethodQuestion): MethodChoice {
  const [only] = question.offered
  if (only === undefined) {
    const { args = [], identity } = question.login
    throw new DaypassError('usage', `${[...args, identity].join(' ')} offers no way to log in`, {
      advice: { verb: 'login', flags: ['--help'] },
    })
  }
  if (question.runtimeEnvironment.interactive)
    return createChoice(only, question.runtimeEnvironment, `only ${only} is offered`)
  throw createNoMethodError(question)
}

function chooseOnTerminal(offered: readonly Method[], runtimeEnvironment: RuntimeEnvironment): MethodChoice {
  const obstacle = findBrowserObstacle(runtimeEnvironment)
  if (obstacle === undefined) return createChoice(offered[0]!, runtimeEnvironment, '')
  const method = pickMethod(offered, ['device', 'paste', 'browser'])
  return {
    ...createChoice(method, runtimeEnvironment, `${obstacle}: ${ALTERNATIVES[method] ?? ''}`),
    openBrowser: false,
  }
}

function chooseUnattended(offered: readonly Method[], question: MethodQuestion): MethodChoice {
  const { runtimeEnvironment } = question
  const works = (method: Method) =>
    method === 'device' || (method === 'browser' && canReachBrowser(runtimeEnvironment))
  const method = offered.find(works)
  if (method === undefined) throw createNoMethodError(question)
  const why = method === 'device' ? 'no terminal here: a code for another device' : ''
  return createChoice(method, runtimeEnvironment, why)
}

/** A CI machine without a terminal may have a display, but no person sees it. */
function canReachBrowser({ browserSet, display, ci }: RuntimeEnvironment): boolean {
  return browserSet || (display && !ci)
}

/** `$BROWSER` wins over all checks: remote editors set it to a command that opens the local browser. */
function findBrowserObstacle({
  browserSet,
  display,
  ssh,
  container,
}: RuntimeEnvironment): string | undefined {
  if (browserSet || display) return undefined
  if (ssh) return 'over SSH'
  return container ? 'in a container' : 'no display'
}

/**
 * Whether the browser that is about to be opened runs on another machine, and so cannot reach a page of this one:
 * `$BROWSER` of an SSH session, a container or a remote editor opens the one on the near side.
 */
export function isBrowserElsewhere(
  { browserSet, ssh, container }: RuntimeEnvironment,
  env: Host['env'],
  command: string | undefined,
): boolean {
  // Visual Studio Code and its kin set this variable only in the terminals of a remote machine.
  const remoteEditor = Boolean(env.VSCODE_IPC_HOOK_CLI)
  return command === undefined && browserSet && (ssh || container || remoteEditor)
}

const ALTERNATIVES: Partial<Record<Method, string>> = {
  device: 'log in with a code on any device',
  paste: 'open the address in any browser and paste what comes back',
  browser: 'open the address yourself',
}

function createChoice(method: Method, { interactive }: RuntimeEnvironment, why: string): MethodChoice {
  const viaBrowser = method === 'browser'
  return {
    method,
    openBrowser: viaBrowser,
    prompt: method === 'paste' || (interactive && method !== 'device'),
    // Paste on a terminal listens too: with a forwarded port, no paste is needed.
    listen: viaBrowser || (method === 'paste' && interactive),
    why,
  }
}

function pickMethod(offered: readonly Method[], order: readonly Method[]): Method {
  return order.find((method) => offered.includes(method)) ?? offered[0]!
}

function createNoMethodError({ offered, login }: MethodQuestion): DaypassError {
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

function formatMethods(methods: readonly Method[]): string {
  return methods.length === 0 ? 'none' : methods.join(', ')
}

/**
 * Returns the command that forwards the callback's port over SSH, to be typed on the local machine. RFC 8252
 * §7.3 needs browser and listener on one machine. Returns undefined outside SSH.
 */
export function formatSshCommand(
  env: Readonly<Record<string, string | undefined>>,
  port: number,
): string | undefined {
  // "client-address client-port server-address server-port" (sshd, ENVIRONMENT)
  const [, , address, sshPort] = env.SSH_CONNECTION?.trim().split(/\s+/) ?? []
  if (address === undefined || !/^[0-9A-Fa-f.:]+(%[\w.-]+)?$/.test(address)) return undefined
  const user = env.USER ?? env.LOGNAME ?? ''
  const who = /^[\w.][\w.@-]*$/.test(user) ? `${user}@` : ''
  const other = /^\d+$/.test(sshPort ?? '') && sshPort !== '22' ? ` -p ${sshPort}` : ''
  return `ssh${other} -L ${port}:127.0.0.1:${port} ${who}${address}`
}

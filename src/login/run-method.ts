/** The interactive tier: a person proves who they are, by one of the methods, and a record comes of it. */

import { formatDuration } from '../core/duration.ts'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { Host, Method } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import { authorizeDevice } from '../oauth/device.ts'
import type { Party } from '../oauth/server.ts'
import { gateOf } from './access-help.ts'
import { byToken } from './access-token.ts'
import { anyPort, byCode } from './authorization-code.ts'
import { chooseMethod, sshLine } from './choose-method.ts'
import { partyBy, partyOf, scopesFor } from './connect.ts'
import { awaitDevice, deviceWords } from './device.ts'
import { entryOf } from './new-record.ts'
import type { LoggedIn, LoginOptions } from './options.ts'
import { qrCode } from './qr.ts'
import { redirectOf } from './redirect-uri.ts'
import { byKeys } from './static-keys.ts'

const TIMEOUT = 5 * 60_000

export async function logIn(host: Host, definition: Definition, options: LoginOptions): Promise<LoggedIn> {
  // The keys of the configuration come first, and those that are kept need no more than a code.
  const ownKeys = definition.keys ?? options.kept
  const question = {
    surroundings: host.surroundings(),
    asked: options.method ?? (options.browser ? 'browser' : ownKeys ? 'keys' : undefined),
    login: loginWords(definition),
  }
  // Neither needs a server, nor to know one.
  const handedIn = question.asked === 'token' || question.asked === 'keys'
  const found = handedIn ? undefined : await partyOf(host, definition)
  const offered = found ? offeredBy(definition, found) : definition.methods
  const choice = chooseMethod({ ...question, offered })
  if (choice.method === 'token') return byToken(host, definition, options)
  if (!found || choice.method === 'keys') return byKeys(host, definition, options)
  const party = partyBy(found, definition, choice.method)
  const limit = options.timeout ?? TIMEOUT
  const { signal, stop } = deadline(
    host,
    tooLate(limit, gateOf(host, definition)?.late),
    limit,
    options.signal,
  )
  try {
    if (choice.why) host.terminal.say(choice.why)
    if (choice.method === 'device') return await byDevice(host, definition, party, options, limit, signal)
    return await byCode(host, definition, party, choice, options, signal)
  } catch (error) {
    // Whatever was going on when the time was over, that it was over is what to say.
    throw signal.aborted && isDaypassError(signal.reason) ? signal.reason : error
  } finally {
    stop()
  }
}

/** What follows `daypass login` to get here again. */
const loginWords = ({ name, provider }: Definition) =>
  name === provider.id ? name : `${provider.id} ${name}`

/** The provider's ways in, less those that this very server lacks. */
export function offeredBy({ methods }: Definition, { server }: Party): readonly Method[] {
  const { device_authorization_endpoint, authorization_endpoint } = server.metadata
  return methods.filter((method) => {
    if (method === 'device') return device_authorization_endpoint !== undefined
    return method === 'token' || method === 'keys' || authorization_endpoint !== undefined
  })
}

/** Aborts with a `DaypassError` when the time is over or the caller gives up. */
function deadline(
  host: Host,
  late: DaypassError,
  limit: number,
  callers?: AbortSignal,
): { signal: AbortSignal; stop: () => void } {
  const clock = new AbortController()
  const over = new AbortController()
  host.sleep(limit, clock.signal).then(
    () => over.abort(late),
    () => undefined,
  )
  return {
    signal: callers ? AbortSignal.any([callers, over.signal]) : over.signal,
    stop: () => clock.abort(new Error('the login ended')),
  }
}

const tooLate = (limit: number, hint = 'log in again, with --timeout 15m for more time') =>
  new DaypassError('login_required', `nobody finished the login within ${formatDuration(limit)}`, {
    hint,
    unanswered: true,
  })

/** Over SSH, where the device code was our choice: what would make the browser way work. */
function sayHowByBrowser({ terminal, env }: Host, definition: Definition): void {
  const port = anyPort(redirectOf(definition.provider, env).ports)
  const ssh = sshLine(env, port)
  if (!ssh || !definition.methods.includes('browser')) return
  terminal.say(
    [
      'To use the browser of your own machine instead, run this there:',
      `    ${ssh}`,
      `and in that session log in with --method browser --port ${port}`,
    ].join('\n'),
  )
}

async function byDevice(
  host: Host,
  definition: Definition,
  party: Party,
  options: LoginOptions,
  limit: number,
  signal: AbortSignal,
): Promise<LoggedIn> {
  const device = await authorizeDevice(party, scopesFor(definition, party.server))
  const askedAt = host.now()
  host.terminal.say(deviceWords(device))
  if (options.method === undefined) sayHowByBrowser(host, definition)
  if (options.qr) host.terminal.say(await qrCode(device.verificationUriComplete ?? device.verificationUri))
  const stop = host.terminal.busy('Waiting for the code to be approved')
  try {
    const issued = await awaitDevice(host, party, { device, askedAt }, askedAt + limit, signal)
    if (!issued) throw tooLate(limit)
    return {
      entry: await entryOf(host, definition, party, issued, 'device'),
      party,
      settle: async () => undefined,
    }
  } finally {
    stop()
  }
}

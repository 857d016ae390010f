/** Runs the chosen login method. */
import { formatDuration } from '../core/duration.ts'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { Host } from '../core/types.ts'
import { limitFetch } from '../oauth/deadline.ts'
import { findAccessHelp } from './access-help.ts'
import { obtainToken } from './access-token.ts'
import { obtainByCode } from './authorization-code.ts'
import { chooseMethodClient } from './connect.ts'
import { obtainByDevice } from './device.ts'
import type { ChosenLogin, ObtainedLogin } from './stages.ts'
import { obtainKeys } from './static-keys.ts'

const TIMEOUT = 5 * 60_000

export async function obtain(login: ChosenLogin): Promise<ObtainedLogin> {
  const { host, definition, options, choice, context } = login
  if (choice.method === 'token') return obtainToken(login)
  if (!context || choice.method === 'keys') return obtainKeys(login)
  const limit = options.timeout ?? TIMEOUT
  const help = findAccessHelp(host, definition)
  const late = createLoginTimeoutError(limit, help?.late)
  const { signal, stop } = startDeadline({ host, limit, late, signal: options.signal })
  const client = chooseMethodClient(context, definition, choice.method)
  // An answer may take for ever, too. What is left to revoke afterwards is revoked without this limit.
  const limited = { ...client, port: { ...client.port, fetch: limitFetch(client.port.fetch, signal) } }
  const atPage = { ...login, context: limited, limit, help, late, signal }
  try {
    if (choice.why) host.terminal.say(choice.why)
    const obtained = await (choice.method === 'device' ? obtainByDevice(atPage) : obtainByCode(atPage))
    return obtained.context ? { ...obtained, context: client } : obtained
  } catch (error) {
    // After the timeout, it is the reason to report, not the errors that follow from it.
    throw signal.aborted && isDaypassError(signal.reason) ? signal.reason : error
  } finally {
    stop()
  }
}

interface Deadline {
  host: Host
  limit: number
  late: DaypassError
  /** The caller's signal. */
  signal: AbortSignal | undefined
}

/** Aborts with `late` when the time is over, or when the caller aborts. */
function startDeadline({ host, limit, late, signal }: Deadline): { signal: AbortSignal; stop: () => void } {
  const clock = new AbortController()
  const over = new AbortController()
  host.sleep(limit, clock.signal).then(
    () => over.abort(late),
    () => undefined,
  )
  return {
    signal: signal ? AbortSignal.any([signal, over.signal]) : over.signal,
    stop: () => clock.abort(new Error('the login ended')),
  }
}

const createLoginTimeoutError = (limit: number, hint = 'log in again, with --timeout 15m for more time') =>
  new DaypassError('login_required', `nobody finished the login within ${formatDuration(limit)}`, {
    hint,
    unanswered: true,
  })

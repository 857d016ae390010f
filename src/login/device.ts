import { formatDuration } from '../core/duration.ts'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { Host } from '../core/types.ts'
import { authorizeDevice, type DeviceAuthorization } from '../oauth/device.ts'
import { type Refusal, refusalError } from '../oauth/refusal.ts'
import type { Party } from '../oauth/server.ts'
import { type Issued, pollDevice } from '../oauth/token.ts'
import { sshLine } from './choose-method.ts'
import { scopesFor } from './connect.ts'
import { qrCode } from './qr.ts'
import { choosePort, findRedirect } from './redirect-uri.ts'
import type { Obtained, PageLogin } from './stages.ts'

/** A login by a code that the person types on any device (RFC 8628). */
export async function obtainByDevice(login: PageLogin): Promise<Obtained> {
  const { host, definition, party, options, limit, late, signal } = login
  const device = await authorizeDevice(party, scopesFor(definition, party.server))
  const askedAt = host.now()
  host.terminal.say(describeDevice(device))
  if (options.method === undefined) sayHowByBrowser(login)
  if (options.qr) host.terminal.say(await qrCode(device.verificationUriComplete ?? device.verificationUri))
  const stop = host.terminal.busy('Waiting for the code to be approved')
  try {
    const issued = await awaitDevice({
      host,
      party,
      wait: { device, askedAt },
      until: askedAt + limit,
      signal,
    })
    if (!issued) throw late
    return { host, definition, party, issued, method: 'device', signal }
  } finally {
    stop()
  }
}

/** Over SSH, where the device code was our choice: what makes the browser usable. */
function sayHowByBrowser({ host: { terminal, env }, definition }: PageLogin): void {
  const port = choosePort(findRedirect(definition.provider, env).ports)
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

/** How much longer to wait after each `slow_down`, for good (RFC 8628 §3.5). */
const SLOWER = 5_000

/** What to tell the person; the code first, since that is what they type. */
function describeDevice(device: DeviceAuthorization): string {
  const { userCode, verificationUri, verificationUriComplete, expiresIn } = device
  return [
    `Open ${verificationUri} on any device and enter this code:`,
    '',
    `    ${userCode}`,
    '',
    ...(verificationUriComplete ? [`or open ${verificationUriComplete}`] : []),
    `It is good for ${formatDuration(expiresIn)}. Never approve a code that you did not ask for.`,
  ].join('\n')
}

/** Where polling stands; kept between the two steps of `login --start` and `--finish`. */
export interface DeviceWait {
  device: DeviceAuthorization
  /** Our clock. */
  askedAt: number
  /** The last look; the next one may be taken an interval later. */
  polledAt?: number
}

export interface DevicePolling {
  host: Pick<Host, 'now' | 'sleep'>
  party: Party
  wait: DeviceWait
  /** Our clock. At least one look is taken, even where this is over. */
  until: number
  signal?: AbortSignal | undefined
  /** Told where polling stands after each look that found nothing. */
  remember?: (wait: DeviceWait) => Promise<void>
}

/**
 * Polls until the person approved (RFC 8628 §3.4–3.5). `undefined`: `until` came first and the code is still good.
 * Throws `login_required` when the code expired, `refused` when it was denied.
 */
export async function awaitDevice({
  host,
  party,
  wait: { device, askedAt, polledAt = askedAt },
  until,
  signal,
  remember,
}: DevicePolling): Promise<Issued | undefined> {
  const end = askedAt + device.expiresIn
  let interval = device.interval
  // The first look is taken in any case, as soon as the server allows it.
  let due = Math.max(host.now(), polledAt + interval)
  for (let looked = false; !looked || due <= until; looked = true, due = host.now() + interval) {
    if (host.now() >= end) throw expired()
    // Never longer than that, should the clock have been set back.
    await host.sleep(Math.min(due - host.now(), interval), signal)
    const answer = await poll(party, device)
    if ('tokens' in answer) return answer
    const { refusal } = answer
    if (refusal.error === 'slow_down') interval += SLOWER
    else if (refusal.error === 'expired_token') throw expired()
    else if (refusal.error === 'access_denied') throw denied()
    else if (refusal.kind === 'passing')
      interval = Math.max(interval, refusal.retryAfter ?? Math.min(interval * 2, 60_000))
    else if (refusal.error !== 'authorization_pending') throw refusalError(refusal)
    await remember?.({ device: { ...device, interval }, askedAt, polledAt: host.now() })
  }
  return undefined
}

/** One poll. A network that fails is like a server that is busy: the code stays good. */
async function poll(
  party: Party,
  { deviceCode }: DeviceAuthorization,
): Promise<Issued | { refusal: Refusal }> {
  try {
    return await pollDevice(party, deviceCode)
  } catch (error) {
    if (!isDaypassError(error, 'network')) throw error
    return { refusal: { kind: 'passing', message: error.message, error: undefined } }
  }
}

const expired = () =>
  new DaypassError('login_required', 'the code expired before it was approved', {
    hint: 'log in again for a new one',
    unanswered: true,
  })

const denied = () =>
  new DaypassError('refused', 'consent was denied', {
    hint: 'log in again and agree; where the page does not let you, ask its administrator',
  })

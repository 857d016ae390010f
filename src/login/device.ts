import { formatDuration } from '../core/duration.ts'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { Host } from '../core/types.ts'
import { authorizeDevice, type DeviceAuthorization } from '../oauth/device.ts'
import { createRefusalError, type Refusal } from '../oauth/refusal.ts'
import type { ClientContext } from '../oauth/server.ts'
import { type IssuedTokens, pollDevice } from '../oauth/token.ts'
import { formatSshCommand } from './choose-method.ts'
import { filterScopes } from './connect.ts'
import { renderQrCode } from './qr.ts'
import { choosePort, findRedirect } from './redirect-uri.ts'
import type { ObtainedLogin, PageLogin } from './stages.ts'

/** A login by a code that the person types on any device (RFC 8628). */
export async function obtainByDevice(login: PageLogin): Promise<ObtainedLogin> {
  const { host, definition, context, options, limit, late, signal } = login
  const device = await authorizeDevice(context, filterScopes(definition, context.server))
  const askedAt = host.now()
  host.terminal.say(describeDevice(device))
  if (options.method === undefined) sayHowByBrowser(login)
  if (options.qr)
    host.terminal.say(await renderQrCode(device.verificationUriComplete ?? device.verificationUri))
  const stop = host.terminal.busy('Waiting for the code to be approved')
  try {
    const issued = await awaitDevice({
      host,
      context: context,
      wait: { device, askedAt },
      until: askedAt + limit,
      signal,
    })
    if (!issued) throw late
    return { host, definition, context: context, issued, method: 'device', signal }
  } finally {
    stop()
  }
}

/** Over SSH, where the device code was our choice: what makes the browser usable. */
function sayHowByBrowser({ host: { terminal, env }, definition }: PageLogin): void {
  const port = choosePort(findRedirect(definition.provider, env).ports)
  const ssh = formatSshCommand(env, port)
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
const SLOW_DOWN_INCREMENT = 5_000

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
  context: ClientContext
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
  context,
  wait: { device, askedAt, polledAt = askedAt },
  until,
  signal,
  remember,
}: DevicePolling): Promise<IssuedTokens | undefined> {
  const end = askedAt + device.expiresIn
  let interval = device.interval
  // The first look is taken in any case, as soon as the server allows it.
  let due = Math.max(host.now(), polledAt + interval)
  for (let looked = false; !looked || due <= until; looked = true, due = host.now() + interval) {
    if (host.now() >= end) throw createExpiredCodeError()
    // Never longer than that, should the clock have been set back.
    await host.sleep(Math.min(due - host.now(), interval), signal)
    const answer = await pollOnce(context, device)
    if ('tokens' in answer) return answer
    const { refusal } = answer
    if (refusal.error === 'slow_down') interval += SLOW_DOWN_INCREMENT
    else if (refusal.error === 'expired_token') throw createExpiredCodeError()
    else if (refusal.error === 'access_denied') throw createDeniedError()
    else if (refusal.kind === 'passing')
      interval = Math.max(interval, refusal.retryAfter ?? Math.min(interval * 2, 60_000))
    else if (refusal.error !== 'authorization_pending') throw createRefusalError(refusal)
    await remember?.({ device: { ...device, interval }, askedAt, polledAt: host.now() })
  }
  return undefined
}

/** One poll. A network that fails is like a server that is busy: the code stays good. */
async function pollOnce(
  context: ClientContext,
  { deviceCode }: DeviceAuthorization,
): Promise<IssuedTokens | { refusal: Refusal }> {
  try {
    return await pollDevice(context, deviceCode)
  } catch (error) {
    if (!isDaypassError(error, 'network')) throw error
    return { refusal: { kind: 'passing', message: error.message, error: undefined } }
  }
}

const createExpiredCodeError = () =>
  new DaypassError('login_required', 'the code expired before it was approved', {
    hint: 'log in again for a new one',
    unanswered: true,
  })

const createDeniedError = () =>
  new DaypassError('refused', 'consent was denied', {
    hint: 'log in again and agree; where the page does not let you, ask its administrator',
  })

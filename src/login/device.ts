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

/** Login with a code that the person types on any device (RFC 8628). */
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
    return { host, definition, context, issued, method: 'device', signal }
  } finally {
    stop()
  }
}

/** Over SSH, where daypass chose the device code: prints how to use the browser instead. */
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

/** Milliseconds that each `slow_down` adds to the interval permanently (RFC 8628 §3.5). */
const SLOW_DOWN_INCREMENT = 5_000

/** Formats the instructions. The code comes first, because the person must type it. */
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

/** The state of polling. It is stored between `login --start` and `--finish`. */
export interface DeviceWait {
  device: DeviceAuthorization
  /** Time on our clock. */
  askedAt: number
  /** The last poll; the next one is allowed one interval later. */
  polledAt?: number
}

export interface DevicePolling {
  host: Pick<Host, 'now' | 'sleep'>
  context: ClientContext
  wait: DeviceWait
  /** Time on our clock. At least one poll is made, even when it has passed. */
  until: number
  signal?: AbortSignal | undefined
  /** Called with the state after each poll without a result. */
  remember?: (wait: DeviceWait) => Promise<void>
}

/**
 * Polls until the person approves (RFC 8628 §3.4–3.5). Resolves to undefined where `until` passes and the
 * code is still valid. Throws `login_required` when the code expired, `refused` when it was denied.
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
  // The first poll is always made, as soon as the server allows it.
  let due = Math.max(host.now(), polledAt + interval)
  for (let looked = false; !looked || due <= until; looked = true, due = host.now() + interval) {
    if (host.now() >= end) throw createExpiredCodeError()
    // Limited to the interval, in case the clock was set back.
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

/** Polls once. A network failure counts as a busy server, because the code stays valid. */
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

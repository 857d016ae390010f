import { formatDuration } from '../core/duration.ts'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { Host } from '../core/types.ts'
import type { DeviceAuthorization } from '../oauth/device.ts'
import { type Refusal, refusalError } from '../oauth/refusal.ts'
import type { Party } from '../oauth/server.ts'
import { type Issued, pollDevice } from '../oauth/token.ts'

/** How much longer to wait after each `slow_down`, for good (RFC 8628 §3.5). */
const SLOWER = 5_000

/** What to tell the person; the code first, since that is what they type. */
export function deviceWords(device: DeviceAuthorization): string {
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

/**
 * Polls until the person approved (RFC 8628 §3.4–3.5). `undefined`: `until` came first and the code is still good.
 * Throws `login_required` when the code expired, `refused` when it was denied.
 */
export async function awaitDevice(
  host: Pick<Host, 'now' | 'sleep'>,
  party: Party,
  { device, askedAt, polledAt = askedAt }: DeviceWait,
  until: number,
  signal?: AbortSignal,
  /** Told where polling stands after each look that found nothing. */
  remember: (wait: DeviceWait) => Promise<void> = async () => undefined,
): Promise<Issued | undefined> {
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
    await remember({ device: { ...device, interval }, askedAt, polledAt: host.now() })
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

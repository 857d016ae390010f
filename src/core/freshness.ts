import { formatDuration } from './duration.ts'
import { DaypassError } from './errors.ts'
import type { Header, Time } from './types.ts'

/**
 * - `valid`: more time than the margin is left.
 * - `stale`: less is left, and it can be renewed.
 * - `expired`: less is left, and it cannot be renewed.
 * - `login_required`: there is no grant, or the server refused it.
 */
export type State = 'valid' | 'stale' | 'expired' | 'login_required'

export type Validity = Pick<Header, 'issuedAt' | 'expiresAt' | 'clockOffset'> &
  Partial<Pick<Header, 'renewable'>>

/** Returns the milliseconds until the expiry by the server's clock; Infinity without an expiry. */
export function computeTimeLeft({ expiresAt, clockOffset = 0 }: Validity, now: Time): number {
  return expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - (now + clockOffset)
}

/** Returns the whole lifetime in milliseconds; Infinity without an expiry. */
export function computeLifetime({ issuedAt, expiresAt }: Validity): number {
  return issuedAt === undefined || expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - issuedAt
}

/** Margin in milliseconds of a credential that cannot be renewed; giving it up earlier would gain nothing. */
const LAST_MINUTE = 60_000

/**
 * Returns whether more than the margin is left. All times are in milliseconds. The margin is the stated one,
 * at most a third of the lifetime (or a credential that lives one minute would never be usable), and at least
 * `minTtl`.
 */
export function isUsable(lived: Validity, now: Time, statedMargin: number, minTtl = 0): boolean {
  return computeTimeLeft(lived, now) > Math.max(computeMargin(lived, statedMargin), minTtl)
}

function computeMargin(lived: Validity, statedMargin: number): number {
  const wanted = lived.renewable === false ? Math.min(statedMargin, LAST_MINUTE) : statedMargin
  return Math.min(wanted, computeLifetime(lived) / 3)
}

/** Returns the milliseconds until only the margin is left; Infinity without an expiry. */
export function computeTimeUntilRenewal(lived: Validity, now: Time, statedMargin: number): number {
  return computeTimeLeft(lived, now) - computeMargin(lived, statedMargin)
}

export function computeState(header: Header, now: Time, statedMargin: number): State {
  if (header.loginRequired !== undefined || header.key === undefined) return 'login_required'
  if (isUsable(header, now, statedMargin)) return 'valid'
  const over =
    header.sessionExpiresAt !== undefined && now + (header.clockOffset ?? 0) >= header.sessionExpiresAt
  return header.renewable && !over ? 'stale' : 'expired'
}

/** Throws `usage` where no renewal can meet `minTtl` (milliseconds). Called before anything is sent. */
export function assertMinTtl(lived: Validity, minTtl: number): void {
  if (minTtl <= computeLifetime(lived)) return
  const whole = formatDuration(computeLifetime(lived))
  throw new DaypassError(
    'usage',
    `--min-ttl ${formatDuration(minTtl)} is longer than this credential ever lives (${whole})`,
    {
      hint: (command) =>
        `for a program that runs longer: ${command({ verb: 'exec', flags: ['--endpoint', '--', 'CMD'] })}`,
    },
  )
}

import { formatDuration } from './duration.ts'
import { DaypassError } from './errors.ts'
import type { Header, Time } from './types.ts'

/**
 * - `valid`: more than the margin is left.
 * - `stale`: not, but it can be renewed.
 * - `expired`: not, and it cannot.
 * - `login_required`: no grant, or the server refused it.
 */
export type State = 'valid' | 'stale' | 'expired' | 'login_required'

export type Validity = Pick<Header, 'issuedAt' | 'expiresAt' | 'clockOffset'> &
  Partial<Pick<Header, 'renewable'>>

/** Milliseconds until the end, by the server's clock; Infinity for a credential that has none. */
export function computeTimeLeft({ expiresAt, clockOffset = 0 }: Validity, now: Time): number {
  return expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - (now + clockOffset)
}

/** The whole life of a credential in milliseconds; Infinity for one without an end. */
export function computeLifetime({ issuedAt, expiresAt }: Validity): number {
  return issuedAt === undefined || expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - issuedAt
}

/** Of what cannot be renewed: nobody gains anything when it is given up early. */
const LAST_MINUTE = 60_000

/**
 * More than the margin left? The margin is the stated one, at most a third of the credential's own life (one that
 * lives a minute would never be usable), at least what the caller asks for.
 */
export function isUsable(lived: Validity, now: Time, statedMargin: number, minTtl = 0): boolean {
  return computeTimeLeft(lived, now) > Math.max(computeMargin(lived, statedMargin), minTtl)
}

function computeMargin(lived: Validity, statedMargin: number): number {
  const wanted = lived.renewable === false ? Math.min(statedMargin, LAST_MINUTE) : statedMargin
  return Math.min(wanted, computeLifetime(lived) / 3)
}

/** Milliseconds until no more than the margin is left; Infinity for a credential that has no end. */
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

/** A minimum no renewal can meet is the caller's mistake; found out before anything is sent. */
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

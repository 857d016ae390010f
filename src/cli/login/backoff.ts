/** Limits logins that opened automatically and were not answered: the time until the next one. */
import { formatDuration } from '../../core/duration.ts'
import { DaypassError } from '../../core/errors.ts'
import type { Time } from '../../core/types.ts'
import { removeDurably, writeFileDurably } from '../../vault/atomic.ts'
import { readOwnFile } from '../../vault/read-file.ts'

/** Consecutive unanswered logins. */
export interface UnansweredLogins {
  count: number
  /** When the last one ended, or began where it did not end. */
  at: Time
  /** The login began; its process still runs or was killed. */
  underWay?: boolean
}

const NONE_UNANSWERED: UnansweredLogins = { count: 0, at: 0 }

/** Milliseconds before the first, second and third login. */
const PAUSES = [0, 60_000, 5 * 60_000]

/** Returns none where the file cannot be read: asking too often is better than not being able to log in. */
export function readUnansweredLogins(path: string): UnansweredLogins {
  try {
    const { count, at, underWay } = JSON.parse(readOwnFile(path) ?? '') as UnansweredLogins
    const isWhole = Number.isInteger(count) && count > 0 && Number.isFinite(at)
    return isWhole ? { count, at, underWay: underWay === true } : NONE_UNANSWERED
  } catch {
    return NONE_UNANSWERED
  }
}

export function writeUnansweredLogins(path: string, unanswered: UnansweredLogins): void {
  try {
    if (unanswered.count === 0) removeDurably(path)
    else writeFileDurably(path, `${JSON.stringify(unanswered)}\n`)
  } catch {
    // Without a writable disk there is no pause.
  }
}

/** Throws where the next login must wait for a time or for the person, except after a killed login. */
export function checkLoginPause(
  { count, at, underWay }: UnansweredLogins,
  now: Time,
  name: string,
  waited: boolean,
): void {
  if (count === 0 || (waited && underWay && count < PAUSES.length)) return
  const pause = PAUSES[count]
  // A clock that was set back must not make the pause much longer.
  const left = pause === undefined ? undefined : pause - Math.abs(now - at)
  if (left !== undefined && left <= 0) return
  const last = count === 1 ? 'the last one' : `the last ${count}`
  const next =
    left === undefined
      ? 'no other opens by itself'
      : `the next opens by itself in ${formatDuration(left + 999)}`
  throw new DaypassError('login_required', `${name} needs a login, and nobody answered ${last}; ${next}`, {
    advice: { verb: 'login', identity: name },
  })
}

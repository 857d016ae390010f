/** Logins that opened by themselves and that nobody answered: how long until the next one, if any. */
import { formatDuration } from '../../core/duration.ts'
import { DaypassError } from '../../core/errors.ts'
import type { Time } from '../../core/types.ts'
import { removeDurably, writeFileDurably } from '../../vault/atomic.ts'
import { readOwnFile } from '../../vault/read-file.ts'

/** In a row. */
export interface UnansweredLogins {
  count: number
  /** When the last one ended; where it did not, when it began. */
  at: Time
  /** It began, and its process was killed or is at it. */
  underWay?: boolean
}

const NONE_UNANSWERED: UnansweredLogins = { count: 0, at: 0 }

/** Before the second one, and before the third. */
const PAUSES = [0, 60_000, 5 * 60_000]

/** None, where it cannot be read: a person who is asked too often is better than one who cannot log in. */
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
    // On a disk that takes nothing, nothing holds them back.
  }
}

/**
 * Throws where the next one has to wait, or is for a person to begin. Who waited for one whose process was killed takes
 * its place at once.
 */
export function checkLoginPause(
  { count, at, underWay }: UnansweredLogins,
  now: Time,
  name: string,
  waited: boolean,
): void {
  if (count === 0 || (waited && underWay && count < PAUSES.length)) return
  const pause = PAUSES[count]
  // A clock that was set back is no reason to wait for much longer.
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

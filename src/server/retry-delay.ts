import { isDaypassError } from '../core/errors.ts'
import type { Time } from '../core/types.ts'

/** Between two tries of what has failed. */
const CACHE_TIME = 1000

/** After a trouble that passes, whoever asks within a second is told the same: programs ask again and again. */
export function cacheRetryableError<Args extends unknown[], Result>(
  ask: (...said: Args) => Promise<Result>,
  now: () => Time,
): (...said: Args) => Promise<Result> {
  let last: { error: unknown; at: Time } | undefined
  return async (...said) => {
    if (last && Math.abs(now() - last.at) < CACHE_TIME) throw last.error
    try {
      return await ask(...said)
    } catch (error) {
      if (isDaypassError(error) && error.retryable) last = { error, at: now() }
      throw error
    }
  }
}

import { isDaypassError } from '../core/errors.ts'
import type { Time } from '../core/types.ts'

/** Milliseconds for which a failure is repeated. */
const CACHE_TIME = 1000

/** Repeats a passing error to all callers within a second, because programs ask again and again. */
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

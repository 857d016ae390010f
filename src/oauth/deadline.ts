import type { Fetch, Host } from '../core/types.ts'

/** A timer that fires this many milliseconds late shows that the whole process was suspended. */
const SUSPENDED_AFTER = 1_000

/**
 * Aborts after `milliseconds`. After a suspension (Ctrl-Z, a closed laptop) the timer fires before waiting
 * data is read. The response then gets one more second, because the token that it replaces is already spent.
 */
export function createDeadline({ now }: Pick<Host, 'now'>, milliseconds: number): AbortSignal {
  const over = new AbortController()
  const wait = (left: number) => {
    const due = now() + left
    const clock = AbortSignal.timeout(left)
    clock.addEventListener('abort', () => {
      if (now() - due > SUSPENDED_AFTER) wait(SUSPENDED_AFTER)
      else over.abort(clock.reason)
    })
  }
  wait(milliseconds)
  return over.signal
}

/** Of several requests: each has its own limit, and all of them this one. The body of an answer counts, too. */
export const limitFetch =
  (fetch: Fetch, limit: AbortSignal): Fetch =>
  (input, init) =>
    fetch(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, limit]) : limit })

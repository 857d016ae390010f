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

/** Adds a limit that all requests share to the limit that each has. The time to read an answer's body counts, too. */
export const limitFetch =
  (send: Fetch, limit: AbortSignal): Fetch =>
  (input, init) =>
    send(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, limit]) : limit })

import type { Fetch, Host } from '../core/types.ts'

/** What comes so much too late was kept from coming: the whole process stood still. */
const SUSPENDED_AFTER = 1_000

/**
 * Aborts when the time is over. A process that stood still meanwhile (Ctrl-Z, a closed lid) hears of that before it
 * reads what has come in. Then the answer gets a moment more: the token that it replaces is spent.
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
  (send: Fetch, limit: AbortSignal): Fetch =>
  (input, init) =>
    send(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, limit]) : limit })

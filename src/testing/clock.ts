import type { Host, Time } from '../core/types.ts'

export interface TestClock extends Pick<Host, 'now' | 'sleep'> {
  /** Advances the time and wakes sleepers whose time is over, earliest first. */
  advance(milliseconds: number): void
}

export interface TestClockOptions {
  /** Milliseconds. A sleep up to this length ends at once and advances the clock. Default: none does. */
  naps?: number
}

interface Sleeper {
  until: Time
  wake(): void
}

/**
 * Creates a clock that a test moves. It stands at `start`, or runs with `start` where that is a clock
 * (`Date.now`), which alone wakes no sleeper.
 */
export function testClock(
  start: Time | (() => Time) = Date.now(),
  { naps = -1 }: TestClockOptions = {},
): TestClock {
  const base = typeof start === 'function' ? start : () => start
  const asleep = new Set<Sleeper>()
  let ahead = 0
  const now = () => base() + ahead

  function advance(milliseconds: number): void {
    ahead += milliseconds
    const awake = [...asleep].filter(({ until }) => until <= now())
    for (const { wake } of awake.sort((one, other) => one.until - other.until)) wake()
  }

  function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stopSleeping = () => {
        asleep.delete(sleeper)
        signal?.removeEventListener('abort', onAbort)
      }
      const onAbort = () => {
        stopSleeping()
        reject(signal?.reason)
      }
      const sleeper = {
        until: now() + milliseconds,
        wake() {
          stopSleeping()
          resolve()
        },
      }
      asleep.add(sleeper)
      signal?.addEventListener('abort', onAbort)
      const nap = () => asleep.has(sleeper) && advance(Math.max(0, sleeper.until - now()))
      if (milliseconds <= naps) setImmediate(nap)
    })
  }

  return { now, advance, sleep }
}

import type { Host, Time } from '../core/types.ts'

export interface TestClock extends Pick<Host, 'now' | 'sleep'> {
  /** Lets time pass: whoever sleeps no longer than that wakes up, the first to wake first. */
  advance(milliseconds: number): void
}

export interface TestClockOptions {
  /**
   * Milliseconds. A sleep of at most so long is over at once, and has taken its time: polls, pauses between two
   * tries. Default: none is.
   */
  naps?: number
}

interface Sleeper {
  until: Time
  wake(): void
}

/**
 * A clock that a test moves. It stands at `start`, or runs on with it where that is a clock itself (`Date.now`);
 * nobody wakes up by that alone.
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

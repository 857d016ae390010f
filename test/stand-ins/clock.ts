export interface Clock {
  /** What lifetimes run on. */
  now(): number
  /** What the servers believe, tell, and judge what is signed by. */
  told(): number
  /** Milliseconds that `told` is ahead. */
  offset: number
}

export function createClock(now: () => number = Date.now, offset = 0): Clock {
  const clock: Clock = { now, told: () => now() + clock.offset, offset }
  return clock
}

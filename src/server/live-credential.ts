/** A credential in memory that is kept good: renewed ahead of its end, and gone when it is gone from the vault. */
import { isDaypassError } from '../core/errors.ts'
import { type Lived, timeLeft, untilRenewal } from '../core/freshness.ts'
import type { Credential, Time } from '../core/types.ts'

/** What is handed out. */
export interface Held {
  credential: Credential
  /** Server clock minus ours. */
  clockOffset: number
  /** The account that it belongs to, where known. */
  account?: string | undefined
  renewable: boolean
}

export interface LiveOptions {
  /** A usable one, renewed where needed. */
  take(): Promise<Held>
  /** Another text when what is kept is another one, or nothing any more. Cheap: asked again and again. */
  stamp(): string
  /** The stated margin of the provider, in milliseconds. */
  margin: number
  now(): Time
}

export interface Live {
  current(): Promise<Held>
  /** A renewal that has begun is waited for. */
  close(): Promise<void>
}

/** Between two tries to renew what is still good for a while. */
const PAUSE = 10_000
/** Beyond this, a timer fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1

export function keepLive({ take, stamp, margin, now }: LiveOptions): Live {
  let held: Held | undefined
  let lived: Lived = {}
  let seen: string | undefined
  let underWay: Promise<Held> | undefined
  let nextTry: Time = 0
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  // Requests that came in together are answered from one look: none of them was sent after what happened since.
  let looked: string | undefined
  const lookAnew = () => {
    if (looked === undefined) setImmediate(forget)
    looked = stamp()
    return looked
  }
  const forget = () => {
    looked = undefined
  }
  const isGood = () => held !== undefined && seen === (looked ?? lookAnew()) && timeLeft(lived, now()) > 0

  async function attempt(): Promise<Held> {
    // As it looks before it is read: what changes meanwhile is read again.
    const before = lookAnew()
    try {
      held = await take()
      lived = { ...held.credential, ...held }
      seen = before
      return held
    } catch (error) {
      // What is good for a while outlives a trouble that passes, and no other.
      if (!(isDaypassError(error) && error.retryable)) held = undefined
      throw error
    } finally {
      plan()
    }
  }

  /** One at a time, however many ask. */
  function renewed(): Promise<Held> {
    underWay ??= attempt().finally(() => {
      underWay = undefined
    })
    return underWay
  }

  function plan(): void {
    clearTimeout(timer)
    if (isClosed || !held) return
    const left = untilRenewal(lived, now(), margin)
    const wait = left > 0 ? left : PAUSE
    nextTry = now() + wait
    if (wait < Number.POSITIVE_INFINITY) timer = setTimeout(ahead, Math.min(wait, LONGEST_TIMER)).unref()
  }

  /** Whoever asks when it is over is told what went wrong. */
  const ahead = () => void renewed().catch(() => undefined)

  return {
    async current() {
      if (isGood()) {
        // The timer is late where the machine was asleep.
        if (now() >= nextTry) ahead()
        return held!
      }
      const first = await renewed()
      // It may have begun before we were asked, and have read what is there no more.
      return isGood() ? first : renewed()
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await underWay?.catch(() => undefined)
    },
  }
}

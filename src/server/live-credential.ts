/** A credential in memory that is kept good: renewed ahead of its end, and gone when it is gone from the vault. */
import { isDaypassError } from '../core/errors.ts'
import { computeTimeLeft, computeTimeUntilRenewal, type Validity } from '../core/freshness.ts'
import type { Credential, Time } from '../core/types.ts'

/** What is handed out. */
export interface CurrentCredential {
  credential: Credential
  /** Server clock minus ours. */
  clockOffset: number
  /** The account that it belongs to, where known. */
  account?: string | undefined
  renewable: boolean
}

export interface LiveOptions {
  /** A usable one, renewed where needed. */
  take(): Promise<CurrentCredential>
  /** Another text when what is kept is another one, or nothing any more. Cheap: asked again and again. */
  stamp(): string
  /** The stated margin of the provider, in milliseconds. */
  margin: number
  now(): Time
}

export interface LiveCredential {
  current(): Promise<CurrentCredential>
  /** A renewal that has begun is waited for. */
  close(): Promise<void>
}

/** Between two tries to renew what is still good for a while. */
const RETRY_PAUSE = 10_000
/** Beyond this, a timer fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1

export function keepCredentialLive({ take, stamp, margin, now }: LiveOptions): LiveCredential {
  let held: CurrentCredential | undefined
  let lived: Validity = {}
  let seen: string | undefined
  let underWay: Promise<CurrentCredential> | undefined
  let nextTry: Time = 0
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  // Requests that came in together are answered from one look: none of them was sent after what happened since.
  let looked: string | undefined
  const readStamp = () => {
    if (looked === undefined) setImmediate(forget)
    looked = stamp()
    return looked
  }
  const forget = () => {
    looked = undefined
  }
  const isUsableNow = () =>
    held !== undefined && seen === (looked ?? readStamp()) && computeTimeLeft(lived, now()) > 0

  async function takeAnew(): Promise<CurrentCredential> {
    // As it looks before it is read: what changes meanwhile is read again.
    const before = readStamp()
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
  function renewShared(): Promise<CurrentCredential> {
    underWay ??= takeAnew().finally(() => {
      underWay = undefined
    })
    return underWay
  }

  function plan(): void {
    clearTimeout(timer)
    if (isClosed || !held) return
    const left = computeTimeUntilRenewal(lived, now(), margin)
    const wait = left > 0 ? left : RETRY_PAUSE
    nextTry = now() + wait
    if (wait < Number.POSITIVE_INFINITY) timer = setTimeout(renewAhead, Math.min(wait, LONGEST_TIMER)).unref()
  }

  /** Whoever asks when it is over is told what went wrong. */
  const renewAhead = () => void renewShared().catch(() => undefined)

  return {
    async current() {
      if (isUsableNow()) {
        // The timer is late where the machine was asleep.
        if (now() >= nextTry) renewAhead()
        return held!
      }
      const first = await renewShared()
      // It may have begun before we were asked, and have read what is there no more.
      return isUsableNow() ? first : renewShared()
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await underWay?.catch(() => undefined)
    },
  }
}

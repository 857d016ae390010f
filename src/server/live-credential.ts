/** Keeps a credential in memory: renews it ahead of its end, and drops it when the vault no longer has it. */
import { isDaypassError } from '../core/errors.ts'
import { computeTimeLeft, computeTimeUntilRenewal, type Validity } from '../core/freshness.ts'
import type { Credential, Time } from '../core/types.ts'

/** The credential that is handed out. */
export interface CurrentCredential {
  credential: Credential
  /** Milliseconds: server clock minus ours. */
  clockOffset: number
  /** The account that it belongs to, where known. */
  account?: string | undefined
  renewable: boolean
}

export interface LiveOptions {
  /** Returns a usable credential, renewed where needed. */
  take(): Promise<CurrentCredential>
  /** Returns another text after the stored credential changed. Cheap, because it is called often. */
  stamp(): string
  /** The provider's renewal margin, in milliseconds. */
  margin: number
  now(): Time
}

export interface LiveCredential {
  current(): Promise<CurrentCredential>
  /** Closes; waits for a renewal that has begun. */
  close(): Promise<void>
}

/** Milliseconds between two attempts to renew a credential that is still valid. */
const RETRY_PAUSE = 10_000
/** Milliseconds. A timer with a longer delay fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1

export function keepCredentialLive({ take, stamp, margin, now }: LiveOptions): LiveCredential {
  let held: CurrentCredential | undefined
  let lived: Validity = {}
  let seen: string | undefined
  let underWay: Promise<CurrentCredential> | undefined
  let nextTry: Time = 0
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  // Requests of the same event loop turn share one stamp, because nothing changed between them.
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
    // The stamp is read before the credential, so that a change in between is noticed.
    const before = readStamp()
    try {
      held = await take()
      lived = { ...held.credential, ...held }
      seen = before
      return held
    } catch (error) {
      // A valid credential stays in use only after an error that may pass.
      if (!(isDaypassError(error) && error.retryable)) held = undefined
      throw error
    } finally {
      plan()
    }
  }

  /** Runs one renewal at a time for all callers. */
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

  /** Errors are ignored here; a request after the expiry reports them. */
  const renewAhead = () => void renewShared().catch(() => undefined)

  return {
    async current() {
      if (isUsableNow()) {
        // The timer is late after the machine was asleep.
        if (now() >= nextTry) renewAhead()
        return held!
      }
      const first = await renewShared()
      // The shared renewal may have started before this request and read a record that is now replaced.
      return isUsableNow() ? first : renewShared()
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await underWay?.catch(() => undefined)
    },
  }
}

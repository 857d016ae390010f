/** What one renewal writes: room for its answer, the note that a request leaves, what was kept on the way, its end. */
import { DaypassError } from '../core/errors.ts'
import type { Entry, Grant, Header } from '../core/types.ts'
import type { Lease } from './renew.ts'

export type Held = Entry & { grant: Grant }

/** What a renewal tells on its way. */
export interface Steps {
  /** The next request spends the refresh token: noted, durably. */
  spending(): Promise<void>
  /** Keeps what came of it, synced, before anything else is asked for. From then on this is what is held. */
  keep(entry: Held): Promise<void>
}

type Outcome = Pick<NonNullable<Header['lastRenewal']>, 'failure' | 'code'>

export interface Journal extends Steps {
  readonly held: Held
  /** Keeps the end of it. Never handed out unkept: throws `vault`. */
  finish(entry: Entry, outcome?: Outcome): Promise<Held>
  /** Says how it failed to whoever waits; they may as well find out for themselves. */
  tell(outcome: Outcome, more: { isLost: boolean; isBlank: boolean }): Promise<void>
  /** What is thrown is no answer, and no request either: then nothing is unanswered. */
  takeBack(): Promise<void>
  close(): Promise<void>
}

/** Room for the answer first: a full disk stops us here, before the refresh token is spent. */
export async function openJournal(lease: Lease, before: Held, beganAt: number): Promise<Journal> {
  const { vault } = lease
  const slot = await vault.reserve(before)
  let held = before
  let hasRoom = true
  let isNoted = false
  let isUnkept = false

  /** The room serves once. What is written after that can be had again. */
  async function write(entry: Entry): Promise<void> {
    if (!hasRoom) return vault.write(entry)
    hasRoom = false
    await slot.write(entry)
  }

  async function keep(entry: Held): Promise<void> {
    const isSpent = isNoted
    try {
      await write(entry).catch(() => vault.write(entry))
    } catch (error) {
      isUnkept = true
      throw unkept(lease, error, isSpent)
    }
    held = entry
    isNoted = false
  }

  const answered = (
    { header: { unanswered: _, ...header }, grant }: Entry,
    more: Outcome & Midway,
  ): Held => ({
    header: { ...header, lastRenewal: { beganAt, ...more } },
    grant: grant!,
  })

  return {
    get held() {
      return held
    },
    async spending() {
      await vault.write(unanswered(held, beganAt))
      isNoted = true
    },
    keep: (entry) => keep(answered(entry, { midway: true })),
    async finish(entry, outcome = {}) {
      await keep(answered(entry, outcome))
      return held
    },
    async tell(outcome, { isLost, isBlank }) {
      const { header, grant } = isLost ? unanswered(held, beganAt) : held
      const told = { ...header, lastRenewal: { beganAt, ...outcome } }
      await write(isBlank ? { header: told } : { header: told, grant }).catch(() => undefined)
    },
    async takeBack() {
      if (isNoted && !isUnkept) await vault.write(held).catch(() => undefined)
    },
    async close() {
      // What of the answer could be written may be rescued, once the disk is mended.
      if (!isUnkept) await slot.release()
    },
  }
}

type Midway = Pick<NonNullable<Header['lastRenewal']>, 'midway'>

/** Durable before the request leaves: whoever finds it knows that the refresh token may be spent. */
const unanswered = ({ header, grant }: Held, since: number): Held => ({
  header: { ...header, unanswered: since },
  grant,
})

/** One more try was made. Where the old refresh token is spent, that is said in so many words. */
function unkept({ name, login }: Lease, error: unknown, isSpent: boolean): DaypassError {
  const why = error instanceof Error ? error.message : String(error)
  return new DaypassError('vault', `${name} was renewed at the server, but could not be kept: ${why}`, {
    hint: isSpent ? (command) => `mend that, then: ${command(login)}` : 'mend that, then try again',
    cause: error,
  })
}

/** What one renewal writes: room for its answer, the note that a request leaves, what was kept on the way, its end. */
import { DaypassError } from '../core/errors.ts'
import type { Entry, Grant, Header } from '../core/types.ts'
import { replaceRefreshToken } from './fit-answer.ts'
import type { RenewalSource } from './renew.ts'

export type StoredGrant = Entry & { grant: Grant }

/** What a renewal tells on its way. */
export interface RenewalSteps {
  /** The next request spends the refresh token: noted, durably. */
  markSpending(): Promise<void>
  /** Keeps what came of it, synced, before anything else is asked for. From then on this is what is held. */
  keep(entry: StoredGrant): Promise<void>
}

type Outcome = Pick<NonNullable<Header['lastRenewal']>, 'failure' | 'code'>

export interface RenewalJournal extends RenewalSteps {
  readonly stored: StoredGrant
  /** Keeps the end of it. Never handed out unkept: throws `vault`. */
  finish(entry: Entry, outcome?: Outcome): Promise<StoredGrant>
  /** Says how it failed to whoever waits; they may as well find out for themselves. */
  recordFailure(outcome: Outcome, more: { isLost: boolean; isBlank: boolean }): Promise<void>
  /** What is thrown is no answer, and no request either: then nothing is unanswered. */
  retract(): Promise<void>
  close(): Promise<void>
}

/** Room for the answer first: a full disk stops us here, before the refresh token is spent. */
export async function openJournal(
  source: RenewalSource,
  before: StoredGrant,
  beganAt: number,
): Promise<RenewalJournal> {
  const { vault } = source
  const slot = await vault.reserve(before)
  let stored = before
  let hasRoom = true
  let isNoted = false
  let isUnkept = false

  /** The room serves once. What is written after that can be had again. */
  async function writeEntry(entry: Entry): Promise<void> {
    if (!hasRoom) return vault.write(entry)
    hasRoom = false
    await slot.write(entry)
  }

  async function keepEntry(entry: StoredGrant): Promise<void> {
    const isSpent = isNoted
    try {
      await writeEntry(entry).catch(() => vault.write(entry))
    } catch (error) {
      const unkept = createUnkeptError(source, error, isSpent)
      const lean = answered(replaceRefreshToken(stored, entry.grant), formatFailure(unkept))
      isUnkept = !(await keepInstead(lean, entry))
      if (isUnkept) throw unkept
      stored = lean
      isNoted = false
      throw createUnkeptError(source, error, false)
    }
    stored = entry
    isNoted = false
  }

  /** Where there is no room for all of an answer, there may be for its refresh token beside the old credential. */
  async function keepInstead(lean: StoredGrant, { grant }: StoredGrant): Promise<boolean> {
    const saved = vault.measure(grant).whole - vault.measure(lean.grant).whole
    if (!grant.refreshToken || saved < WORTH_SAVING) return false
    return vault.write(lean).then(
      () => true,
      () => false,
    )
  }

  const answered = (
    { header: { unanswered: _, ...header }, grant }: Entry,
    more: Outcome & Midway,
  ): StoredGrant => ({
    header: { ...header, lastRenewal: { beganAt, ...more } },
    grant: grant!,
  })

  return {
    get stored() {
      return stored
    },
    async markSpending() {
      await vault.write(markUnanswered(stored, beganAt))
      isNoted = true
    },
    keep: (entry) => keepEntry(answered(entry, { midway: true })),
    async finish(entry, outcome = {}) {
      await keepEntry(answered(entry, outcome))
      return stored
    },
    async recordFailure(outcome, { isLost, isBlank }) {
      const { header, grant } = isLost ? markUnanswered(stored, beganAt) : stored
      const told = { ...header, lastRenewal: { beganAt, ...outcome } }
      await writeEntry(isBlank ? { header: told } : { header: told, grant }).catch(() => undefined)
    },
    async retract() {
      if (isNoted && !isUnkept) await vault.write(stored).catch(() => undefined)
    },
    async close() {
      // What of the answer could be written may be rescued, once the disk is mended.
      if (!isUnkept) await slot.release()
    },
  }
}

type Midway = Pick<NonNullable<Header['lastRenewal']>, 'midway'>

/** Bytes: less makes no difference to a disk. */
const WORTH_SAVING = 4096

/** Durable before the request leaves: whoever finds it knows that the refresh token may be spent. */
const markUnanswered = ({ header, grant }: StoredGrant, since: number): StoredGrant => ({
  header: { ...header, unanswered: since },
  grant,
})

export const formatFailure = ({ code, message }: DaypassError) => ({ code, failure: message })

/** One more try was made. Where the old refresh token is spent, that is said in so many words. */
function createUnkeptError({ name, login }: RenewalSource, error: unknown, isSpent: boolean): DaypassError {
  const why = error instanceof Error ? error.message : String(error)
  return new DaypassError('vault', `${name} was renewed at the server, but could not be kept: ${why}`, {
    hint: isSpent ? (command) => `mend that, then: ${command(login)}` : 'mend that, then try again',
    cause: error,
  })
}

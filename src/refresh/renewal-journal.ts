/** What a renewal writes: reserved space, the note of a request, the intermediate record, and the result. */
import { DaypassError } from '../core/errors.ts'
import type { Entry, Grant, Header } from '../core/types.ts'
import { replaceRefreshToken } from './fit-answer.ts'
import type { RenewalSource } from './renew.ts'

export type StoredGrant = Entry & { grant: Grant }

/** What a renewal reports while it runs. */
export interface RenewalSteps {
  /** Notes durably that the next request spends the refresh token. */
  markSpending(): Promise<void>
  /** Stores a record durably before the next request. It becomes `stored`. */
  keep(entry: StoredGrant): Promise<void>
}

type Outcome = Pick<NonNullable<Header['lastRenewal']>, 'failure' | 'code'>

export interface RenewalJournal extends RenewalSteps {
  readonly stored: StoredGrant
  /** Stores the final record. Throws `vault`: an unstored credential is never returned. */
  finish(entry: Entry, outcome?: Outcome): Promise<StoredGrant>
  /** Records the failure for waiting calls. If that fails, they try the renewal themselves. */
  recordFailure(outcome: Outcome, more: { isLost: boolean; isBlank: boolean }): Promise<void>
  /** Removes the note after an exception: no request is unanswered then. */
  retract(): Promise<void>
  close(): Promise<void>
}

/** Reserves space for the response first: a full disk fails here, before the refresh token is spent. */
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

  /** The reserved space serves one write. Later records can be obtained again. */
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
      // A partly written response can be recovered after the disk is repaired.
      if (!isUnkept) await slot.release()
    },
  }
}

type Midway = Pick<NonNullable<Header['lastRenewal']>, 'midway'>

/** Bytes: less makes no difference to a disk. */
const WORTH_SAVING = 4096

/** Durable before the request: a process that finds it knows that the token may be spent. */
const markUnanswered = ({ header, grant }: StoredGrant, since: number): StoredGrant => ({
  header: { ...header, unanswered: since },
  grant,
})

export const formatFailure = ({ code, message }: DaypassError) => ({ code, failure: message })

/** Both attempts to store it failed. The hint asks for a login where the old token is spent. */
function createUnkeptError({ name, login }: RenewalSource, error: unknown, isSpent: boolean): DaypassError {
  const why = error instanceof Error ? error.message : String(error)
  return new DaypassError('vault', `${name} was renewed at the server, but could not be kept: ${why}`, {
    hint: isSpent ? (command) => `mend that, then: ${command(login)}` : 'mend that, then try again',
    cause: error,
  })
}

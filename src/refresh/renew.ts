/**
 * The one algorithm that keeps a credential good: read → usable? hand out. Else lock → read again → (another
 * process renewed it? hand that out) → note that a request leaves → renew → keep, synced → hand out. A renewal of two
 * requests keeps what the first one gave before the second one leaves.
 *
 * It knows nothing of OAuth: how to renew is handed in, so logins and derived credentials share it.
 */
import { isoTime } from '../core/duration.ts'
import { type Advice, DaypassError, isDaypassError } from '../core/errors.ts'
import { isUsable, stateOf, timeLeft } from '../core/freshness.ts'
import type { Secret } from '../core/secret.ts'
import type { Credential, Entry, Grant, Host } from '../core/types.ts'
import type { Vault } from '../vault/vault.ts'
import { type Held, type Journal, openJournal, type Steps } from './renewal-journal.ts'

/** How a renewal ended. What was issued is kept before a `problem` is thrown. */
export type Renewed =
  | { entry: Entry; problem?: DaypassError }
  | { failure: 'dead'; why: string }
  | { failure: 'unclear'; why: string }
  /** `unanswered`: nobody knows whether the server acted on the request. */
  | { failure: 'passing'; error: DaypassError; unanswered?: boolean }
  | { failure: 'refused'; error: DaypassError }
  /** The credential that it is made from was refused, though it looked fresh. */
  | { failure: 'parent'; error: DaypassError }

export interface Lease {
  name: string
  vault: Vault
  host: Pick<Host, 'now' | 'terminal' | 'uninterrupted'>
  /** The stated margin of the provider, in milliseconds. */
  margin: number
  /** Gets what the renewal needs, before the lock: nobody holds two. `again`: what it got was refused. */
  prepare?(again: boolean): Promise<void>
  /** One request or two, each with a limit of its own. Called under the lock, at most once. */
  renew(entry: Held, steps: Steps): Promise<Renewed>
  /** Throws where the entry may not be used: bound to another server. Called after each read. */
  admit(entry: Entry): void
  /** What to type when a login is needed. */
  login: Advice
  /** Of what is made and not logged in to: what stands for it until the first one is kept. Never handed out. */
  blank?: Entry & { grant: Grant }
}

export interface Demand {
  /** Milliseconds that must be left. */
  minTtl?: number
  /** Renew even a fresh one; content with a renewal that began after the call. */
  force?: boolean
  /** A token that a server refused although it looked fresh: renewed once, for that very token. */
  rejected?: Secret
}

export interface Taken {
  entry: Entry
  grant: Grant
  /** This call's own renewal, or one it waited for. */
  renewed: boolean
}

export async function take(lease: Lease, demand: Demand = {}): Promise<Taken> {
  const calledAt = lease.host.now()
  const first = await read(lease)
  if (!demand.force && serves(lease, first, demand)) return handOut(first, false)
  // Nothing to renew: no lock, and nothing for anyone to wait for.
  if (!first.header.renewable) return lastResort(lease, first, demand)
  const attempt = () =>
    lease.vault.exclusive(lease.name, 'refresh', () => underLock(lease, demand, first, calledAt))
  for (const again of [false, true]) {
    const settled = (await unprepared(lease, first, demand, again)) ?? (await attempt())
    if (settled !== 'parent') return settled
  }
  throw loginRequired(lease, 'what it is made from is refused')
}

/** What cannot be had for the renewal is as if the renewal itself had failed so. */
async function unprepared(
  lease: Lease,
  held: Held,
  demand: Demand,
  again: boolean,
): Promise<Taken | undefined> {
  try {
    await lease.prepare?.(again)
    return undefined
  } catch (error) {
    if (isDaypassError(error)) return outcomeOf(lease, held, demand, error)
    throw error
  }
}

/** Reads what is kept, and refuses what may not be used. */
async function read(lease: Lease): Promise<Held> {
  const entry = await lease.vault.read(lease.name)
  if (lease.blank && isOutdated(lease.blank, entry)) return tried(lease.blank, entry)
  if (!entry) throw loginRequired(lease, 'nothing is kept for it')
  const { header, grant } = entry
  if (header.loginRequired !== undefined || !grant)
    throw loginRequired(lease, header.loginRequired ?? 'it was logged out')
  lease.admit(entry)
  return { header, grant }
}

/** Nothing there, or made from something else than it would be made from now. */
const isOutdated = (blank: Entry, entry: Entry | undefined) =>
  !entry?.grant || entry.header.madeFrom !== blank.header.madeFrom

/** Of a failure, nothing but that it was is kept: for whoever waits for it. */
function tried({ header, grant }: Held, before: Entry | undefined): Held {
  const lastRenewal = before?.header.lastRenewal
  return { header: { ...header, ...(lastRenewal && { lastRenewal }) }, grant }
}

const isBlank = ({ blank }: Lease, { grant }: Held) => grant === blank?.grant

function serves({ host, margin }: Lease, { header, grant }: Held, { minTtl = 0, rejected }: Demand): boolean {
  return !isRejected(grant, rejected) && isUsable(header, host.now(), margin, minTtl)
}

const isRejected = (grant: Grant, rejected: Secret | undefined) => secretOf(grant.credential).equals(rejected)

const secretOf = (credential: Credential) =>
  credential.kind === 'bearer' ? credential.token : credential.secretAccessKey

const handOut = ({ header, grant }: Held, renewed: boolean): Taken => ({
  entry: { header, grant },
  grant,
  renewed,
})

async function underLock(
  lease: Lease,
  demand: Demand,
  first: Held,
  calledAt: number,
): Promise<Taken | 'parent'> {
  const now = await readOrRescue(lease)
  const last = now.header.lastRenewal
  // Compared with what was there at the call, too: a clock that was set back would share old news for as long.
  const isNew = last?.beganAt !== first.header.lastRenewal?.beganAt
  const sinceCall = last !== undefined && isNew && last.beganAt >= calledAt && !last.midway
  if (sinceCall && last.failure !== undefined) return shared(lease, now, demand, last)
  const others = !secretOf(now.grant.credential).equals(secretOf(first.grant.credential))
  const wanted = demand.force ? sinceCall : others || serves(lease, now, demand)
  // What another process got while we waited is good enough while it lives; its margin was judged there.
  if (wanted && !isRejected(now.grant, demand.rejected) && isAlive(lease, now)) return handOut(now, true)
  return renew(lease, demand, now)
}

const isAlive = ({ host }: Lease, { header }: Held) => timeLeft(header, host.now()) > 0

/** A renewal that was killed may have got as far as sealing its answer. */
async function readOrRescue(lease: Lease): Promise<Held> {
  const held = await read(lease)
  if (held.header.unanswered === undefined || !(await lease.vault.rescue(lease.name))) return held
  return read(lease)
}

async function renew(lease: Lease, demand: Demand, before: Held): Promise<Taken | 'parent'> {
  const beganAt = lease.host.now()
  checkSession(lease, before)
  return lease.host.uninterrupted(async () => {
    const journal = await openJournal(lease, before, beganAt)
    try {
      const renewed = await attempt(lease, journal)
      if ('entry' in renewed) {
        const { entry, problem } = renewed
        const kept = await journal.finish(entry, problem && failed(problem))
        if (problem) throw problem
        return handOut(kept, true)
      }
      if (renewed.failure === 'parent') return 'parent'
      const { held } = journal
      if (renewed.failure === 'dead') return await dead(lease, demand, held, renewed.why)
      const error =
        renewed.failure === 'unclear' ? loginRequired(lease, reason(held, renewed.why)) : renewed.error
      const isLost = renewed.failure === 'passing' && renewed.unanswered === true
      await journal.tell(failed(error), { isLost, isBlank: isBlank(lease, held) })
      return outcomeOf(lease, held, demand, error)
    } finally {
      await journal.close()
    }
  })
}

async function attempt({ renew }: Lease, journal: Journal): Promise<Renewed> {
  try {
    return await renew(journal.held, journal)
  } catch (error) {
    await journal.takeBack()
    throw error
  }
}

/** However often it is renewed, a login may last no longer than that. */
function checkSession(lease: Lease, { header }: Held): void {
  const { sessionExpiresAt, clockOffset = 0 } = header
  if (sessionExpiresAt === undefined || lease.host.now() + clockOffset < sessionExpiresAt) return
  throw loginRequired(lease, `its session ended at ${isoTime(sessionExpiresAt - clockOffset)}`)
}

/** The server says the grant is over. If it still is the one on disk, the identity is marked; nothing is deleted. */
async function dead(lease: Lease, demand: Demand, held: Held, why: string): Promise<Taken> {
  const onDisk = await read(lease)
  if (!held.grant.refreshToken?.equals(onDisk.grant.refreshToken)) {
    if (isAlive(lease, onDisk) && !isRejected(onDisk.grant, demand.rejected)) return handOut(onDisk, true)
  } else {
    const { unanswered: _, ...header } = onDisk.header
    const lost = (header.lostRenewals ?? 0) + (held.header.unanswered === undefined ? 0 : 1)
    const marked = { ...header, loginRequired: reason(held, why), ...(lost > 0 && { lostRenewals: lost }) }
    // Where that fails, others ask the server again; what it said to us holds.
    await lease.vault.write({ ...onDisk, header: marked }).catch(() => undefined)
  }
  throw loginRequired(lease, reason(held, why))
}

/** Why a login is needed: the server's own words, unless its answer to an earlier renewal was lost. */
function reason({ header }: Held, why: string): string {
  if (header.unanswered === undefined) return why
  return `the answer to its renewal of ${isoTime(header.unanswered)} was lost, and the server no longer takes the refresh token that it replaced`
}

const failed = ({ code, message }: DaypassError) => ({ code, failure: message })

/** What another call met while we waited for it is ours, too: nobody asks the server the same again. */
function shared(lease: Lease, held: Held, demand: Demand, { failure, code }: Tried): Taken {
  const advice = code === 'login_required' ? lease.login : undefined
  return outcomeOf(lease, held, demand, new DaypassError(code ?? 'network', failure ?? '', { advice }))
}

type Tried = NonNullable<Entry['header']['lastRenewal']>

function outcomeOf(lease: Lease, held: Held, demand: Demand, error: DaypassError): Taken {
  if (error.code === 'network') return passing(lease, held, demand, error)
  throw error
}

/** Network, 5xx, 429: the old one is handed out while it lives, with one warning; the grant stays. */
function passing(lease: Lease, held: Held, demand: Demand, error: DaypassError): Taken {
  if (demand.force || !isAlive(lease, held) || isRejected(held.grant, demand.rejected)) {
    throw error
  }
  lease.host.terminal.warn(`${lease.name} could not be renewed, using what is left of it: ${error.message}`)
  return handOut(held, false)
}

/** For what cannot be renewed. */
function lastResort(lease: Lease, held: Held, demand: Demand): Taken {
  if (isRejected(held.grant, demand.rejected)) throw loginRequired(lease, 'the server refused its token')
  const state = stateOf(held.header, lease.host.now(), lease.margin)
  if (state === 'valid' && !demand.minTtl) return handOut(held, false)
  throw loginRequired(
    lease,
    isAlive(lease, held) ? 'it is about to expire and cannot be renewed' : 'it expired and cannot be renewed',
  )
}

function loginRequired({ name, login }: Lease, why: string): DaypassError {
  return new DaypassError('login_required', `${name} needs a login: ${why}`, { advice: login })
}

/**
 * The one algorithm that keeps a credential good: read → usable? hand out. Else lock → read again → (another
 * process renewed it? hand that out) → note that a request leaves → renew → keep, synced → hand out. A renewal of two
 * requests keeps what the first one gave before the second one leaves.
 *
 * It knows nothing of OAuth: how to renew is handed in, so logins and derived credentials share it.
 */
import { formatTime } from '../core/duration.ts'
import { type Advice, DaypassError, isDaypassError } from '../core/errors.ts'
import { computeState, computeTimeLeft, isUsable } from '../core/freshness.ts'
import type { Secret } from '../core/secret.ts'
import type { Credential, Entry, Grant, Host, UsableGrant } from '../core/types.ts'
import type { UsableEntry, Vault } from '../vault/vault.ts'
import { fitOutcome } from './fit-answer.ts'
import {
  formatFailure,
  openJournal,
  type RenewalJournal,
  type RenewalSteps,
  type StoredGrant,
} from './renewal-journal.ts'

/** How a renewal ended. What was issued is kept before a `problem` is thrown. */
export type RenewalOutcome =
  | { entry: Entry; problem?: DaypassError }
  | { failure: 'dead'; why: string }
  | { failure: 'unclear'; why: string }
  /** `unanswered`: nobody knows whether the server acted on the request. */
  | { failure: 'passing'; error: DaypassError; unanswered?: boolean }
  | { failure: 'refused'; error: DaypassError }
  /** The credential that it is made from was refused, though it looked fresh. */
  | { failure: 'parent'; error: DaypassError }

export interface RenewalSource {
  name: string
  vault: Vault
  host: Pick<Host, 'now' | 'terminal' | 'deferSignals'>
  /** The stated margin of the provider, in milliseconds. */
  margin: number
  /** Gets what the renewal needs, before the lock: nobody holds two. `again`: what it got was refused. */
  prepare?(again: boolean): Promise<void>
  /** One request or two, each with a limit of its own. Called under the lock, at most once. */
  renew(entry: StoredGrant, steps: RenewalSteps): Promise<RenewalOutcome>
  /** Throws where the entry may not be used: bound to another server. Called after each read. */
  assertUsable(entry: Entry): void
  /** What to type when a login is needed. */
  login: Advice
  /** Of what is made and not logged in to: what stands for it until the first one is kept. Never handed out. */
  placeholder?: Entry & { grant: Grant }
}

export interface CredentialOptions {
  /** Milliseconds that must be left. */
  minTtl?: number
  /** Renew even a fresh one; content with a renewal that began after the call. */
  force?: boolean
  /** A token that a server refused although it looked fresh: renewed once, for that very token. */
  rejected?: Secret
}

export interface RenewResult {
  entry: UsableEntry
  grant: UsableGrant
  /** This call's own renewal, or one it waited for. */
  renewed: boolean
}

export async function renewIfNeeded(
  source: RenewalSource,
  options: CredentialOptions = {},
): Promise<RenewResult> {
  const calledAt = source.host.now()
  const first = await readUsable(source, 'readCredential')
  if (!options.force && isSufficient(source, first, options)) return createRenewResult(first, false)
  // Nothing to renew: no lock, and nothing for anyone to wait for.
  if (!first.header.renewable) return useUnrenewable(source, first, options)
  const renewExclusively = () =>
    source.vault.exclusive(source.name, 'refresh', () => renewUnderLock(source, options, first, calledAt))
  for (const again of [false, true]) {
    const settled = (await prepareRenewal(source, first, options, again)) ?? (await renewExclusively())
    if (settled !== 'parent') return settled
  }
  throw createLoginRequiredError(source, 'what it is made from is refused')
}

/** What cannot be had for the renewal is as if the renewal itself had failed so. */
async function prepareRenewal(
  source: RenewalSource,
  stored: StoredGrant,
  options: CredentialOptions,
  again: boolean,
): Promise<RenewResult | undefined> {
  try {
    await source.prepare?.(again)
    return undefined
  } catch (error) {
    if (isDaypassError(error)) return resolveFailure(source, stored, options, error)
    throw error
  }
}

/** Reads what is kept, or as much as is used of it, and refuses what may not be used. */
async function readUsable(
  source: RenewalSource,
  how: 'read' | 'readCredential' = 'read',
): Promise<StoredGrant> {
  const entry = await source.vault[how](source.name)
  if (source.placeholder && isOutdated(source.placeholder, entry))
    return copyLastRenewal(source.placeholder, entry)
  if (!entry) throw createLoginRequiredError(source, 'nothing is kept for it')
  const { header, grant } = entry
  if (header.loginRequired !== undefined || !grant)
    throw createLoginRequiredError(source, header.loginRequired ?? 'it was logged out')
  source.assertUsable(entry)
  return { header, grant }
}

/** Nothing there, or made from something else than it would be made from now. */
const isOutdated = (placeholder: Entry, entry: Entry | undefined) =>
  !entry?.grant || entry.header.madeFrom !== placeholder.header.madeFrom

/** Of a failure, nothing but that it was is kept: for whoever waits for it. */
function copyLastRenewal({ header, grant }: StoredGrant, before: Entry | undefined): StoredGrant {
  const lastRenewal = before?.header.lastRenewal
  return { header: { ...header, ...(lastRenewal && { lastRenewal }) }, grant }
}

const isPlaceholder = ({ placeholder }: RenewalSource, { grant }: StoredGrant) => grant === placeholder?.grant

function isSufficient(
  { host, margin }: RenewalSource,
  { header, grant }: StoredGrant,
  { minTtl = 0, rejected }: CredentialOptions,
): boolean {
  return !isRejected(grant, rejected) && isUsable(header, host.now(), margin, minTtl)
}

const isRejected = (grant: Grant, rejected: Secret | undefined) =>
  getSecret(grant.credential).equals(rejected)

const getSecret = (credential: Credential) =>
  credential.kind === 'bearer' ? credential.token : credential.secretAccessKey

const createRenewResult = ({ header, grant }: StoredGrant, renewed: boolean): RenewResult => ({
  entry: { header, grant },
  grant,
  renewed,
})

async function renewUnderLock(
  source: RenewalSource,
  options: CredentialOptions,
  first: StoredGrant,
  calledAt: number,
): Promise<RenewResult | 'parent'> {
  const now = await readOrRecover(source)
  const last = now.header.lastRenewal
  // Compared with what was there at the call, too: a clock that was set back would share old news for as long.
  const isNew = last?.beganAt !== first.header.lastRenewal?.beganAt
  const sinceCall = last !== undefined && isNew && last.beganAt >= calledAt && !last.midway
  if (sinceCall && last.failure !== undefined) return reuseOutcome(source, now, options, last)
  const others = !getSecret(now.grant.credential).equals(getSecret(first.grant.credential))
  const wanted = options.force ? sinceCall : others || isSufficient(source, now, options)
  // What another process got while we waited is good enough while it lives; its margin was judged there.
  if (wanted && !isRejected(now.grant, options.rejected) && isAlive(source, now))
    return createRenewResult(now, true)
  return performRenewal(source, options, now)
}

const isAlive = ({ host }: RenewalSource, { header }: StoredGrant) => computeTimeLeft(header, host.now()) > 0

/** A renewal that was killed may have got as far as sealing its answer. */
async function readOrRecover(source: RenewalSource): Promise<StoredGrant> {
  const stored = await readUsable(source)
  if (stored.header.unanswered === undefined || !(await source.vault.recoverPending(source.name)))
    return stored
  return readUsable(source)
}

async function performRenewal(
  source: RenewalSource,
  options: CredentialOptions,
  before: StoredGrant,
): Promise<RenewResult | 'parent'> {
  const beganAt = source.host.now()
  assertSessionActive(source, before)
  return source.host.deferSignals(async () => {
    const journal = await openJournal(source, before, beganAt)
    try {
      const renewed = fitOutcome(source, journal.stored, await tryRenewal(source, journal))
      if ('entry' in renewed) {
        const { entry, problem } = renewed
        const kept = await journal.finish(entry, problem && formatFailure(problem))
        if (problem) throw problem
        return createRenewResult(kept, true)
      }
      if (renewed.failure === 'parent') return 'parent'
      const { stored } = journal
      if (renewed.failure === 'dead') return await markLoginRequired(source, options, stored, renewed.why)
      const error =
        renewed.failure === 'unclear'
          ? createLoginRequiredError(source, explainLoginRequired(stored, renewed.why))
          : renewed.error
      const isLost = renewed.failure === 'passing' && renewed.unanswered === true
      await journal.recordFailure(formatFailure(error), { isLost, isBlank: isPlaceholder(source, stored) })
      return resolveFailure(source, stored, options, error)
    } finally {
      await journal.close()
    }
  })
}

async function tryRenewal({ renew }: RenewalSource, journal: RenewalJournal): Promise<RenewalOutcome> {
  try {
    return await renew(journal.stored, journal)
  } catch (error) {
    await journal.retract()
    throw error
  }
}

/** However often it is renewed, a login may last no longer than that. */
function assertSessionActive(source: RenewalSource, { header }: StoredGrant): void {
  const { sessionExpiresAt, clockOffset = 0 } = header
  if (sessionExpiresAt === undefined || source.host.now() + clockOffset < sessionExpiresAt) return
  throw createLoginRequiredError(source, `its session ended at ${formatTime(sessionExpiresAt - clockOffset)}`)
}

/** The server says the grant is over. If it still is the one on disk, the identity is marked; nothing is deleted. */
async function markLoginRequired(
  source: RenewalSource,
  options: CredentialOptions,
  stored: StoredGrant,
  why: string,
): Promise<RenewResult> {
  const onDisk = await readUsable(source)
  if (!stored.grant.refreshToken?.equals(onDisk.grant.refreshToken)) {
    if (isAlive(source, onDisk) && !isRejected(onDisk.grant, options.rejected))
      return createRenewResult(onDisk, true)
  } else {
    const { unanswered: _, ...header } = onDisk.header
    const lost = (header.lostRenewals ?? 0) + (stored.header.unanswered === undefined ? 0 : 1)
    const marked = {
      ...header,
      loginRequired: explainLoginRequired(stored, why),
      ...(lost > 0 && { lostRenewals: lost }),
    }
    // Where that fails, others ask the server again; what it said to us holds.
    await source.vault.write({ ...onDisk, header: marked }).catch(() => undefined)
  }
  throw createLoginRequiredError(source, explainLoginRequired(stored, why))
}

/** Why a login is needed: the server's own words, unless its answer to an earlier renewal was lost. */
function explainLoginRequired({ header }: StoredGrant, why: string): string {
  if (header.unanswered === undefined) return why
  return `the answer to its renewal of ${formatTime(header.unanswered)} was lost, and the server no longer takes the refresh token that it replaced`
}

/** What another call met while we waited for it is ours, too: nobody asks the server the same again. */
function reuseOutcome(
  source: RenewalSource,
  stored: StoredGrant,
  options: CredentialOptions,
  { failure, code }: LastRenewal,
): RenewResult {
  const advice = code === 'login_required' ? source.login : undefined
  return resolveFailure(
    source,
    stored,
    options,
    new DaypassError(code ?? 'network', failure ?? '', { advice }),
  )
}

type LastRenewal = NonNullable<Entry['header']['lastRenewal']>

function resolveFailure(
  source: RenewalSource,
  stored: StoredGrant,
  options: CredentialOptions,
  error: DaypassError,
): RenewResult {
  if (error.code === 'network') return useWhileAlive(source, stored, options, error)
  throw error
}

/** Network, 5xx, 429: the old one is handed out while it lives, with one warning; the grant stays. */
function useWhileAlive(
  source: RenewalSource,
  stored: StoredGrant,
  options: CredentialOptions,
  error: DaypassError,
): RenewResult {
  if (options.force || !isAlive(source, stored) || isRejected(stored.grant, options.rejected)) {
    throw error
  }
  source.host.terminal.warn(`${source.name} could not be renewed, using what is left of it: ${error.message}`)
  return createRenewResult(stored, false)
}

/** For what cannot be renewed. */
function useUnrenewable(source: RenewalSource, stored: StoredGrant, options: CredentialOptions): RenewResult {
  if (isRejected(stored.grant, options.rejected))
    throw createLoginRequiredError(source, 'the server refused its token')
  const state = computeState(stored.header, source.host.now(), source.margin)
  if (state === 'valid' && !options.minTtl) return createRenewResult(stored, false)
  throw createLoginRequiredError(
    source,
    isAlive(source, stored)
      ? 'it is about to expire and cannot be renewed'
      : 'it expired and cannot be renewed',
  )
}

function createLoginRequiredError({ name, login }: RenewalSource, why: string): DaypassError {
  return new DaypassError('login_required', `${name} needs a login: ${why}`, { advice: login })
}

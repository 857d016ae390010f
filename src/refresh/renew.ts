/**
 * The algorithm that keeps a credential valid. It reads the stored credential and returns it if usable.
 * Otherwise it takes the lock and reads again: if another process renewed it, that result is returned. Else
 * it notes the request, renews, stores the result durably, and returns it. A renewal of two requests stores
 * the result of the first one before the second is sent.
 *
 * It contains no OAuth: the caller passes the renewal, so logins and derived credentials share it.
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

/** The result of a renewal. The issued record is stored before a `problem` is thrown. */
export type RenewalOutcome =
  | { entry: Entry; problem?: DaypassError }
  | { failure: 'dead'; why: string }
  | { failure: 'unclear'; why: string }
  /** `unanswered`: it is unknown whether the server acted on the request. */
  | { failure: 'passing'; error: DaypassError; unanswered?: boolean }
  | { failure: 'refused'; error: DaypassError }
  /** The parent's credential was refused, although it looked fresh. */
  | { failure: 'parent'; error: DaypassError }

export interface RenewalSource {
  name: string
  vault: Vault
  host: Pick<Host, 'now' | 'terminal' | 'deferSignals'>
  /** The margin of the provider, in milliseconds. */
  margin: number
  /** Prepares the renewal before the lock, so no process holds two. `again`: the last result was refused. */
  prepare?(again: boolean): Promise<void>
  /** Sends one or two requests, each with its own time limit. Called under the lock, at most once. */
  renew(entry: StoredGrant, steps: RenewalSteps): Promise<RenewalOutcome>
  /** Throws where the entry must not be used, such as one bound to another server. Called after each read. */
  assertUsable(entry: Entry): void
  /** The command to type when a login is needed. */
  login: Advice
  /** Placeholder for a derived credential that was not issued yet; never returned. */
  placeholder?: Entry & { grant: Grant }
}

export interface CredentialOptions {
  /** The minimum time that must be left, in milliseconds. */
  minTtl?: number
  /** Renew even a fresh credential, unless a renewal began after this call. */
  force?: boolean
  /** A token that a server refused although it looked fresh. It is renewed once, for exactly this token. */
  rejected?: Secret
}

export interface RenewResult {
  entry: UsableEntry
  grant: UsableGrant
  /** Whether this call renewed the credential, or waited for a call that did. */
  renewed: boolean
}

export async function renewIfNeeded(
  source: RenewalSource,
  options: CredentialOptions = {},
): Promise<RenewResult> {
  const calledAt = source.host.now()
  const first = await readUsable(source, 'readCredential')
  if (!options.force && isSufficient(source, first, options)) return createRenewResult(first, false)
  // Without a renewal there is no lock, and no call has to wait.
  if (!first.header.renewable) return useUnrenewable(source, first, options)
  const renewExclusively = () =>
    source.vault.exclusive(source.name, 'refresh', () => renewUnderLock(source, options, first, calledAt))
  for (const again of [false, true]) {
    const settled = (await prepareRenewal(source, first, options, again)) ?? (await renewExclusively())
    if (settled !== 'parent') return settled
  }
  throw createLoginRequiredError(source, 'what it is made from is refused')
}

/** A failure of the preparation counts as a failure of the renewal. */
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

/** Returns whether there is no credential, or one that was made from something else than now. */
const isOutdated = (placeholder: Entry, entry: Entry | undefined) =>
  !entry?.grant || entry.header.madeFrom !== placeholder.header.madeFrom

/** Copies only the last renewal's result, for calls that waited for it. */
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
  // Compares with the state at the call too, because a clock that was set back would make an old result look
  // new.
  const isNew = last?.beganAt !== first.header.lastRenewal?.beganAt
  const sinceCall = last !== undefined && isNew && last.beganAt >= calledAt && !last.midway
  if (sinceCall && last.failure !== undefined) return reuseOutcome(source, now, options, last)
  const others = !getSecret(now.grant.credential).equals(getSecret(first.grant.credential))
  const wanted = options.force ? sinceCall : others || isSufficient(source, now, options)
  // A credential that another process got meanwhile is used while it is valid; that process checked its
  // margin.
  if (wanted && !isRejected(now.grant, options.rejected) && isAlive(source, now))
    return createRenewResult(now, true)
  return performRenewal(source, options, now)
}

const isAlive = ({ host }: RenewalSource, { header }: StoredGrant) => computeTimeLeft(header, host.now()) > 0

/** A killed renewal may already have sealed its response. */
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

/** Throws where the session has ended, which no renewal can extend. */
function assertSessionActive(source: RenewalSource, { header }: StoredGrant): void {
  const { sessionExpiresAt, clockOffset = 0 } = header
  if (sessionExpiresAt === undefined || source.host.now() + clockOffset < sessionExpiresAt) return
  throw createLoginRequiredError(source, `its session ended at ${formatTime(sessionExpiresAt - clockOffset)}`)
}

/** The server ended the grant. The record is marked if it still holds that grant; nothing is deleted. */
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
    // If this fails, other processes ask the server again; the result for this call stays the same.
    await source.vault.write({ ...onDisk, header: marked }).catch(() => undefined)
  }
  throw createLoginRequiredError(source, explainLoginRequired(stored, why))
}

/** Returns the server's reason, unless the response to an earlier renewal was lost. */
function explainLoginRequired({ header }: StoredGrant, why: string): string {
  if (header.unanswered === undefined) return why
  return `the answer to its renewal of ${formatTime(header.unanswered)} was lost, and the server no longer takes the refresh token that it replaced`
}

/** Uses the result of the call that this one waited for, so the server is not asked again. */
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

/** On network errors, 5xx and 429: returns a still valid credential with one warning. The grant stays. */
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

/** Returns or refuses a credential that cannot be renewed. */
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

import { formatTime } from '../core/duration.ts'
import { isDaypassError } from '../core/errors.ts'
import { computeState, computeTimeLeft, type State } from '../core/freshness.ts'
import type { Header, KeyLocation, Method } from '../core/types.ts'
import { assertUsableRecord, findConfiguredKeys } from '../identity/configured-keys.ts'
import type { Definition } from '../identity/definition.ts'
import { checkParents, findCurrentHeader } from './assumed-role.ts'
import {
  buildIdentity,
  type Context,
  findDefaultName,
  getProvider,
  type LoadedIdentity,
  listEnvironmentCredentials,
  loadIdentity,
  mergeConfiguredNames,
  resolveIdentity,
} from './context.ts'
import { type EnvOverride, resolveEnvOverride } from './credential.ts'

/** One identity in `list` and `status`. Times are ISO 8601, or null. New versions only add fields. */
export interface Row {
  name: string
  kind: string
  provider: string
  account: string | null
  principal: string | null
  tenant: string | null
  region: string | null
  state: State
  method: Method | 'environment' | null
  expires_at: string | null
  session_expires_at: string | null
  default: boolean
  active: boolean
  store: KeyLocation['where'] | 'config' | 'environment' | 'aws-login-cache' | null
  /** Number of logins that ended because the answer to a renewal was lost. */
  lost_renewals: number
}

/** A row, and the data for tables and sentences. */
export interface Listed {
  row: Row
  header?: Header
  /** Milliseconds; Infinity where it never expires. */
  timeLeft: number
  /** Why a login is needed. */
  why?: string
}

export interface Listing {
  identities: Listed[]
  /** Records that cannot be read. They stay in place. */
  problems: { name: string; problem: string }[]
  /** A token of the environment that replaces the active identity. */
  envOverride?: EnvOverride
}

/** Lists every identity, the environment's credentials first. Works offline and without the vault's key. */
export async function listIdentities(context: Context): Promise<Listing> {
  const kept = await context.vault.list()
  const problems = kept.flatMap((one) => ('problem' in one ? [one] : []))
  // Read once: reading again per identity would cost a thousand files.
  const headers = new Map(kept.flatMap((one) => ('header' in one ? [[one.name, one.header]] : [])))
  const readable = mergeConfiguredNames(context, [...headers.keys()]).filter((name) =>
    problems.every((problem) => problem.name !== name),
  )
  const chosen = findDefaultOrProblem(context)
  problems.push(...chosen.problems)
  const active = await findActiveName(context)
  const marked = { active, default: chosen.name }
  const identities = listEnvironmentRows(context, active)
  for (const name of readable) {
    const one = await buildIdentity(context, name, headers.get(name))
      .then((identity) => buildListedIdentity(context, identity, marked))
      .catch((error: unknown) => describeProblem(name, error))
    if ('problem' in one) problems.push(one)
    else identities.push(one)
  }
  const standIn = await ignoreDaypassErrors(resolveEnvOverride(context))
  return { identities, problems, ...(standIn && { envOverride: standIn }) }
}

/** Describes an identity with a wrong definition, so that the others are still listed. */
function describeProblem(name: string, error: unknown): { name: string; problem: string } {
  if (isDaypassError(error)) return { name, problem: error.message }
  throw error
}

/** Returns the default, or the problem with it, so that the identities are still listed. */
function findDefaultOrProblem(context: Context): { name?: string; problems: Listing['problems'] } {
  try {
    const identity = findDefaultName(context)?.identity
    return { ...(identity !== undefined && { name: identity }), problems: [] }
  } catch (error) {
    return { problems: [describeProblem('(default)', error)] }
  }
}

/** Returns the current identity, or undefined for none; other verbs report that. */
export async function findActiveName(context: Context): Promise<string | undefined> {
  const resolved = await ignoreDaypassErrors(resolveIdentity(context))
  if (!resolved) return undefined
  return 'identity' in resolved ? resolved.identity : '(environment)'
}

const ignoreDaypassErrors = <T>(answer: Promise<T>) =>
  answer.catch((error: unknown): undefined => {
    if (!isDaypassError(error)) throw error
  })

/** Returns the row of one identity. */
export async function getListedIdentity(context: Context, name: string, active?: string): Promise<Listed> {
  return buildListedIdentity(context, await loadIdentity(context, name), {
    active,
    default: findDefaultOrProblem(context).name,
  })
}

interface ListMarks {
  active: string | undefined
  default: string | undefined
}

function buildListedIdentity(
  context: Context,
  { definition, header: kept }: LoadedIdentity,
  marked: ListMarks,
): Listed {
  const { name, provider, params } = definition
  const now = context.host.now()
  const inConfig = findConfiguredKeys(context.host, definition) !== undefined
  const header = definition.parent ? findCurrentHeader(definition, kept) : kept
  const { state, why } = inConfig
    ? { state: 'valid' as const, why: undefined }
    : definition.parent
      ? computeDerivedState(context, definition, header)
      : computeOwnState(context, definition, header)
  const iso = (time: number | undefined) =>
    time === undefined ? null : formatTime(time - (header?.clockOffset ?? 0))
  const row: Row = {
    name,
    kind: definition.kind,
    provider: provider.id,
    account: header?.account?.account ?? null,
    principal: header?.account?.principal ?? null,
    tenant: params.tenant ?? null,
    region: params.region ?? null,
    state,
    method: inConfig ? 'keys' : definition.parent ? 'derived' : header?.key ? header.method : null,
    expires_at: iso(header?.expiresAt),
    session_expires_at: iso(header?.sessionExpiresAt),
    default: marked.default === name,
    active: marked.active === name,
    store: inConfig ? 'config' : describeStore(header),
    lost_renewals: header?.lostRenewals ?? 0,
  }
  const reason = why ?? (inConfig ? undefined : header?.loginRequired)
  return {
    row,
    ...(header && { header }),
    timeLeft: inConfig ? Number.POSITIVE_INFINITY : header ? computeTimeLeft(header, now) : 0,
    ...(reason !== undefined && { why: reason }),
  }
}

function describeStore(header: Header | undefined): Row['store'] {
  if (header?.key && header.home) return header.home.kind as Row['store']
  return header?.key?.where ?? (header ? null : 'config')
}

interface IdentityState {
  state: State
  /** Why the stored credential must not be used. */
  why?: string | undefined
}

function computeOwnState(
  { host }: Context,
  definition: Definition,
  header: Header | undefined,
): IdentityState {
  const why = header && findLoginReason(() => assertUsableRecord(definition, header))
  if (!header || why !== undefined) return { state: 'login_required', why }
  return { state: computeState(header, host.now(), definition.provider.tokens.refresh.margin) }
}

/** Computes the state of a derived identity: it can be made while its parent is valid or can be renewed. */
function computeDerivedState(
  context: Context,
  definition: Definition,
  header: Header | undefined,
): IdentityState {
  const { name, provider, parent } = definition
  const orphaned = findLoginReason(() => checkParents(definition))
  if (orphaned !== undefined) return { state: 'login_required', why: orphaned }
  if (header && computeState(header, context.host.now(), provider.tokens.refresh.margin) === 'valid')
    return { state: 'valid' }
  const { row, why } = buildListedIdentity(context, parent!, { active: undefined, default: undefined })
  if (row.state === 'valid' || row.state === 'stale') return { state: 'stale' }
  return {
    state: 'login_required',
    why:
      why ??
      `${name} is made from ${row.name}, which ${row.state === 'expired' ? 'expired' : 'needs a login'}`,
  }
}

function findLoginReason(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (isDaypassError(error, 'login_required')) return error.message
    throw error
  }
}

function listEnvironmentRows(context: Context, active: string | undefined): Listed[] {
  return listEnvironmentCredentials(context).map(({ provider, whole }, index) => ({
    row: buildEnvironmentRow(
      getProvider(context, provider).kind,
      provider,
      whole?.account ?? null,
      active === '(environment)' && index === 0,
    ),
    timeLeft: Number.POSITIVE_INFINITY,
  }))
}

function buildEnvironmentRow(kind: string, provider: string, account: string | null, active: boolean): Row {
  const nothing = {
    principal: null,
    tenant: null,
    region: null,
    expires_at: null,
    session_expires_at: null,
  }
  return {
    name: '(environment)',
    kind,
    provider,
    account,
    ...nothing,
    state: 'valid',
    method: 'environment',
    default: false,
    active,
    store: 'environment',
    lost_renewals: 0,
  }
}

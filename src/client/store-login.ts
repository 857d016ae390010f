/** Stores a successful login, or revokes it. A replaced grant is revoked too. */
import { DaypassError, isDaypassError, isUnreadableRecord } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import type { Account, Entry, Header, KeyLocation } from '../core/types.ts'
import { assertNoStrayVariable, type Definition, findStrayVariable } from '../identity/definition.ts'
import type { NewRecord } from '../login/stages.ts'
import { revoke, revokeIssued } from '../oauth/revoke.ts'
import { createTooLargeError, fitGrant } from '../refresh/fit-answer.ts'
import {
  buildDefinition,
  type Context,
  findCurrentProvider,
  findDefaultName,
  getProvider,
  getRecordProvider,
  listEnvironmentCredentials,
  listKnownNames,
} from './context.ts'
import { buildGrantContext, pickIssuedTokens } from './credential.ts'
import { deleteExpiredPending } from './expire-pending.ts'
import { hasStaticKeys, type NamedRecord, nameByAccount } from './login-name.ts'
import { inheritExternalStore, leaveExternalStore } from './move-grant.ts'

export interface LoginOutcome {
  header: Header
  default: 'made' | 'already' | 'no'
  store: KeyLocation['where']
}

interface LoginToStore extends NewRecord, NamedRecord {
  /** It gets its name from its account. */
  unnamed?: boolean | undefined
  options: { force?: boolean; setDefault?: boolean }
}

export async function storeLogin(context: Context, login: LoginToStore): Promise<LoginOutcome> {
  const { options, unnamed, settle } = login
  const { force = false, setDefault = false } = options
  let record: NamedRecord = login
  let replaced: Entry | undefined
  try {
    record = fitRecord(context, login)
    if (unnamed) record = await nameByAccount(context, record.entry)
    if (unnamed && !force) await checkNameHolder(context, record)
    if (!force) await checkSameAccount(context, record)
    replaced = await replaceRecord(context, record, force)
  } catch (error) {
    await settle?.('failed')
    await revokeUnstored(login)
    throw error
  }
  const { entry } = record
  await settle?.('kept')
  if (replaced) await revokeReplaced(context, replaced, entry)
  const { where } = await context.vault.location()
  const { name } = entry.header
  const isDefault = await becomeDefault(context, entry.header, setDefault).catch((error: unknown) => {
    if (!isDaypassError(error)) throw error
    context.host.terminal.warn(`${name} is logged in, but could not become the default: ${error.message}`)
    return 'no' as const
  })
  // The key is available now, so expired logins can be deleted.
  await deleteExpiredPending(context).catch(() => undefined)
  return { header: entry.header, default: isDefault, store: where }
}

/** What makes it too large to be kept is left out, and said. */
function fitRecord({ host, vault }: Context, record: NamedRecord): NamedRecord {
  const { header, grant } = record.entry
  if (!grant) return record
  const { name } = header
  const fitting = fitGrant(vault, grant, (what) => host.terminal.warn(`${name} is logged in without ${what}`))
  if (!fitting) throw createTooLargeError(name)
  return { ...record, entry: { header, grant: fitting } }
}

async function revokeUnstored({ entry: { grant }, context: party }: NewRecord): Promise<void> {
  if (party && grant) await revokeIssued(party, pickIssuedTokens(grant))
}

/** Checks whether a name that was found only now belongs to something else. */
async function checkNameHolder(context: Context, { entry: { header }, before }: NamedRecord): Promise<void> {
  const { name, provider, method } = header
  const holder = findCurrentProvider(context, name, before)?.id ?? provider
  if (holder !== provider) await confirmReplacement(context, { name }, `${name} is an identity of ${holder}`)
  if (hasStaticKeys(before) && method !== 'keys')
    await confirmReplacement(context, { name }, `${name} has static keys`)
  if (before && holder === provider)
    await confirmStrayVariable(context, { name, provider: getProvider(context, provider) }, before)
}

/** A variable of the environment leads elsewhere than before. That a person is asked on a terminal makes it theirs. */
export async function confirmStrayVariable(
  context: Context,
  { name, provider }: Pick<Definition, 'name' | 'provider'>,
  before: Header,
): Promise<void> {
  const kept = buildDefinition(context, name, provider, { header: before })
  const stray = findStrayVariable(kept, before)
  if (!stray) return
  if (!context.host.terminal.interactive) assertNoStrayVariable(kept, before, ['--force'])
  await confirmReplacement(
    context,
    { name },
    `${stray.variable} leads to ${sanitize(stray.host)}, which is not where ${name} was logged in`,
  )
}

/** Throws unless forced where the stored grant belongs to another account. */
async function checkSameAccount(context: Context, { entry: { header }, before }: NamedRecord): Promise<void> {
  if (!isOtherAccount(before?.account, header.account)) return
  const who = ({ account }: Header) => sanitize(account?.account ?? account?.principal)
  const { name } = header
  await confirmReplacement(
    context,
    { name },
    `${name} belongs to ${who(before!)}, and ${who(header)} logged in`,
  )
}

/** Compares the server's id, else the visible name. Unknown accounts count as the same. */
function isOtherAccount(was: Account = {}, is: Account = {}): boolean {
  const differ = (a: string | undefined, b: string | undefined) =>
    a !== undefined && b !== undefined && a !== b
  const sameKind = was.principal !== undefined && is.principal !== undefined
  return sameKind ? differ(was.principal, is.principal) : differ(was.account, is.account)
}

export async function confirmReplacement(
  { host }: Context,
  { name }: { name: string },
  because: string,
): Promise<void> {
  if (host.terminal.interactive && (await host.terminal.confirm(`${because}. Replace it?`))) return
  if (host.terminal.interactive) throw new DaypassError('cancelled', `${name} was left as it was`)
  throw new DaypassError('usage', because, {
    hint: 'give the new one a name of its own with --name, or replace this one with --force',
  })
}

/** Returns the replaced record. Replaces only `before`, as the person agreed, and no newer login. */
async function replaceRecord(
  context: Context,
  { entry, before }: NamedRecord,
  force: boolean,
): Promise<Entry | undefined> {
  const { vault } = context
  const { name } = entry.header
  return vault.exclusive(name, 'login', async () => {
    const old = await readOrQuarantine(context, name)
    const isNew = old?.grant !== undefined && before?.createdAt !== old.header.createdAt
    if (!force && isNew && isOtherAccount(old.header.account, entry.header.account))
      throw createTakenMeanwhileError(name)
    const isSame = !isOtherAccount(old?.header.account, entry.header.account)
    const home = inheritExternalStore(old?.header, isSame && entry.header.renewable)
    await writeLoginRecord(context, addLostRenewals(entry, home, old?.header))
    if (old?.header.home && !home.home) await leaveExternalStore(context, old.header)
    return old
  })
}

/** Warns where a failed write has replaced the record: revoking would leave a dead record. */
async function writeLoginRecord({ vault, host }: Context, entry: Entry): Promise<void> {
  const { name, createdAt } = entry.header
  try {
    await vault.write(entry)
  } catch (error) {
    const there = await vault.header(name).catch(() => undefined)
    if (!isDaypassError(error) || there?.createdAt !== createdAt) throw error
    host.terminal.warn(`${name} is logged in, but not for certain after a power cut: ${error.message}`)
  }
}

/** Keeps the count of lost renewals, which a login cannot undo. */
const addLostRenewals = (
  { header, grant }: Entry,
  home: Pick<Header, 'home'>,
  { lostRenewals }: Partial<Header> = {},
): Entry => ({
  header: { ...header, ...home, ...(lostRenewals !== undefined && { lostRenewals }) },
  ...(grant && { grant }),
})

const createTakenMeanwhileError = (name: string) =>
  new DaypassError('usage', `somebody else logged in to ${name} meanwhile`, {
    hint: 'give this one a name of its own with --name, or replace that one with --force',
  })

/** Revokes the replaced grant after the new one is stored, so that one exists at every moment. */
async function revokeReplaced(context: Context, { header, grant }: Entry, by: Entry): Promise<void> {
  const provider = getRecordProvider(context, header)
  const before = grant?.refreshToken
  if (!before || before.equals(by.grant?.refreshToken) || provider.tokens.revocationEndsGrant) return
  const definition = buildDefinition(context, header.name, provider, { header })
  const { outcome } = await revoke(
    buildGrantContext(context.host, definition, { header }),
    before,
    'refresh_token',
  )
  if (outcome !== 'failed') return
  context.host.terminal.warn(`the login that ${header.name} had before could not be revoked`)
}

/** Moves an unreadable record aside, only on a login to that name. Nothing is deleted. */
async function readOrQuarantine({ vault, host }: Context, name: string): Promise<Entry | undefined> {
  try {
    return await vault.read(name)
  } catch (error) {
    if (!isUnreadableRecord(error)) throw error
    const path = await vault.quarantine(name)
    host.terminal.warn(`the record of ${name} could not be read (${error.message}); it lies in ${path} now`)
    // Where the grant is in an external store, only the grant was unreadable.
    return vault.read(name).catch(() => undefined)
  }
}

async function becomeDefault(
  context: Context,
  { name, provider }: Header,
  wanted: boolean,
): Promise<LoginOutcome['default']> {
  const { choices } = context
  if (findDefaultName(context)?.identity === name) return 'already'
  const only = (await listKnownNames(context)).every((other) => other === name)
  if (!wanted && !(only && listEnvironmentCredentials(context).every((one) => one.provider !== provider)))
    return 'no'
  await choices.writeDefault(name)
  return 'made'
}

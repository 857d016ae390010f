import { DaypassError, type FormatCommand, isDaypassError } from '../core/errors.ts'
import { assertTlsChecked } from '../core/tls.ts'
import type { Entry, Header } from '../core/types.ts'
import { createDefinition, type Definition } from '../identity/definition.ts'
import { type Revocation, revokeIssued } from '../oauth/revoke.ts'
import { dropDerivedIdentities } from './assumed-role.ts'
import { type Context, getRecordProvider, loadIdentity } from './context.ts'
import { buildGrantContext, pickIssuedTokens } from './credential.ts'

export interface LogoutOptions {
  /** Do not ask the server. */
  localOnly?: boolean
  /** Only report what would be done. */
  dryRun?: boolean
}

export interface LogoutOutcome {
  identity: string
  /** `none`: nothing was stored. `skipped`: `localOnly`. */
  revocation: Revocation | { outcome: 'none' } | { outcome: 'skipped' }
  /** It was the default, which is removed too. */
  wasDefault: boolean
  /** It never expires: a credential that is not revoked stays valid at the server. */
  endless?: true
  /** The identity that it was derived from, and can be derived from again. */
  derivedFrom?: string
  /** Derived identities that were deleted with it. */
  dropped?: readonly string[]
}

/**
 * Ends a grant: revokes it at the server where possible and deletes it here in every case. The definition
 * stays, so that `login NAME` needs no flags.
 */
export async function logout(
  context: Context,
  name: string,
  options: LogoutOptions = {},
): Promise<LogoutOutcome> {
  const { vault, choices } = context
  const { header, definition } = await loadIdentity(context, name)
  if (header?.method === 'keys' && header.key) throw createStaticKeysError(name)
  if (!header?.key) return { identity: name, revocation: { outcome: 'none' }, wasDefault: false }
  if (options.dryRun) {
    return {
      identity: name,
      revocation: predictRevocation(header, options),
      wasDefault: choices.readDefault() === name,
    }
  }
  if (!options.localOnly) assertTlsChecked(context.host.env)
  const ended = () =>
    endGrant(context, name, options, async (entry) => {
      // The process that held the lock before may have logged in again, or removed the record.
      if (definition.parent) await vault.remove(name)
      else if (entry) await forgetGrant(context, isDaypassError(entry) ? header : entry.header)
    })
  const outcome = await dropDerivedAfter(context, name, vault.exclusive(name, 'logout', ended))
  const { parent } = definition
  return {
    ...outcome,
    ...(header.expiresAt === undefined && { endless: true }),
    ...(parent && { derivedFrom: parent.definition.name }),
  }
}

/** Marks, revokes, deletes: after a kill in between it stays unused, and a new logout ends it. */
async function endGrant(
  context: Context,
  name: string,
  options: LogoutOptions,
  end: (entry: Entry | undefined | DaypassError) => Promise<void>,
): Promise<LogoutOutcome> {
  const entry = await readEntryOrError(context, name)
  let revocation: LogoutOutcome['revocation'] | undefined
  try {
    await markLoggedOut(context, entry)
    revocation = await revokeGrant(context, entry, options)
    // Done before the record is deleted: a later logout could no longer clear the default.
    return { identity: name, revocation, wasDefault: await clearDefault(context, name) }
  } finally {
    await end(entry).catch((error: unknown) => {
      throw wrapRemovalError(name, revocation, error)
    })
  }
}

function wrapRemovalError(
  name: string,
  revocation: { outcome: string } | undefined,
  cause: unknown,
): unknown {
  if (!isDaypassError(cause)) return cause
  const revoked = revocation?.outcome === 'revoked' ? 'was revoked at the server, but ' : ''
  const { code, message, hint: next } = cause
  const hint = next && ((command: FormatCommand) => cause.hintWith(command) ?? next)
  return new DaypassError(code, `${name} ${revoked}could not be removed here: ${message}`, { hint, cause })
}

/** Writes the mark. If the disk is full, a renewal cannot write either, so the failure is ignored. */
async function markLoggedOut({ vault }: Context, entry: Entry | undefined | DaypassError): Promise<void> {
  if (entry === undefined || isDaypassError(entry) || !entry.grant) return
  const header = { ...entry.header, loginRequired: 'its logout was cut off' }
  await vault.write({ ...entry, header }).catch(() => undefined)
}

/** Reads the default again, since it may have changed during the wait. A failure does not stop the logout. */
async function clearDefault({ choices, host }: Context, name: string): Promise<boolean> {
  try {
    const wasDefault = choices.readDefault() === name
    if (wasDefault) await choices.writeDefault(undefined)
    return wasDefault
  } catch (error) {
    if (!isDaypassError(error)) throw error
    host.terminal.warn(`${name} may still be the default: ${error.message}`)
    return false
  }
}

const createStaticKeysError = (name: string) =>
  new DaypassError('usage', `${name} has static keys, and there is nothing to log out of`, {
    advice: { verb: 'remove', identity: name },
  })

function predictRevocation({ endpoints }: Header, { localOnly }: LogoutOptions): LogoutOutcome['revocation'] {
  if (localOnly) return { outcome: 'skipped' }
  return endpoints?.revocation ? { outcome: 'revoked' } : { outcome: 'unsupported' }
}

/** Returns the error for a record that cannot be opened: it cannot be revoked, but it can be deleted. */
async function readEntryOrError({ vault }: Context, name: string): Promise<Entry | undefined | DaypassError> {
  try {
    await vault.recoverPending(name)
    return await vault.read(name)
  } catch (error) {
    if (isDaypassError(error)) return error
    throw error
  }
}

async function revokeGrant(
  context: Context,
  entry: Entry | undefined | DaypassError,
  { localOnly }: LogoutOptions,
): Promise<LogoutOutcome['revocation']> {
  if (isDaypassError(entry)) return { outcome: 'failed', why: entry.message }
  if (localOnly) return { outcome: 'skipped' }
  if (!entry?.grant) return { outcome: 'none' }
  const party = buildGrantContext(context.host, await buildDefinitionAnyway(context, entry.header), entry)
  return revokeIssued(party, pickIssuedTokens(entry.grant))
}

/** Builds the definition from the record where the configuration is wrong, so logout still works. */
async function buildDefinitionAnyway(context: Context, header: Header): Promise<Definition> {
  try {
    return (await loadIdentity(context, header.name)).definition
  } catch (error) {
    if (!isDaypassError(error)) throw error
    const provider = getRecordProvider(context, header)
    return createDefinition(header.name, provider, { env: context.host.env, stored: header })
  }
}

/** Deletes the grant and keeps the definition. On a full disk it replaces the record in place. */
async function forgetGrant({ vault }: Context, header: Header): Promise<void> {
  const {
    key: _,
    issuedAt: __,
    expiresAt: ___,
    sessionExpiresAt: ____,
    lastRenewal: _____,
    unanswered: ______,
    madeFrom: _______,
    ...definition
  } = header
  const left: Header = { ...definition, renewable: false, loginRequired: 'it was logged out' }
  const writeDefinition = () => vault.write({ header: left })
  await writeDefinition().catch(async () => {
    await vault.remove(header.name)
    await writeDefinition().catch(() => undefined)
  })
}

/** Deletes derived credentials after a logout, even where the logout failed. */
async function dropDerivedAfter(
  context: Context,
  name: string,
  ending: Promise<LogoutOutcome>,
): Promise<LogoutOutcome> {
  try {
    const outcome = await ending
    const dropped = await dropDerivedIdentities(context, name)
    return { ...outcome, ...(dropped.length > 0 && { dropped }) }
  } catch (error) {
    await dropDerivedIdentities(context, name)
    throw error
  }
}

/** Deletes the record completely, after revoking what can be revoked. */
export async function removeIdentity(context: Context, name: string): Promise<LogoutOutcome> {
  const { vault, config } = context
  const kept = (await vault.list()).some((listed) => listed.name === name)
  if (!kept) {
    const { definition } = await loadIdentity(context, name)
    const where = config.auth?.identities?.[name] ? 'in config.yaml, and only there' : 'nowhere'
    throw new DaypassError('not_found', `${definition.name} is kept ${where}`, {
      hint: 'delete it in config.yaml',
    })
  }
  assertTlsChecked(context.host.env)
  const ended = () => endGrant(context, name, {}, async () => void (await vault.remove(name)))
  return dropDerivedAfter(context, name, vault.exclusive(name, 'remove', ended))
}

import { DaypassError, type FormatCommand, isDaypassError } from '../core/errors.ts'
import { assertTlsChecked } from '../core/tls.ts'
import type { Entry, Header } from '../core/types.ts'
import { createDefinition, type Definition } from '../identity/definition.ts'
import { type Revocation, revokeIssued } from '../oauth/revoke.ts'
import { dropDerivedIdentities } from './assumed-role.ts'
import { type Context, getRecordProvider, loadIdentity } from './context.ts'
import { buildGrantContext, pickIssuedTokens } from './credential.ts'

export interface LogoutOptions {
  /** Ask nothing of the server. */
  localOnly?: boolean
  /** Only say what would be done. */
  dryRun?: boolean
}

export interface LogoutOutcome {
  identity: string
  /** `none`: nothing was kept. `skipped`: `localOnly`. */
  revocation: Revocation | { outcome: 'none' } | { outcome: 'skipped' }
  /** It was the default, which is gone with it. */
  wasDefault: boolean
  /** It has no end of its own: what is not revoked lives on at the server. */
  endless?: true
  /** Whose credential it was made from, and can be made from again. */
  derivedFrom?: string
  /** What was made from it, and is gone with it. */
  dropped?: readonly string[]
}

/**
 * Ends a grant: revoked at the server where that is possible, removed here in every case. What remains is the
 * definition, so that `login NAME` needs no flags.
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
      // Whoever held the lock before us may have logged in anew, or removed it.
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

/** Marked, revoked, gone, in this order: killed in between, nobody uses it any more, and logging out again ends it. */
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
    // Before the rest is gone: a default that names nobody could not be cleared by doing all this again.
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

/** Where there is no room for the mark, there is none for anything that would need it. */
async function markLoggedOut({ vault }: Context, entry: Entry | undefined | DaypassError): Promise<void> {
  if (entry === undefined || isDaypassError(entry) || !entry.grant) return
  const header = { ...entry.header, loginRequired: 'its logout was cut off' }
  await vault.write({ ...entry, header }).catch(() => undefined)
}

/** It may have become the default, or ceased to be, while we waited. What hinders that keeps no grant alive. */
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

/** A record that cannot be opened cannot be revoked, but it can be forgotten. */
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

/** What ends a grant must work when the configuration is wrong, too: then the record alone says what it was. */
async function buildDefinitionAnyway(context: Context, header: Header): Promise<Definition> {
  try {
    return (await loadIdentity(context, header.name)).definition
  } catch (error) {
    if (!isDaypassError(error)) throw error
    const provider = getRecordProvider(context, header)
    return createDefinition(header.name, provider, { env: context.host.env, stored: header })
  }
}

/** The definition stays. Where there is no room for it beside the record, there may be in its place. */
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

/** Whatever became of the parent, nobody goes on through what was made from it. */
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

/** Deletes the record altogether, revoking first what can be. */
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

/** Makes credentials from another identity's: sealed, renewed alike, deleted with their parent. */
import { createHash } from 'node:crypto'
import { type Advice, DaypassError, isDaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { Entry, Grant, Header, KeysCredential } from '../core/types.ts'
import { createRefusedKeysError, findConfiguredKeys } from '../identity/configured-keys.ts'
import type { Definition } from '../identity/definition.ts'
import { applyTimes } from '../refresh/oauth.ts'
import type { CredentialOptions, RenewalOutcome, RenewalSource } from '../refresh/renew.ts'
import type { StoredGrant } from '../refresh/renewal-journal.ts'
import { assumeConfiguredRole, type RoleOptions } from '../sts/assume-role.ts'
import { createTokenService } from '../sts/caller-identity.ts'
import type { StsRefusal } from '../sts/request.ts'
import { type Context, findIdentityConfig, listKnownNames } from './context.ts'

/** Returns the keys of an identity. Called before the child's lock is taken: no process holds two locks. */
export type GetKeys = (definition: Definition, demand: CredentialOptions) => Promise<KeysCredential>

export function createDerivedSource(
  context: Context,
  definition: Definition,
  getKeys: GetKeys,
): RenewalSource {
  const { vault, host } = context
  const { name, provider } = definition
  const parent = definition.parent!.definition
  let keys: KeysCredential | undefined
  const noted = new Set<string>()
  const note = (text: string) => {
    if (!noted.has(text)) host.terminal.warn(text)
    noted.add(text)
  }
  return {
    name,
    vault,
    host,
    margin: provider.tokens.refresh.margin,
    login: adviseLogin(findRootDefinition(definition)),
    placeholder: createPlaceholder(context, definition),
    assertUsable: () => checkParents(definition),
    async prepare(rejected) {
      keys = await getKeys(parent, rejected && keys ? { rejected: keys.secretAccessKey } : {})
    },
    renew: ({ header }) => renewRole(context, definition, { keys: keys!, header, note }),
  }
}

const adviseLogin = ({ name }: Definition): Advice => ({ verb: 'login', identity: name })

/** Returns the identity at the end of the chain, which a person logs in to. */
function findRootDefinition(definition: Definition): Definition {
  return definition.parent ? findRootDefinition(definition.parent.definition) : definition
}

/** Throws `login_required` where a parent is logged out: its children must not be used any more. */
export function checkParents({ name, parent }: Definition): void {
  if (!parent) return
  const { definition, header } = parent
  if (definition.parent) checkParents(definition)
  if (definition.parent || definition.keys) return
  if (header?.key && header.loginRequired === undefined) return
  const why = header?.loginRequired ?? 'nobody has logged in to it'
  throw new DaypassError('login_required', `${name} needs a login of ${definition.name}: ${why}`, {
    advice: adviseLogin(definition),
  })
}

async function renewRole(
  { host }: Context,
  definition: Definition,
  renewal: Omit<RoleRenewal, 'chained'>,
): Promise<RenewalOutcome> {
  const renewed = await requestRole(host, definition, {
    ...renewal,
    chained: isRoleSession(definition.parent!),
  })
  return 'code' in renewed ? convertStsRefusal(host, definition, renewed) : renewed
}

/** Renews a role whose keys are stored beside it. It has no parent and needs no person. */
export async function renewOwnRole(
  { host }: Context,
  definition: Definition,
  { header, grant }: StoredGrant,
): Promise<RenewalOutcome> {
  const keys = grant.longTerm!
  const chained = keys.sessionToken !== undefined
  const renewed = await requestRole(host, definition, { keys, header, chained, note: () => undefined })
  if ('entry' in renewed) return { entry: { ...renewed.entry, grant: { ...grant, ...renewed.entry.grant } } }
  if (!('code' in renewed)) return renewed
  const { error } = renewed
  if (error.code === 'network') return { failure: 'passing', error }
  return {
    failure: 'refused',
    error: createRefusedKeysError(definition, error, (command) => command(adviseLogin(definition))),
  }
}

interface RoleRenewal extends Pick<RoleOptions, 'chained' | 'note'> {
  keys: KeysCredential
  /** The stored record of the role. */
  header: Header
}

async function requestRole(
  host: Context['host'],
  definition: Definition,
  { keys, header, ...wish }: RoleRenewal,
): Promise<RenewalOutcome | StsRefusal> {
  const { name, params, endpoints, provider } = definition
  const at = createTokenService(endpoints, params, header.clockOffset)
  const outcome = await assumeConfiguredRole(host, at, keys, { name, params, ...wish }).catch(
    convertNetworkError,
  )
  if ('failure' in outcome) return outcome
  if ('refusal' in outcome) return outcome.refusal
  const { credential, arn } = outcome.value
  const made = { ...header, account: provider.account.read({ sub: arn }), renewable: true }
  return { entry: { header: applyTimes(made, credential, outcome.clockOffset), grant: { credential } } }
}

/** Returns a network error as passing: the request consumes nothing, so it can be repeated. */
function convertNetworkError(error: unknown): RenewalOutcome & { failure: 'passing' } {
  if (isDaypassError(error, 'network')) return { failure: 'passing', error }
  throw error
}

function convertStsRefusal(
  host: Context['host'],
  definition: Definition,
  { isExpired: isOver, error }: StsRefusal,
): RenewalOutcome {
  const parent = definition.parent!.definition
  if (error.code === 'network') return { failure: 'passing', error }
  if (error.code !== 'login_required') return { failure: 'refused', error }
  // Configured keys do not change; all others may have been renewed, or can be.
  if (isOver && !findConfiguredKeys(host, parent)) return { failure: 'parent', error }
  return {
    failure: 'refused',
    error: createRefusedKeysError(parent, error, (command) =>
      command(adviseLogin(findRootDefinition(parent))),
    ),
  }
}

/** Returns whether the keys are a role's own, or those of a sign-in, which belong to a session. */
function isRoleSession({ definition, header }: NonNullable<Definition['parent']>): boolean {
  return definition.parent !== undefined || (header?.method !== 'keys' && definition.keys === undefined)
}

const NEVER = 0

/** Placeholder for a derived credential that was not issued yet; it is expired and never returned. */
function createPlaceholder({ host }: Context, definition: Definition): Entry & { grant: Grant } {
  const { name, provider, kind, params } = definition
  const header: Header = {
    v: 2,
    name,
    kind,
    provider: provider.id,
    params,
    method: 'derived',
    renewable: true,
    issuedAt: NEVER,
    expiresAt: NEVER,
    createdAt: host.now(),
    madeFrom: computeSourceDigest(definition),
  }
  const credential: KeysCredential = {
    kind: 'keys',
    cloud: provider.keys!.cloud,
    accessKeyId: '',
    secretAccessKey: new Secret(''),
    issuedAt: NEVER,
    expiresAt: NEVER,
  }
  return { header, grant: { credential } }
}

/** Returns the stored header where it is still made from the same sources. */
export const findCurrentHeader = (definition: Definition, header: Header | undefined): Header | undefined =>
  header?.key && header.madeFrom === computeSourceDigest(definition) ? header : undefined

/** Computes a digest of all inputs: after another login of the parent, or for another role, it differs. */
function computeSourceDigest({ params, endpoints, parent }: Definition): string {
  const { definition, header } = parent!
  const source = definition.parent
    ? computeSourceDigest(definition)
    : [definition.name, definition.keys?.accessKeyId ?? header?.createdAt]
  const { region: _, ...role } = params
  return createHash('sha256')
    .update(JSON.stringify([source, role, endpoints.sts]))
    .digest('hex')
}

/** Lists the identities that are derived from it, directly or not. */
async function listDerivedIdentities(context: Context, name: string): Promise<string[]> {
  const names = await listKnownNames(context)
  const direct = names.filter((one) => findIdentityConfig(context, one)?.via?.identity === name)
  const further = await Promise.all(direct.map((one) => listDerivedIdentities(context, one)))
  return [...direct, ...further.flat()]
}

/** Deletes derived credentials, each under its own lock, after the parent's lock is released. */
export async function dropDerivedIdentities(context: Context, name: string): Promise<string[]> {
  const { vault } = context
  const dropped: string[] = []
  for (const child of await listDerivedIdentities(context, name)) {
    if (await vault.exclusive(child, 'logout', () => vault.remove(child))) dropped.push(child)
  }
  return dropped
}

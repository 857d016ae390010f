/** Login with static keys: stored unchanged, or, with an MFA device, as a session that its code opens. */
import { parseDuration } from '../core/duration.ts'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { Account, Host, KeysCredential } from '../core/types.ts'
import {
  computeSourceDigest,
  createKeysCredential,
  createRefusedKeysError,
} from '../identity/configured-keys.ts'
import type { Definition } from '../identity/definition.ts'
import { ping } from '../oauth/ping.ts'
import { assumeConfiguredRole } from '../sts/assume-role.ts'
import { createTokenService, identifyCaller } from '../sts/caller-identity.ts'
import { resolveCloud } from '../sts/clouds.ts'
import type { StsOutcome } from '../sts/request.ts'
import { assertAccount } from './account.ts'
import { createIncompleteKeysError, readKeys, type SuppliedKeys } from './read-keys.ts'
import type { LoginTarget, ObtainedLogin } from './stages.ts'

export async function obtainKeys({ host, definition, options }: LoginTarget): Promise<ObtainedLogin> {
  const { mfa_arn, cloud_name } = definition.params
  const configured = definition.keys && createKeysCredential(definition, definition.keys, host.now())
  const own = configured ?? options.kept
  const {
    keys,
    role,
    account: of,
  }: SuppliedKeys = own ? { keys: own } : await readKeys(host, definition, options.form)
  if (role) return obtainRole(host, { ...definition, params: { ...definition.params, ...role } }, keys)
  const owner = await checkOwner(host, definition, keys, of ?? cloud_name)
  const obtained = { host, definition, method: 'keys' as const, ...owner }
  if (mfa_arn === undefined) return { ...obtained, ...(!configured && { grant: { credential: keys } }) }
  const credential = await openMfaSession(host, definition, keys, owner.clockOffset)
  if (!configured) return { ...obtained, grant: { credential, longTerm: keys } }
  return { ...obtained, grant: { credential }, header: { madeFrom: computeSourceDigest(definition)! } }
}

/** Assumes a role and stores the keys with it, so that the next renewal needs no person. */
async function obtainRole(host: Host, definition: Definition, keys: KeysCredential): Promise<ObtainedLogin> {
  const { name, provider, endpoints, params } = definition
  const note = (text: string) => host.terminal.warn(text)
  const wish = { name, params, chained: keys.sessionToken !== undefined, note }
  const at = createTokenService(endpoints, params)
  const { value, clockOffset } = unwrapOutcome(await assumeConfiguredRole(host, at, keys, wish), definition)
  const account = provider.account.read({ sub: value.arn })
  assertAccount(host, definition, account)
  return {
    host,
    definition,
    method: 'keys',
    account,
    grant: { credential: value.credential, longTerm: keys },
    clockOffset,
    header: {
      kind: provider.keys!.role!,
      renewable: true,
      ...(keys.expiresAt !== undefined && { sessionExpiresAt: keys.expiresAt }),
    },
  }
}

interface Owner {
  account: Account
  clockOffset: number
}

/** Returns the account of the keys. `of` is the account that came with the keys. */
async function checkOwner(
  host: Host,
  definition: Definition,
  keys: KeysCredential,
  of: string | undefined,
): Promise<Owner> {
  const { provider, endpoints } = definition
  if (!provider.account.ping && endpoints.sts === undefined)
    return { account: { account: keys.accessKeyId }, clockOffset: 0 }
  const owner = provider.account.ping
    ? await pingOwner(host, definition, keys, of)
    : await fetchOwner(host, definition, keys)
  assertAccount(host, definition, owner.account)
  return owner
}

async function fetchOwner(host: Host, definition: Definition, keys: KeysCredential): Promise<Owner> {
  const at = createTokenService(definition.endpoints, definition.params)
  const { value, clockOffset } = unwrapOutcome(await identifyCaller(host, at, keys), definition)
  return { account: definition.provider.account.read(value), clockOffset }
}

async function pingOwner(
  host: Host,
  definition: Definition,
  keys: KeysCredential,
  of: string | undefined,
): Promise<Owner> {
  const { provider, endpoints } = definition
  if (of === undefined) throw createIncompleteKeysError(provider)
  await ping(host, provider.account.ping!(of, endpoints), keys).catch((error: unknown) => {
    if (!isDaypassError(error, 'login_required')) throw error
    throw createRefusedKeysError(definition, error, OTHER_KEYS_HINT)
  })
  return { account: { account: of }, clockOffset: 0 }
}

const OTHER_KEYS_HINT = 'hand in other keys; what was kept before is as it was'

/** Throws for refused keys. They are not stored, and the stored ones stay. */
function unwrapOutcome<T>(
  outcome: StsOutcome<T>,
  definition: Definition,
): Extract<StsOutcome<T>, { value: T }> {
  if ('value' in outcome) return outcome
  throw createRefusedKeysError(definition, outcome.refusal.error, OTHER_KEYS_HINT)
}

/** Opens a session with an MFA code, where policies refuse the keys without one. */
async function openMfaSession(
  host: Host,
  definition: Definition,
  keys: KeysCredential,
  clockOffset: number,
): Promise<KeysCredential> {
  const { mfa_arn, duration } = definition.params
  const at = createTokenService(definition.endpoints, definition.params, clockOffset)
  const factor = {
    SerialNumber: mfa_arn!,
    TokenCode: await readMfaCode(host, definition),
    DurationSeconds: Math.round(Math.min(parseDuration(duration ?? '12h'), TWELVE_HOURS) / 1000),
  }
  return unwrapOutcome(await resolveCloud(keys).sts.getSessionToken!(host, at, keys, factor), definition)
    .value
}

const TWELVE_HOURS = 12 * 60 * 60_000

async function readMfaCode({ terminal }: Host, { name, params }: Definition): Promise<string> {
  const code = terminal.interactive
    ? (await terminal.readSecret(`Code of ${params.mfa_arn}:`))?.replace(/\s/g, '')
    : undefined
  if (code && /^\d{6}$/.test(code)) return code
  if (terminal.interactive) throw new DaypassError('usage', 'a code has six digits')
  throw new DaypassError(
    'login_required',
    `${name} needs a code of ${params.mfa_arn}, and there is nobody to ask`,
    { hint: (command) => `on a terminal: ${command({ verb: 'login', identity: name })}` },
  )
}

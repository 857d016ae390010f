/** A login by static keys: kept as they are, or, where a device is named, a session that its code opens. */
import { parseDuration } from '../core/duration.ts'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { Account, Host, KeysCredential } from '../core/types.ts'
import { asCredential, madeFromKeys, refusedKeys } from '../identity/configured-keys.ts'
import type { Definition } from '../identity/definition.ts'
import { ping } from '../oauth/ping.ts'
import { takeRole } from '../sts/assume-role.ts'
import { callerOf, tokenService } from '../sts/caller-identity.ts'
import { cloudOf } from '../sts/clouds.ts'
import type { StsOutcome } from '../sts/request.ts'
import { checkAccount } from './account.ts'
import { type HandedIn, incomplete, readKeys } from './read-keys.ts'
import type { LoginTarget, Obtained } from './stages.ts'

export async function obtainKeys({ host, definition, options }: LoginTarget): Promise<Obtained> {
  const { mfa_arn, cloud_name } = definition.params
  const configured = definition.keys && asCredential(definition, definition.keys, host.now())
  const own = configured ?? options.kept
  const { keys, role, of }: HandedIn = own ? { keys: own } : await readKeys(host, definition, options.form)
  if (role) return obtainRole(host, { ...definition, params: { ...definition.params, ...role } }, keys)
  const owner = await checkOwner(host, definition, keys, of ?? cloud_name)
  const obtained = { host, definition, method: 'keys' as const, ...owner }
  if (mfa_arn === undefined) return { ...obtained, ...(!configured && { grant: { credential: keys } }) }
  const credential = await openSession(host, definition, keys, owner.clockOffset)
  if (!configured) return { ...obtained, grant: { credential, longTerm: keys } }
  return { ...obtained, grant: { credential }, header: { madeFrom: madeFromKeys(definition)! } }
}

/** A role, and beside it the keys that it is taken on with: the next time needs no person. */
async function obtainRole(host: Host, definition: Definition, keys: KeysCredential): Promise<Obtained> {
  const { name, provider, endpoints, params } = definition
  const note = (text: string) => host.terminal.warn(text)
  const wish = { name, params, chained: keys.sessionToken !== undefined, note }
  const at = tokenService(endpoints, params)
  const { value, clockOffset } = valueOrRefuse(await takeRole(host, at, keys, wish), definition)
  const account = provider.account.read({ sub: value.arn })
  checkAccount(host, definition, account)
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

/** `of`: the account, where the keys were handed in with it. */
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
    : await readOwner(host, definition, keys)
  checkAccount(host, definition, owner.account)
  return owner
}

async function readOwner(host: Host, definition: Definition, keys: KeysCredential): Promise<Owner> {
  const at = tokenService(definition.endpoints, definition.params)
  const { value, clockOffset } = valueOrRefuse(await callerOf(host, at, keys), definition)
  return { account: definition.provider.account.read(value), clockOffset }
}

async function pingOwner(
  host: Host,
  definition: Definition,
  keys: KeysCredential,
  of: string | undefined,
): Promise<Owner> {
  const { provider, endpoints } = definition
  if (of === undefined) throw incomplete(provider)
  await ping(host, provider.account.ping!(of, endpoints), keys).catch((error: unknown) => {
    if (!isDaypassError(error, 'login_required')) throw error
    throw refusedKeys(definition, error, NOT_KEPT)
  })
  return { account: { account: of }, clockOffset: 0 }
}

const NOT_KEPT = 'hand in other keys; what was kept before is as it was'

/** Keys that are refused are not kept, and what was kept before stays. */
function valueOrRefuse<T>(
  outcome: StsOutcome<T>,
  definition: Definition,
): Extract<StsOutcome<T>, { value: T }> {
  if ('value' in outcome) return outcome
  throw refusedKeys(definition, outcome.refusal.error, NOT_KEPT)
}

/** Policies refuse these keys alone: every use has to show a code of the device. */
async function openSession(
  host: Host,
  definition: Definition,
  keys: KeysCredential,
  clockOffset: number,
): Promise<KeysCredential> {
  const { mfa_arn, duration } = definition.params
  const at = tokenService(definition.endpoints, definition.params, clockOffset)
  const factor = {
    SerialNumber: mfa_arn!,
    TokenCode: await readCode(host, definition),
    DurationSeconds: Math.round(Math.min(parseDuration(duration ?? '12h'), TWELVE_HOURS) / 1000),
  }
  return valueOrRefuse(await cloudOf(keys).sts.sessionToken!(host, at, keys, factor), definition).value
}

const TWELVE_HOURS = 12 * 60 * 60_000

async function readCode({ terminal }: Host, { name, params }: Definition): Promise<string> {
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

/** A login by static keys: kept as they are, or, where a device is named, a session that its code opens. */
import { parseDuration } from '../core/duration.ts'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { Grant, Host, KeysCredential } from '../core/types.ts'
import { asCredential, madeFromKeys, refusedKeys } from '../identity/configured-keys.ts'
import type { Definition } from '../identity/definition.ts'
import { ping } from '../oauth/ping.ts'
import { newEntry } from '../refresh/oauth.ts'
import { takeRole } from '../sts/assume-role.ts'
import { callerOf, tokenService } from '../sts/caller-identity.ts'
import { cloudOf } from '../sts/clouds.ts'
import type { StsOutcome } from '../sts/request.ts'
import { about, caution, strangerTo } from './new-record.ts'
import type { LoggedIn, LoginOptions } from './options.ts'
import { type HandedIn, incomplete, readKeys } from './read-keys.ts'

export async function byKeys(
  host: Host,
  definition: Definition,
  { kept, form }: LoginOptions,
): Promise<LoggedIn> {
  const { mfa_arn } = definition.params
  const configured = definition.keys && asCredential(definition, definition.keys, host.now())
  const own = configured ?? kept
  const { keys, role, of }: HandedIn = own ? { keys: own } : await readKeys(host, definition, form)
  if (role) return byRole(host, definition, keys, role)
  const { account, clockOffset } = await ownerOf(host, definition, keys, of ?? definition.params.cloud_name)
  const header = about(host, definition, undefined, 'keys', account)
  const settle = async () => undefined
  // What stands in the configuration is kept there, and nowhere else.
  if (configured && mfa_arn === undefined)
    return { entry: { header: { v: 1, ...header, renewable: false } }, settle }
  const grant: Grant =
    mfa_arn === undefined ? { credential: keys } : await session(host, definition, keys, clockOffset)
  const { longTerm: _, ...sessionAlone } = grant
  const madeFrom = configured && madeFromKeys(definition)
  return {
    entry: newEntry(
      { ...header, ...(madeFrom !== undefined && { madeFrom }) },
      configured ? sessionAlone : grant,
      clockOffset,
    ),
    settle,
  }
}

/** A role, and beside it the keys that it is taken on with: the next time takes no person. */
async function byRole(
  host: Host,
  definition: Definition,
  keys: KeysCredential,
  role: Record<string, string>,
): Promise<LoggedIn> {
  const { name, provider, endpoints } = definition
  const params = { ...definition.params, ...role }
  const note = (text: string) => host.terminal.warn(text)
  const wish = { name, params, chained: keys.sessionToken !== undefined, note }
  const outcome = taken(await takeRole(host, tokenService(endpoints, params), keys, wish), definition)
  const { credential, arn } = outcome.value
  const account = provider.account.read({ sub: arn })
  const stranger = strangerTo(definition, account)
  if (stranger) throw stranger
  const header = {
    ...about(host, { ...definition, params }, undefined, 'keys', account),
    kind: provider.keys!.role!,
    renewable: true,
    ...(keys.expiresAt !== undefined && { sessionExpiresAt: keys.expiresAt }),
  }
  const entry = newEntry(header, { credential, longTerm: keys }, outcome.clockOffset)
  return { entry, settle: async () => undefined }
}

/** `of`: the account, where the keys were handed in with it. */
async function ownerOf(host: Host, definition: Definition, keys: KeysCredential, of: string | undefined) {
  if (definition.provider.account.ping)
    return { account: await pinged(host, definition, keys, of), clockOffset: 0 }
  if (definition.endpoints.sts === undefined)
    return { account: { account: keys.accessKeyId }, clockOffset: 0 }
  const at = tokenService(definition.endpoints, definition.params)
  const { value, clockOffset } = taken(await callerOf(host, at, keys), definition)
  const account = definition.provider.account.read(value)
  const stranger = strangerTo(definition, account)
  if (stranger) throw stranger
  caution(host, definition, account)
  return { account, clockOffset }
}

async function pinged(host: Host, definition: Definition, keys: KeysCredential, of: string | undefined) {
  const { provider, endpoints } = definition
  if (of === undefined) throw incomplete(provider)
  await ping(host, provider.account.ping!(of, endpoints), keys).catch((error: unknown) => {
    if (!isDaypassError(error, 'login_required')) throw error
    throw refusedKeys(definition, error, NOT_KEPT)
  })
  const account = { account: of }
  const stranger = strangerTo(definition, account)
  if (stranger) throw stranger
  return account
}

const NOT_KEPT = 'hand in other keys; what was kept before is as it was'

/** Nothing is kept of keys that are refused, and what was kept before stays. */
function taken<T>(outcome: StsOutcome<T>, definition: Definition): Extract<StsOutcome<T>, { value: T }> {
  if ('value' in outcome) return outcome
  throw refusedKeys(definition, outcome.refusal.error, NOT_KEPT)
}

/** The keys alone open nothing: who uses them has to show a code of the device. */
async function session(
  host: Host,
  definition: Definition,
  keys: KeysCredential,
  clockOffset: number,
): Promise<Grant> {
  const { mfa_arn, duration } = definition.params
  const at = tokenService(definition.endpoints, definition.params, clockOffset)
  const credential = taken(
    await cloudOf(keys).sts.sessionToken!(host, at, keys, {
      SerialNumber: mfa_arn!,
      TokenCode: await readCode(host, definition),
      DurationSeconds: Math.round(Math.min(parseDuration(duration ?? '12h'), TWELVE_HOURS) / 1000),
    }),
    definition,
  ).value
  return { credential, longTerm: keys }
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
    {
      hint: `on a terminal: daypass login ${name}`,
    },
  )
}

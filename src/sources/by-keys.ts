/** A login by static keys: kept as they are, or, where a device is named, a session that its code opens. */
import { createHash } from 'node:crypto'
import { parseDuration } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { Grant, Header, Host, KeysCredential, Time } from '../core/types.ts'
import { callerOf, tokenService } from '../derive/caller.ts'
import { CLOUDS } from '../derive/clouds.ts'
import type { StsOutcome } from '../derive/sts.ts'
import { newEntry } from '../refresh/oauth.ts'
import { type ConfiguredKeys, checkBound, type Definition } from './definition.ts'
import { about, caution, strangerTo } from './record.ts'
import type { LoggedIn } from './request.ts'

/** `kept`: the keys that the identity has already, of which only the session is over. */
export async function byKeys(
  host: Host,
  definition: Definition,
  kept: KeysCredential | undefined,
): Promise<LoggedIn> {
  const { mfa_arn } = definition.params
  const configured = definition.keys && asCredential(definition, definition.keys, host.now())
  const keys = configured ?? (mfa_arn === undefined ? undefined : kept) ?? (await readKeys(host, definition))
  const { account, clockOffset } = await ownerOf(host, definition, keys)
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

/** What is kept may be used: at the server that issued it, and under keys of the configuration no other than theirs. */
export function checkKept(definition: Definition, header: Header): void {
  checkBound(definition, header)
  if (!definition.keys || header.madeFrom === madeFromKeys(definition)) return
  throw new DaypassError(
    'login_required',
    `${definition.name} has keys in config.yaml, and no session of theirs is open`,
    { hint: `daypass login ${definition.name}` },
  )
}

/** Which keys of the configuration a session was opened with. */
const madeFromKeys = ({ keys, params }: Definition) =>
  keys &&
  createHash('sha256')
    .update(JSON.stringify([keys.accessKeyId, params.mfa_arn]))
    .digest('hex')

/** Without a device: with one, it is a session that is handed out, and that is kept. */
export function configuredKeys(
  { now }: Pick<Host, 'now'>,
  definition: Definition,
): KeysCredential | undefined {
  const { keys, params } = definition
  return keys && params.mfa_arn === undefined ? asCredential(definition, keys, now()) : undefined
}

const asCredential = ({ provider }: Definition, keys: ConfiguredKeys, issuedAt: Time): KeysCredential => ({
  kind: 'keys',
  cloud: provider.keys!.cloud,
  ...keys,
  issuedAt,
})

async function ownerOf(host: Host, definition: Definition, keys: KeysCredential) {
  if (definition.endpoints.sts === undefined)
    return { account: { account: keys.accessKeyId }, clockOffset: 0 }
  const at = tokenService(definition.endpoints, definition.params)
  const { value, clockOffset } = taken(await callerOf(host, at, keys), definition)
  const account = definition.provider.account(value)
  const stranger = strangerTo(definition, account)
  if (stranger) throw stranger
  caution(host, definition, account)
  return { account, clockOffset }
}

/** Nothing is kept of keys that are refused, and what was kept before stays. */
function taken<T>(outcome: StsOutcome<T>, definition: Definition): Extract<StsOutcome<T>, { value: T }> {
  if ('value' in outcome) return outcome
  throw refusedKeys(
    definition,
    outcome.refusal.error,
    'hand in other keys; what was kept before is as it was',
  )
}

/** Those of the configuration are mended there; `hint` is for all others. */
export function refusedKeys({ name, keys }: Definition, error: DaypassError, hint: string): DaypassError {
  const own = keys ? `mend credentials of ${name} in config.yaml` : hint
  return new DaypassError(error.code, error.message, { hint: error.hint ?? own, cause: error })
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
    await CLOUDS[keys.cloud].sts.sessionToken!(host, at, keys, {
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

async function readKeys({ terminal, now }: Host, definition: Definition): Promise<KeysCredential> {
  const { provider } = definition
  const issuedAt = now()
  if (!terminal.interactive)
    return asCredential(definition, parseKeys((await terminal.readSecret('')) ?? ''), issuedAt)
  const accessKeyId = (await terminal.ask(`Access key id of ${provider.title}:`)).trim()
  const secret = (await terminal.readSecret('Its secret access key (not shown):'))?.trim()
  if (accessKeyId && secret)
    return asCredential(definition, { accessKeyId, secretAccessKey: new Secret(secret) }, issuedAt)
  throw incomplete()
}

/** Every way in which the keys of a cloud are written down. */
const SPELLINGS = {
  accessKeyId: ['access_key_id', 'AccessKeyId', 'aws_access_key_id'],
  secretAccessKey: ['secret_access_key', 'SecretAccessKey', 'aws_secret_access_key', 'access_key_secret'],
  sessionToken: ['session_token', 'SessionToken', 'aws_session_token', 'security_token', 'sts_token'],
} as const

/** One line of JSON: `{"access_key_id", "secret_access_key", "session_token"?}`. */
function parseKeys(text: string): ConfiguredKeys {
  const json = readJson(text)
  const field = (name: keyof typeof SPELLINGS) =>
    SPELLINGS[name]
      .map((spelling) => json[spelling])
      .find((value) => typeof value === 'string' && value !== '') as string | undefined
  const [id, secret, session] = [field('accessKeyId'), field('secretAccessKey'), field('sessionToken')]
  if (id === undefined || secret === undefined) throw incomplete()
  return {
    accessKeyId: id,
    secretAccessKey: new Secret(secret),
    ...(session !== undefined && { sessionToken: new Secret(session) }),
  }
}

const incomplete = () =>
  new DaypassError('usage', 'both access_key_id and secret_access_key are needed', {
    hint: `pipe in one line: {"access_key_id":"…","secret_access_key":"…"}`,
  })

function readJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    // `aws iam create-access-key` wraps them.
    const keys = (value as { AccessKey?: unknown } | null)?.AccessKey ?? value
    if (typeof keys === 'object' && keys !== null) return keys as Record<string, unknown>
  } catch {
    // The parser's own message would show a piece of the keys.
  }
  throw new DaypassError('usage', 'the keys are not one line of JSON', {
    hint: `pipe in one line: {"access_key_id":"…","secret_access_key":"…"}`,
  })
}

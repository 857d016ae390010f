/** Reads keys from a person or a script: one question each on a terminal, else one line of JSON. */
import { parseTime } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import { type LocalizedText, localize } from '../core/localized-text.ts'
import { Secret } from '../core/secret.ts'
import { sanitize } from '../core/text.ts'
import type { Host, KeysCredential } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import type { KeysField, KeysForm, Provider } from '../providers/provider.ts'

export interface SuppliedKeys {
  keys: KeysCredential
  /** The parameters of the role to assume with the keys. */
  role?: Record<string, string>
  /** The account of the keys, where it came with them. */
  account?: string
}

type Fields = Partial<Record<KeysField | 'of', string>>

export async function readKeys(
  host: Host,
  definition: Definition,
  form: KeysForm = 'plain',
): Promise<SuppliedKeys> {
  const { provider } = definition
  const issuedAt = host.now()
  const fields =
    host.terminal.interactive && !provider.environment.credentialUrl
      ? await askForKeys(host, definition, form)
      : await readPastedKeys(host, definition)
  const { accessKeyId, secretAccessKey, sessionToken, roleArn, sessionName, externalId, of } = fields
  if (!accessKeyId || !secretAccessKey) throw createIncompleteKeysError(provider)
  const expiresAt = parseTime(fields.expiration)
  const { cloud, role } = provider.keys!
  const keys: KeysCredential = {
    kind: 'keys',
    cloud,
    accessKeyId,
    secretAccessKey: new Secret(secretAccessKey),
    ...(sessionToken && { sessionToken: new Secret(sessionToken) }),
    issuedAt,
    ...(expiresAt !== undefined && { expiresAt }),
  }
  if (role === undefined || !roleArn) return { keys, ...(of && { account: of }) }
  const more = {
    ...(sessionName && { session_name: sessionName }),
    ...(externalId && { external_id: externalId }),
  }
  return { keys, role: { role_arn: roleArn, ...more } }
}

const FORMS: Record<KeysForm, readonly KeysField[]> = {
  plain: ['accessKeyId', 'secretAccessKey'],
  session: ['accessKeyId', 'secretAccessKey', 'sessionToken', 'expiration'],
  role: ['accessKeyId', 'secretAccessKey', 'roleArn', 'sessionName'],
}

const SECRETS: readonly KeysField[] = ['secretAccessKey', 'sessionToken']

async function askForKeys(host: Host, { name, provider }: Definition, form: KeysForm): Promise<Fields> {
  const { terminal } = host
  const said: Fields = {}
  for (const field of FORMS[form]) {
    const question = localize(
      provider.keys?.questions?.[field] ?? buildQuestions(provider.title)[field],
      host,
    )
    const answer = SECRETS.includes(field)
      ? await terminal.readSecret(question)
      : await terminal.ask(question, field === 'sessionName' ? `daypass-${name}` : undefined)
    said[field] = answer?.trim() ?? ''
    if (said[field] === '' && field !== 'expiration' && field !== 'sessionName')
      throw createIncompleteKeysError(provider)
  }
  return said
}

const buildQuestions = (title: string): Record<KeysField, LocalizedText> => ({
  accessKeyId: `Access key id of ${title}:`,
  secretAccessKey: 'Its secret access key (not shown):',
  sessionToken: 'Its session token (not shown):',
  expiration: 'When it ends, like 2026-01-02T03:04:05Z (Enter: not known):',
  roleArn: 'ARN of the role:',
  sessionName: 'Name of the session:',
  externalId: 'External id:',
})

/** The names under which clouds and tools write the parts of keys. */
const SPELLINGS: Record<KeysField | 'of', readonly string[]> = {
  accessKeyId: ['access_key_id', 'AccessKeyId', 'aws_access_key_id', 'api_key'],
  secretAccessKey: [
    'secret_access_key',
    'SecretAccessKey',
    'aws_secret_access_key',
    'access_key_secret',
    'AccessKeySecret',
    'api_secret',
  ],
  sessionToken: [
    'session_token',
    'SessionToken',
    'aws_session_token',
    'security_token',
    'SecurityToken',
    'sts_token',
  ],
  expiration: ['expiration', 'Expiration', 'sts_expiration'],
  roleArn: ['role_arn', 'ram_role_arn'],
  sessionName: ['session_name', 'ram_session_name', 'role_session_name'],
  externalId: ['external_id'],
  of: ['cloud_name'],
}

/** Reads the provider's own form, or JSON: `{"access_key_id", "secret_access_key", "session_token"?}`. */
async function readPastedKeys({ terminal }: Host, definition: Definition): Promise<Fields> {
  const { provider } = definition
  const prompt = `Paste the keys of ${provider.title}, as ${provider.environment.credentialUrl?.example} (not shown):`
  const text = (await terminal.readSecret(terminal.interactive ? prompt : '')) ?? ''
  const whole = provider.environment.credentialUrl?.read(text)
  if (!whole) return parseFields(provider, text)
  assertKeysHost(definition, whole.endpoints?.api)
  const { keys, account } = whole
  return { ...(keys && { accessKeyId: keys.id, secretAccessKey: keys.secret }), of: account }
}

/** Throws where the keys name another host than the one that would receive them. */
function assertKeysHost({ endpoints: { api }, provider }: Definition, said: string | undefined): void {
  if (said === undefined || !api || new URL(said).host === new URL(api).host) return
  throw new DaypassError('usage', `these keys are for ${sanitize(said)}, and not for ${api}`, {
    advice: { verb: 'login', args: [provider.id], flags: ['--method', 'keys', '--region', '…'] },
  })
}

function parseFields(provider: Provider, text: string): Fields {
  const json = parseKeysJson(provider, text)
  const found = Object.entries(SPELLINGS).map(([field, spellings]) => [
    field,
    spellings.map((spelling) => convertToText(json[spelling])).find(Boolean),
  ])
  return Object.fromEntries(found) as Fields
}

/** Times may be numbers in JSON. */
const convertToText = (value: unknown) =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined

export const createIncompleteKeysError = ({ environment }: Provider) =>
  new DaypassError(
    'usage',
    environment.credentialUrl
      ? 'a key, its secret and their account are needed'
      : 'both access_key_id and secret_access_key are needed',
    { hint: formatPipeHint(environment.credentialUrl) },
  )

const formatPipeHint = (url: Provider['environment']['credentialUrl']) =>
  `pipe in one line: ${url?.example ?? '{"access_key_id":"…","secret_access_key":"…"}'}`

function parseKeysJson({ environment: { credentialUrl } }: Provider, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    // `aws iam create-access-key` wraps the keys in an object.
    const keys = (value as { AccessKey?: unknown } | null)?.AccessKey ?? value
    if (typeof keys === 'object' && keys !== null) return keys as Record<string, unknown>
  } catch {
    // The parser's own message would quote a part of the keys.
  }
  const form = credentialUrl ? `${credentialUrl.example}, nor one line of JSON` : 'one line of JSON'
  throw new DaypassError('usage', `the keys are not ${form}`, { hint: formatPipeHint(credentialUrl) })
}

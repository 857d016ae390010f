/** Reads what could become an identity from AWS' files, without changes. */
import { Secret } from '../../core/secret.ts'
import { isOwnCommand } from '../files/command-line.ts'
import { readForeignFile } from '../files/foreign-file.ts'
import { type AwsFile, type Profiles, parseProfiles } from './ini.ts'
import type { AwsPaths } from './paths.ts'

interface FoundProfile {
  profile: string
  /** The region of the profile. */
  region?: string
}

/** An access key; it is long-lived without a session token. */
interface FoundKeys extends FoundProfile {
  kind: 'keys'
  file: AwsFile
  accessKeyId: string
  secretAccessKey: Secret
  sessionToken?: Secret
}

/** A definition without a secret: who may assume which role. */
interface FoundRole extends FoundProfile {
  kind: 'role'
  roleArn: string
  /** The profile whose credentials assume it. */
  sourceProfile?: string
  /** `Environment`, `Ec2InstanceMetadata` or `EcsContainer`. */
  credentialSource?: string
  externalId?: string
  mfaSerial?: string
  sessionName?: string
  /** Seconds, as text. */
  duration?: string
}

/** A session of `aws login`. Its refresh token changes with every use, so it can be in one place only. */
interface FoundSession extends FoundProfile {
  kind: 'login-session'
  loginSession: string
}

/** A program that prints credentials; `ours` if it is daypass. Its command may contain secrets. */
interface FoundProcess extends FoundProfile {
  kind: 'process'
  ours: boolean
  command: Secret
}

/** A finding that daypass cannot import, with what to do instead. */
interface NotSupported extends FoundProfile {
  kind: 'sso' | 'web-identity'
  hint: string
}

export type AwsFinding = FoundKeys | FoundRole | FoundSession | FoundProcess | NotSupported

/** Reads the findings in the order of the files, config first. A profile may have several. */
export function readAwsFindings(paths: Pick<AwsPaths, 'config' | 'credentials'>): AwsFinding[] {
  const config = parseProfiles(readForeignFile(paths.config).text, 'config')
  const credentials = parseProfiles(readForeignFile(paths.credentials).text, 'credentials')
  const names = new Set([...config.keys(), ...credentials.keys()])
  return [...names].flatMap((profile) => listProfileFindings(profile, config, credentials))
}

type Keys = ReadonlyMap<string, string>

function listProfileFindings(profile: string, config: Profiles, credentials: Profiles): AwsFinding[] {
  const here: Keys = config.get(profile) ?? new Map()
  const beside: Keys = credentials.get(profile) ?? new Map()
  // As in AWS' tools, the credentials file overrides the config file.
  const all: Keys = new Map([...here, ...beside])
  const found: FoundProfile = { profile, ...omitUndefined({ region: all.get('region') }) }
  const keys = findKeys(beside, 'credentials', found) ?? findKeys(here, 'config', found)
  const others = [findRole, findWebIdentity, findProcess, findSso, findLoginSession].map((look) =>
    look(all, found),
  )
  return [keys, ...others].filter((one) => one !== undefined)
}

/** Omits members that are undefined. */
function omitUndefined<T extends string>(said: Record<T, string | undefined>): Partial<Record<T, string>> {
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) as Partial<
    Record<T, string>
  >
}

function findKeys(keys: Keys, file: AwsFile, found: FoundProfile): FoundKeys | undefined {
  const accessKeyId = keys.get('aws_access_key_id')
  const secret = keys.get('aws_secret_access_key')
  if (accessKeyId === undefined || secret === undefined) return undefined
  const token = keys.get('aws_session_token')
  return {
    ...found,
    kind: 'keys',
    file,
    accessKeyId,
    secretAccessKey: new Secret(secret),
    ...(token === undefined ? {} : { sessionToken: new Secret(token) }),
  }
}

function findRole(keys: Keys, found: FoundProfile): FoundRole | undefined {
  const roleArn = keys.get('role_arn')
  if (roleArn === undefined || keys.has('web_identity_token_file')) return undefined
  const more = omitUndefined({
    sourceProfile: keys.get('source_profile'),
    credentialSource: keys.get('credential_source'),
    externalId: keys.get('external_id'),
    mfaSerial: keys.get('mfa_serial'),
    sessionName: keys.get('role_session_name'),
    duration: keys.get('duration_seconds'),
  })
  return { ...found, kind: 'role', roleArn, ...more }
}

function findWebIdentity(keys: Keys, found: FoundProfile): NotSupported | undefined {
  if (!keys.has('web_identity_token_file')) return undefined
  return { ...found, kind: 'web-identity', hint: 'leave it to the SDK: its token comes from where it runs' }
}

function findProcess(keys: Keys, found: FoundProfile): FoundProcess | undefined {
  const command = keys.get('credential_process')
  if (command === undefined) return undefined
  return { ...found, kind: 'process', ours: isOwnCommand(command), command: new Secret(command) }
}

function findSso(keys: Keys, found: FoundProfile): NotSupported | undefined {
  const isSso = ['sso_session', 'sso_start_url', 'sso_account_id'].some((key) => keys.has(key))
  if (!isSso) return undefined
  return { ...found, kind: 'sso', hint: `keep using: aws sso login --profile ${found.profile}` }
}

function findLoginSession(keys: Keys, found: FoundProfile): FoundSession | undefined {
  const loginSession = keys.get('login_session')
  return loginSession === undefined ? undefined : { ...found, kind: 'login-session', loginSession }
}

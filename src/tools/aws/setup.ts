/** Plans what `setup aws` writes into AWS' config file, without writing. */
import { DaypassError, type Hint } from '../../core/errors.ts'
import { sanitize } from '../../core/text.ts'
import { formatCommandLine } from '../files/command-line.ts'
import { applyEdits, formatDiff } from '../files/edits.ts'
import type { Plan } from '../setup-plan.ts'
import { parseProfiles } from './ini.ts'
import { editProfile, type Keys } from './ini-edit.ts'

interface AwsSetupCommon {
  profile: string
  identity: string
  /** Written only where the profile has none. */
  region?: string | undefined
  /** Change a profile that exists already. */
  force?: boolean | undefined
}

export type AwsSetup = AwsSetupCommon &
  (
    | {
        form: 'credential-process'
        /** The command of the tool: Node, our program, `credential-process` and the identity. */
        command: readonly string[]
      }
    | {
        form: 'login-session'
        /** The principal's ARN, the `sub` of the login. */
        loginSession: string
      }
  )

export interface AwsTexts {
  /** The path of the config file, as shown to the person. */
  path: string
  config: string
  /** The text of the credentials file. */
  credentials: string
  /** Keys of the profile that still have our values, and so may change without `--force`. */
  ours: ReadonlySet<string>
}

type ProfileKeys = ReadonlyMap<string, string>

const KEY = { 'credential-process': 'credential_process', 'login-session': 'login_session' } as const

export function planAwsProfile(
  request: AwsSetup,
  texts: AwsTexts,
  platform: NodeJS.Platform = process.platform,
): Plan {
  const { profile } = request
  checkAwsProfileName(profile)
  const there = parseProfiles(texts.config, 'config').get(profile)
  const beside: ProfileKeys = parseProfiles(texts.credentials, 'credentials').get(profile) ?? new Map()
  refuseMixture(request, there, beside, texts.ours)
  const keys = buildWantedKeys(request, there, texts.ours, platform)
  const edits = editProfile(texts.config, 'config', profile, keys)
  if (edits.length > 0 && there !== undefined) refuseForeignProfile(request, texts)
  checkAwsResult(texts, applyEdits(texts.config, edits), profile, keys)
  const warnings = listAwsWarnings(request, there ?? new Map(), beside)
  const { path, config } = texts
  return { place: profile, path, edits, diff: formatDiff(path, config, edits), warnings }
}

/** Throws unless the JavaScript SDK accepts the name; the others accept more. */
function checkAwsProfileName(profile: string): void {
  if (/^[\w\-@+.%:/]+$/.test(profile) && profile !== '__proto__') return
  throw new DaypassError('usage', `"${sanitize(profile)}" is no profile name that every AWS tool can read`, {
    hint: (command) =>
      `${command({ verb: 'setup', args: ['aws'], identity: 'IDENTITY', flags: ['--as', '<name>'] })}, of letters, digits and any of - _ @ + . % : /`,
  })
}

/** Throws for both kinds of entry: the CLI prefers a login, the JavaScript SDK a process. */
function refuseMixture(
  { profile, identity, form }: AwsSetup,
  there: ProfileKeys | undefined,
  beside: ProfileKeys,
  ours: ReadonlySet<string>,
): void {
  const other = form === 'login-session' ? KEY['credential-process'] : KEY['login-session']
  const isTheirs = there?.has(other) && !ours.has(other)
  if (!isTheirs && !beside.has(other)) return
  const where = isTheirs ? '' : ' in the credentials file'
  throw new DaypassError(
    'usage',
    `profile "${profile}" has a ${other} already${where}, and tools differ in which of the two they take`,
    {
      hint: (command) =>
        `choose another name: ${command({ verb: 'setup', args: ['aws'], identity, flags: ['--as', `${profile}-daypass`] })}`,
    },
  )
}

function refuseForeignProfile({ profile, identity, force }: AwsSetup, { ours, path }: AwsTexts): void {
  if (force || Object.values(KEY).some((key) => ours.has(key))) return
  throw new DaypassError('usage', `there is a profile "${profile}" in ${path} already`, {
    hint: (command) =>
      `${command({ verb: 'setup', args: ['aws'], identity, flags: ['--as', profile, '--force'] })} to write into it, or choose another name`,
  })
}

function buildWantedKeys(
  request: AwsSetup,
  there: ProfileKeys | undefined,
  ours: ReadonlySet<string>,
  platform: NodeJS.Platform,
): Keys {
  const keys: Record<string, string | undefined> = {}
  for (const key of Object.values(KEY)) if (ours.has(key)) keys[key] = undefined
  keys[KEY[request.form]] =
    request.form === 'login-session'
      ? assertPlainValue(request.loginSession, (command) => `log in again: ${command({ verb: 'login' })}`)
      : formatCommandLine(request.command, platform)
  if (request.region !== undefined && !there?.has('region'))
    keys.region = assertPlainValue(
      request.region,
      (command) =>
        `name one: ${command({ verb: 'login', identity: 'NAME', flags: ['--region', '<region>'] })}`,
    )
  return keys
}

function assertPlainValue(text: string, hint: Hint): string {
  if (/^[^\s[\]#;]+$/.test(text)) return text
  throw new DaypassError('usage', `"${sanitize(text)}" cannot stand in an AWS profile`, { hint })
}

/** Parses the result again and throws if it differs: hand-written files may contain unexpected syntax. */
function checkAwsResult({ config, path }: AwsTexts, after: string, profile: string, keys: Keys): void {
  const then = parseProfiles(after, 'config')
  const isWritten = Object.entries(keys).every(([name, value]) => then.get(profile)?.get(name) === value)
  const others = (text: Map<string, ProfileKeys>) =>
    JSON.stringify([...text].filter(([name]) => name !== profile).map(([name, found]) => [name, ...found]))
  if (isWritten && others(new Map(then)) === others(new Map(parseProfiles(config, 'config')))) return
  throw new DaypassError('configuration', `${path} is written in a way that daypass cannot add to safely`, {
    hint: `write it yourself: aws configure set ${Object.keys(keys)[0]} … --profile ${profile}`,
  })
}

/** Keys of a profile that all or some tools read before ours. */
const PREFERRED_KEYS: readonly [key: string, what: string][] = [
  ['aws_access_key_id', 'static keys'],
  ['role_arn', 'a role'],
  ['web_identity_token_file', 'a web identity'],
  ['sso_session', 'single sign-on'],
  ['sso_account_id', 'single sign-on'],
]

function listAwsWarnings(
  { profile, form, region }: AwsSetup,
  there: ProfileKeys,
  beside: ProfileKeys,
): string[] {
  const said = new Set<string>()
  for (const [key, what] of PREFERRED_KEYS) {
    if (there.has(key)) said.add(`profile "${profile}" has ${what} too, and tools may take that first`)
    if (beside.has(key))
      said.add(`profile "${profile}" has ${what} in the credentials file, and tools take that first`)
  }
  if (beside.has(KEY[form]))
    said.add(`profile "${profile}" has a ${KEY[form]} in the credentials file, and that one counts`)
  const configured = there.get('region')
  if (form === 'login-session' && region !== undefined && configured !== undefined && configured !== region)
    said.add(
      `profile "${profile}" has the region ${sanitize(configured)}, the login is one of ${region}: some tools cannot renew it`,
    )
  return [...said]
}

/** What a profile of Alibaba Cloud's tools offers: aliyun and iac-code call the same things by the same names. */
import { isoTime } from '../../core/duration.ts'
import { formatCommand } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { shown } from '../../core/text.ts'
import type { KeysCredential, Time } from '../../core/types.ts'
import { startsUs } from '../files/command-line.ts'
import { sumOf } from '../files/edits.ts'
import type { Offer, Taken } from '../importer.ts'

/** Texts and numbers; whatever else stands there is not looked at. */
export type Profile = Readonly<Record<string, unknown>>

export interface Where {
  name: string
  file: string
  /** How its own tool logs in again. */
  again: string
  /** The profile as it stands when it is taken over. */
  now: () => Promise<Profile | undefined>
}

export function offerOfAlibaba(profile: Profile, where: Where): Offer {
  const mode = text(profile, 'mode') ?? ''
  const known = Object.keys(MODES).find((each) => each.toLowerCase() === mode.toLowerCase())
  const { name } = where
  if (known !== undefined) return { name, ...MODES[known]!(profile, where) }
  const what = mode === '' ? 'a profile that is not configured' : `a profile of the mode ${shown(mode)}`
  return { name, what }
}

type Unnamed = Omit<Offer, 'name'>

/** By the names that aliyun gives them, which it takes in capitals or not. */
const MODES: Readonly<Record<string, (profile: Profile, where: Where) => Unnamed>> = {
  AK: longLived,
  StsToken: temporary,
  RamRoleArn: roleOfKeys,
  ChainableRamRoleArn: roleOfProfile,
  OAuth: session,
  External: program,
  CloudSSO: (_, { again }) => ({ what: 'CloudSSO', next: `keep using: ${again}` }),
  EcsRamRole: () => ofThePlace('the role of the machine it runs on'),
  RamRoleArnWithRoleName: () => ofThePlace('a role by the role of the machine it runs on'),
  OIDC: () => ofThePlace('an OIDC token of the place it runs in'),
  CredentialsURI: () => ofThePlace('an address that hands out keys'),
  RsaKeyPair: (_, { name }) => ({ what: 'a key pair, which is deprecated', next: anew(name) }),
  BearerToken: (_, { name }) => ({ what: 'a bearer token of one service', next: anew(name) }),
  Anonymous: () => ({ what: 'nobody: requests without keys' }),
}

const ofThePlace = (what: string): Unnamed => ({
  what,
  next: 'leave it to the tool: its keys come from where it runs',
})

const anew = (name: string, flags: readonly string[] = []) =>
  formatCommand({ verb: 'login', args: ['alibaba'], identity: name, flags })

const text = (profile: Profile, name: string): string | undefined => {
  const said = profile[name]
  return typeof said === 'string' && said !== '' ? said : undefined
}

/** Seconds since 1970, in whatever way they are written. Zero is as good as nothing. */
function time(profile: Profile, name: string): Time | undefined {
  const seconds = Number(profile[name])
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined
}

function keysOf(profile: Profile, issuedAt: Time): KeysCredential | undefined {
  const [accessKeyId, secret] = [text(profile, 'access_key_id'), text(profile, 'access_key_secret')]
  if (accessKeyId === undefined || secret === undefined) return undefined
  return { kind: 'keys', cloud: 'alibaba', accessKeyId, secretAccessKey: new Secret(secret), issuedAt }
}

const regionOf = (profile: Profile): Record<string, string> => {
  const region = text(profile, 'region_id')
  return region === undefined ? {} : { region }
}

const notWhole = (name: string): Unnamed => ({
  what: 'an access key without its other half',
  next: anew(name),
})

const stillThere = (file: string) => `the keys still stand in ${file}: remove them there when this works`

const keyName = (keys: KeysCredential) => `the access key ${new Secret(keys.accessKeyId).masked()}`

function longLived(profile: Profile, { name, file }: Where): Unnamed {
  const keys = keysOf(profile, 0)
  if (!keys) return notWhole(name)
  const { accessKeyId: account } = keys
  return {
    what: keyName(keys),
    next: stillThere(file),
    take: async (issuedAt) => ({
      provider: 'alibaba',
      method: 'keys',
      params: regionOf(profile),
      grant: { credential: { ...keys, issuedAt } },
      account: { account },
    }),
  }
}

/** Until they end: nobody renews them, here or there. */
function temporary(profile: Profile, { name }: Where): Unnamed {
  const [keys, token] = [keysOf(profile, 0), text(profile, 'sts_token')]
  const expiresAt = time(profile, 'sts_expiration')
  if (!keys || token === undefined) return notWhole(name)
  if (expiresAt === undefined) return { what: 'temporary keys of unknown end', next: anew(name) }
  const { accessKeyId: account } = keys
  return {
    what: `temporary keys until ${isoTime(expiresAt)}`,
    next: anew(name),
    take: async (issuedAt) => {
      if (expiresAt <= issuedAt) return undefined
      const credential = { ...keys, issuedAt, expiresAt, sessionToken: new Secret(token) }
      return {
        provider: 'alibaba',
        method: 'keys',
        params: regionOf(profile),
        grant: { credential },
        account: { account },
      }
    },
  }
}

/** A role that keys of its own assume: kept with them, and assumed when it is used. */
function roleOfKeys(profile: Profile, { name, file }: Where): Unnamed {
  const [keys, role] = [keysOf(profile, 0), text(profile, 'ram_role_arn')]
  if (!keys || role === undefined) return notWhole(name)
  return {
    what: `the role ${shown(role)}, by ${keyName(keys)}`,
    next: stillThere(file),
    take: async (issuedAt) => ({
      provider: 'alibaba',
      kind: 'alibaba/ram-role',
      method: 'keys',
      params: { ...regionOf(profile), ...roleParams(profile, role) },
      grant: { credential: over(issuedAt), longTerm: { ...keys, issuedAt } },
      renewable: true,
      account: { principal: role },
    }),
  }
}

/** Stands for the first keys: nobody has them yet, and they are over. */
const over = (now: Time): KeysCredential => ({
  kind: 'keys',
  cloud: 'alibaba',
  accessKeyId: '',
  secretAccessKey: new Secret(''),
  sessionToken: new Secret(''),
  issuedAt: now - 1,
  expiresAt: now - 1,
})

function roleParams(profile: Profile, role_arn: string): Record<string, string> {
  const session_name = text(profile, 'ram_session_name')
  const external_id = text(profile, 'external_id')
  const seconds = Number(profile.expired_seconds)
  return {
    role_arn,
    ...(session_name !== undefined && { session_name }),
    ...(external_id !== undefined && { external_id }),
    ...(Number.isSafeInteger(seconds) && seconds > 0 && { duration: `${seconds}s` }),
  }
}

/** Definitions are a person's own: daypass writes none into config.yaml. */
function roleOfProfile(profile: Profile, { name }: Where): Unnamed {
  const role = text(profile, 'ram_role_arn')
  if (role === undefined) return { what: 'a role without a name' }
  const principal = Object.entries(roleParams(profile, role)).map(([key, value]) => `${key}: ${value}`)
  const via = text(profile, 'source_profile') ?? 'NAME'
  return {
    what: `the role ${shown(role)}`,
    next: `write into config.yaml: ${name}: { kind: alibaba/ram-role, via: { identity: ${via} }, principal: { ${principal.join(', ')} } }`,
  }
}

function program(profile: Profile, { name }: Where): Unnamed {
  return startsUs(text(profile, 'process_command') ?? '')
    ? { what: 'a profile of daypass itself' }
    : { what: 'a program that hands out keys', next: anew(name) }
}

/** A login by browser. Its refresh token changes with every use. */
function session(profile: Profile, { name, again, now }: Where): Unnamed {
  const site = siteOf(profile)
  const { region } = regionOf(profile)
  const flags = [...(site ? ['--site', site] : []), ...(region === undefined ? [] : ['--region', region])]
  const login = anew(name, flags)
  const what = `the login of ${site === 'intl' ? 'the international site' : 'the site of China'}`
  const token = text(profile, 'oauth_refresh_token')
  if (token === undefined || site === undefined) return { what: 'a login that nobody can renew', next: login }
  return {
    what,
    rotates: { session: sumOf(token), login, again },
    take: async (at) => {
      const later = await now()
      return later && takenSession(later, at)
    },
  }
}

function siteOf(profile: Profile): 'cn' | 'intl' | undefined {
  const said = text(profile, 'oauth_site_type')?.toLowerCase()
  return said === 'cn' || said === 'intl' ? said : undefined
}

/** An hour: what such keys live for, as far as anybody knows. */
const LIFE = 60 * 60_000

function takenSession(profile: Profile, now: Time): Taken | undefined {
  const [site, refreshToken] = [siteOf(profile), text(profile, 'oauth_refresh_token')]
  if (site === undefined || refreshToken === undefined) return undefined
  const ends = time(profile, 'oauth_access_token_expire') ?? now - 1
  const end = time(profile, 'oauth_refresh_token_expire')
  if (end !== undefined && end <= now) return undefined
  return {
    provider: 'alibaba',
    method: 'browser',
    params: { site, ...regionOf(profile) },
    grant: {
      credential: sessionKeys(profile) ?? over(now),
      source: {
        kind: 'bearer',
        token: new Secret(text(profile, 'oauth_access_token') ?? ''),
        tokenType: 'bearer',
        issuedAt: Math.min(now, ends - LIFE),
        expiresAt: ends,
      },
      refreshToken: new Secret(refreshToken),
    },
  }
}

function sessionKeys(profile: Profile): KeysCredential | undefined {
  const [token, expiresAt] = [text(profile, 'sts_token'), time(profile, 'sts_expiration')]
  if (token === undefined || expiresAt === undefined) return undefined
  const keys = keysOf(profile, expiresAt - LIFE)
  return keys && { ...keys, sessionToken: new Secret(token), expiresAt }
}

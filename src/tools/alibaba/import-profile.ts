/** Converts profiles of Alibaba Cloud's tools: aliyun and iac-code use the same names. */
import { formatTime } from '../../core/duration.ts'
import { formatCommand } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { sanitize } from '../../core/text.ts'
import type { KeysCredential, Time } from '../../core/types.ts'
import { isOwnCommand } from '../files/command-line.ts'
import { hashText } from '../files/edits.ts'
import type { ImportCandidate, ImportedGrant } from '../importer.ts'

/** Texts and numbers; other values are ignored. */
export type Profile = Readonly<Record<string, unknown>>

export interface ProfileSource {
  name: string
  file: string
  /** The command by which its own tool logs in again. */
  again: string
  /** Returns the profile at the moment of the import. */
  now: () => Promise<Profile | undefined>
}

export function buildAlibabaCandidate(profile: Profile, where: ProfileSource): ImportCandidate {
  const mode = getText(profile, 'mode') ?? ''
  const known = Object.keys(MODES).find((each) => each.toLowerCase() === mode.toLowerCase())
  const { name } = where
  if (known !== undefined) return { name, ...MODES[known]!(profile, where) }
  const what = mode === '' ? 'a profile that is not configured' : `a profile of the mode ${sanitize(mode)}`
  return { name, what }
}

type UnnamedCandidate = Omit<ImportCandidate, 'name'>

/** By aliyun's names, which it accepts in any case. */
const MODES: Readonly<Record<string, (profile: Profile, where: ProfileSource) => UnnamedCandidate>> = {
  AK: buildKeysCandidate,
  StsToken: buildTemporaryCandidate,
  RamRoleArn: buildKeysRoleCandidate,
  ChainableRamRoleArn: buildProfileRoleCandidate,
  OAuth: buildSessionCandidate,
  External: buildProgramCandidate,
  CloudSSO: (_, { again }) => ({ what: 'CloudSSO', next: `keep using: ${again}` }),
  EcsRamRole: () => buildWorkloadCandidate('the role of the machine it runs on'),
  RamRoleArnWithRoleName: () => buildWorkloadCandidate('a role by the role of the machine it runs on'),
  OIDC: () => buildWorkloadCandidate('an OIDC token of the place it runs in'),
  CredentialsURI: () => buildWorkloadCandidate('an address that hands out keys'),
  RsaKeyPair: (_, { name }) => ({ what: 'a key pair, which is deprecated', next: formatLoginCommand(name) }),
  BearerToken: (_, { name }) => ({ what: 'a bearer token of one service', next: formatLoginCommand(name) }),
  Anonymous: () => ({ what: 'nobody: requests without keys' }),
}

const buildWorkloadCandidate = (what: string): UnnamedCandidate => ({
  what,
  next: 'leave it to the tool: its keys come from where it runs',
})

const formatLoginCommand = (name: string, flags: readonly string[] = []) =>
  formatCommand({ verb: 'login', args: ['alibaba'], identity: name, flags })

const getText = (profile: Profile, name: string): string | undefined => {
  const said = profile[name]
  return typeof said === 'string' && said !== '' ? said : undefined
}

/** Returns a time given in seconds since 1970, as text or number. Zero means none. */
function getTime(profile: Profile, name: string): Time | undefined {
  const seconds = Number(profile[name])
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined
}

function getKeys(profile: Profile, issuedAt: Time): KeysCredential | undefined {
  const [accessKeyId, secret] = [getText(profile, 'access_key_id'), getText(profile, 'access_key_secret')]
  if (accessKeyId === undefined || secret === undefined) return undefined
  return { kind: 'keys', cloud: 'alibaba', accessKeyId, secretAccessKey: new Secret(secret), issuedAt }
}

const getRegionParam = (profile: Profile): Record<string, string> => {
  const region = getText(profile, 'region_id')
  return region === undefined ? {} : { region }
}

const buildIncompleteCandidate = (name: string): UnnamedCandidate => ({
  what: 'an access key without its other half',
  next: formatLoginCommand(name),
})

const formatRemovalHint = (file: string) =>
  `the keys still stand in ${file}: remove them there when this works`

const formatKeyName = (keys: KeysCredential) => `the access key ${new Secret(keys.accessKeyId).masked()}`

function buildKeysCandidate(profile: Profile, { name, file }: ProfileSource): UnnamedCandidate {
  const keys = getKeys(profile, 0)
  if (!keys) return buildIncompleteCandidate(name)
  const { accessKeyId: account } = keys
  return {
    what: formatKeyName(keys),
    next: formatRemovalHint(file),
    take: async (issuedAt) => ({
      provider: 'alibaba',
      method: 'keys',
      params: getRegionParam(profile),
      grant: { credential: { ...keys, issuedAt } },
      account: { account },
    }),
  }
}

/** Imports temporary keys until they expire; no tool renews them. */
function buildTemporaryCandidate(profile: Profile, { name }: ProfileSource): UnnamedCandidate {
  const [keys, token] = [getKeys(profile, 0), getText(profile, 'sts_token')]
  const expiresAt = getTime(profile, 'sts_expiration')
  if (!keys || token === undefined) return buildIncompleteCandidate(name)
  if (expiresAt === undefined)
    return { what: 'temporary keys of unknown end', next: formatLoginCommand(name) }
  const { accessKeyId: account } = keys
  return {
    what: `temporary keys until ${formatTime(expiresAt)}`,
    next: formatLoginCommand(name),
    take: async (issuedAt) => {
      if (expiresAt <= issuedAt) return undefined
      const credential = { ...keys, issuedAt, expiresAt, sessionToken: new Secret(token) }
      return {
        provider: 'alibaba',
        method: 'keys',
        params: getRegionParam(profile),
        grant: { credential },
        account: { account },
      }
    },
  }
}

/** Imports a role with the keys that assume it. The keys are stored with it, and it is assumed on use. */
function buildKeysRoleCandidate(profile: Profile, { name, file }: ProfileSource): UnnamedCandidate {
  const [keys, role] = [getKeys(profile, 0), getText(profile, 'ram_role_arn')]
  if (!keys || role === undefined) return buildIncompleteCandidate(name)
  return {
    what: `the role ${sanitize(role)}, by ${formatKeyName(keys)}`,
    next: formatRemovalHint(file),
    take: async (issuedAt) => ({
      provider: 'alibaba',
      kind: 'alibaba/ram-role',
      method: 'keys',
      params: { ...getRegionParam(profile), ...buildRoleParams(profile, role) },
      grant: { credential: createExpiredKeys(issuedAt), longTerm: { ...keys, issuedAt } },
      renewable: true,
      account: { principal: role },
    }),
  }
}

/** Placeholder for the first keys, which were not issued yet; it is expired. */
const createExpiredKeys = (now: Time): KeysCredential => ({
  kind: 'keys',
  cloud: 'alibaba',
  accessKeyId: '',
  secretAccessKey: new Secret(''),
  sessionToken: new Secret(''),
  issuedAt: now - 1,
  expiresAt: now - 1,
})

function buildRoleParams(profile: Profile, role_arn: string): Record<string, string> {
  const session_name = getText(profile, 'ram_session_name')
  const external_id = getText(profile, 'external_id')
  const seconds = Number(profile.expired_seconds)
  return {
    role_arn,
    ...(session_name !== undefined && { session_name }),
    ...(external_id !== undefined && { external_id }),
    ...(Number.isSafeInteger(seconds) && seconds > 0 && { duration: `${seconds}s` }),
  }
}

/** Offers a role as text for config.yaml, which only the person writes. */
function buildProfileRoleCandidate(profile: Profile, { name }: ProfileSource): UnnamedCandidate {
  const role = getText(profile, 'ram_role_arn')
  if (role === undefined) return { what: 'a role without a name' }
  const principal = Object.entries(buildRoleParams(profile, role)).map(([key, value]) => `${key}: ${value}`)
  const via = getText(profile, 'source_profile') ?? 'NAME'
  return {
    what: `the role ${sanitize(role)}`,
    next: `write into config.yaml: ${name}: { kind: alibaba/ram-role, via: { identity: ${via} }, principal: { ${principal.join(', ')} } }`,
  }
}

function buildProgramCandidate(profile: Profile, { name }: ProfileSource): UnnamedCandidate {
  return isOwnCommand(getText(profile, 'process_command') ?? '')
    ? { what: 'a profile of daypass itself' }
    : { what: 'a program that hands out keys', next: formatLoginCommand(name) }
}

/** Offers a browser login. Its refresh token changes with every use. */
function buildSessionCandidate(profile: Profile, { name, again, now }: ProfileSource): UnnamedCandidate {
  const site = getSite(profile)
  const { region } = getRegionParam(profile)
  const flags = [...(site ? ['--site', site] : []), ...(region === undefined ? [] : ['--region', region])]
  const login = formatLoginCommand(name, flags)
  const what = `the login of ${site === 'intl' ? 'the international site' : 'the site of China'}`
  const token = getText(profile, 'oauth_refresh_token')
  if (token === undefined || site === undefined) return { what: 'a login that nobody can renew', next: login }
  return {
    what,
    rotates: { session: hashText(token), login, again },
    take: async (at) => {
      const later = await now()
      return later && buildSessionGrant(later, at)
    },
  }
}

function getSite(profile: Profile): 'cn' | 'intl' | undefined {
  const said = getText(profile, 'oauth_site_type')?.toLowerCase()
  return said === 'cn' || said === 'intl' ? said : undefined
}

/** One hour: the observed lifetime of such keys. */
const KEYS_LIFETIME = 60 * 60_000

function buildSessionGrant(profile: Profile, now: Time): ImportedGrant | undefined {
  const [site, refreshToken] = [getSite(profile), getText(profile, 'oauth_refresh_token')]
  if (site === undefined || refreshToken === undefined) return undefined
  const ends = getTime(profile, 'oauth_access_token_expire') ?? now - 1
  const end = getTime(profile, 'oauth_refresh_token_expire')
  if (end !== undefined && end <= now) return undefined
  return {
    provider: 'alibaba',
    method: 'browser',
    params: { site, ...getRegionParam(profile) },
    grant: {
      credential: getSessionKeys(profile) ?? createExpiredKeys(now),
      source: {
        kind: 'bearer',
        token: new Secret(getText(profile, 'oauth_access_token') ?? ''),
        tokenType: 'bearer',
        issuedAt: Math.min(now, ends - KEYS_LIFETIME),
        expiresAt: ends,
      },
      refreshToken: new Secret(refreshToken),
    },
  }
}

function getSessionKeys(profile: Profile): KeysCredential | undefined {
  const [token, expiresAt] = [getText(profile, 'sts_token'), getTime(profile, 'sts_expiration')]
  if (token === undefined || expiresAt === undefined) return undefined
  const keys = getKeys(profile, expiresAt - KEYS_LIFETIME)
  return keys && { ...keys, sessionToken: new Secret(token), expiresAt }
}

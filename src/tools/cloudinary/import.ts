/** Lists what Cloudinary's CLI has stored: accounts by API key and by login, each a URL of its own scheme. */
import { formatCommand } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { sanitize } from '../../core/text.ts'
import type { Time } from '../../core/types.ts'
import { hashText } from '../files/edits.ts'
import { type Env, resolveInFolder } from '../files/expand-home.ts'
import { readForeignFile } from '../files/foreign-file.ts'
import { type Json, parseObject } from '../files/json-edit.ts'
import { waitUntilFree } from '../files/lock-file.ts'
import type { ImportCandidate, ImportedGrant, ImportSource } from '../importer.ts'

const TITLE = 'cld'
const DEFAULT = '__default__'

const resolveCldPath = (env: Env, platform: NodeJS.Platform = process.platform) =>
  resolveInFolder(env, platform, {
    variable: 'CLOUDINARY_HOME',
    folder: '.cloudinary-cli',
    name: 'config.json',
  })

export const cldImportSource: ImportSource = {
  title: TITLE,
  files: (env) => [resolveCldPath(env)],
  findDefault(env) {
    const { [DEFAULT]: chosen, ...accounts } = readCldConfig(resolveCldPath(env))
    return typeof chosen === 'string' && Object.hasOwn(accounts, chosen) ? chosen : undefined
  },
  listCandidates(env) {
    const file = resolveCldPath(env)
    const { [DEFAULT]: _, ...accounts } = readCldConfig(file)
    return Object.entries(accounts).map(([name, said]) => buildCldCandidate(name, said, file))
  },
  emptyHint: { verb: 'login', args: ['cloudinary'] },
}

const formatCldLogin = (name: string, flags: readonly string[]) =>
  formatCommand({ verb: 'login', args: ['cloudinary'], identity: name, flags })

function readCldConfig(path: string): Json {
  const text = readForeignFile(path).text.replace(/^\ufeff/, '')
  return text.trim() === '' ? {} : parseObject(text, path)
}

interface AccountUrl {
  cloud: string
  /** As in a URL, not decoded. */
  key: string
  secret: string
  settings: URLSearchParams
}

/** Parses without `URL`, which differs between versions of Node for this scheme. */
function parseAccountUrl(said: unknown): AccountUrl | undefined {
  const [, key = '', secret = '', cloud, settings] =
    /^cloudinary:\/\/(?:([^:@/?#]*):([^@/?#]*)@)?([^:@/?#]+)(?:\/[^?#]*)?(?:\?([^#]*))?$/.exec(
      String(said),
    ) ?? []
  return cloud === undefined ? undefined : { cloud, key, secret, settings: new URLSearchParams(settings) }
}

function buildCldCandidate(name: string, said: unknown, file: string): ImportCandidate {
  const url = parseAccountUrl(said)
  if (!url) return { name, what: 'nothing that is an account' }
  if (url.settings.has('oauth_token')) return buildCldSessionCandidate(name, url, file)
  return url.key && url.secret
    ? buildCldKeysCandidate(name, url, file)
    : { name, what: 'an account without keys' }
}

function buildCldKeysCandidate(
  name: string,
  { cloud, key, secret, settings }: AccountUrl,
  file: string,
): ImportCandidate {
  const what = `the API key ${new Secret(key).masked()} of ${sanitize(cloud)}`
  const region = findRegionParam(settings)
  if (region === undefined)
    return {
      name,
      what: `${what}, at an address of its own`,
      next: formatCldLogin(name, ['--method', 'keys']),
    }
  const others = [...settings.keys()].filter((setting) => !['upload_prefix', 'region'].includes(setting))
  const left = others.length > 0 ? `not copied: its settings ${others.map(sanitize).join(', ')}; ` : ''
  return {
    name,
    what,
    next: `${left}the keys still stand in ${file}: remove them there when this works`,
    take: async (issuedAt) => ({
      provider: 'cloudinary',
      method: 'keys',
      params: region,
      grant: {
        credential: {
          kind: 'keys',
          cloud: 'cloudinary',
          accessKeyId: decodeComponent(key),
          secretAccessKey: new Secret(decodeComponent(secret)),
          issuedAt,
        },
      },
      account: { account: cloud },
    }),
  }
}

function decodeComponent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Returns the region setting, or the region of the API's host. Returns undefined for an unknown host. */
function findRegionParam(settings: URLSearchParams): Record<string, string> | undefined {
  const [said, api] = [settings.get('region'), settings.get('upload_prefix')]
  if (said) return { region: said }
  if (!api) return {}
  const [, region] = /^https:\/\/(api(?:-[a-z0-9-]+)?)\.cloudinary\.com\/?$/.exec(api) ?? []
  return region === undefined ? undefined : { region }
}

/** Offers a browser login. Its refresh token is single-use. */
function buildCldSessionCandidate(name: string, url: AccountUrl, file: string): ImportCandidate {
  const region = url.settings.get('region')
  const flags = region && region !== 'api' ? ['--region', region] : []
  const login = formatCldLogin(name, flags)
  const token = url.settings.get('refresh_token')
  if (!token) return { name, what: `a login to ${sanitize(url.cloud)} that nobody can renew`, next: login }
  return {
    name,
    what: `the login to ${sanitize(url.cloud)}`,
    rotates: { session: hashText(token), login, again: ['cld', 'login', name, ...flags].join(' ') },
    take: async (now) => {
      await waitUntilFree(`${file}.lock`, TITLE)
      const later = parseAccountUrl(readCldConfig(file)[name])
      return later && buildCldGrant(later, now)
    },
  }
}

function buildCldGrant({ cloud, settings }: AccountUrl, now: Time): ImportedGrant | undefined {
  const [token, refreshToken] = [settings.get('oauth_token'), settings.get('refresh_token')]
  if (!token || !refreshToken) return undefined
  const [region, email] = [settings.get('region'), settings.get('account_email')]
  const expiresAt = parseSeconds(settings, 'expires_at') ?? now - 1
  return {
    provider: 'cloudinary',
    method: 'browser',
    params: region ? { region } : {},
    grant: {
      credential: {
        kind: 'bearer',
        token: new Secret(token),
        tokenType: 'bearer',
        issuedAt: parseSeconds(settings, 'issued_at') ?? Math.min(now, expiresAt) - 1,
        expiresAt,
      },
      refreshToken: new Secret(refreshToken),
    },
    account: { account: cloud, ...(email && { email }) },
  }
}

function parseSeconds(settings: URLSearchParams, name: string): Time | undefined {
  const said = Number(settings.get(name) || Number.NaN)
  return Number.isFinite(said) ? said * 1000 : undefined
}

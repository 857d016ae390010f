/** What Cloudinary's command line has kept: accounts by API key and by login, each an address of its own scheme. */
import { formatCommand } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { shown } from '../../core/text.ts'
import type { Time } from '../../core/types.ts'
import { sumOf } from '../files/edits.ts'
import { type Env, inFolder } from '../files/expand-home.ts'
import { readForeign } from '../files/foreign-file.ts'
import { type Json, parseObject } from '../files/json-edit.ts'
import { whenFree } from '../files/lock-file.ts'
import type { Offer, Source, Taken } from '../importer.ts'

const TITLE = 'cld'
const DEFAULT = '__default__'

const pathOf = (env: Env, platform: NodeJS.Platform = process.platform) =>
  inFolder(env, platform, { variable: 'CLOUDINARY_HOME', folder: '.cloudinary-cli', name: 'config.json' })

export const offersOfCld: Source = {
  title: TITLE,
  files: (env) => [pathOf(env)],
  chosen(env) {
    const { [DEFAULT]: chosen, ...accounts } = read(pathOf(env))
    return typeof chosen === 'string' && Object.hasOwn(accounts, chosen) ? chosen : undefined
  },
  offers(env) {
    const file = pathOf(env)
    const { [DEFAULT]: _, ...accounts } = read(file)
    return Object.entries(accounts).map(([name, said]) => offerOf(name, said, file))
  },
  instead: { verb: 'login', args: ['cloudinary'] },
}

const loginAgain = (name: string, flags: readonly string[]) =>
  formatCommand({ verb: 'login', args: ['cloudinary'], identity: name, flags })

function read(path: string): Json {
  const text = readForeign(path).text.replace(/^\ufeff/, '')
  return text.trim() === '' ? {} : parseObject(text, path)
}

interface AccountUrl {
  cloud: string
  /** As a URL has it, not decoded. */
  key: string
  secret: string
  settings: URLSearchParams
}

/** By hand: `URL` takes no address of this scheme apart in the same way on every Node. */
function parseUrl(said: unknown): AccountUrl | undefined {
  const [, key = '', secret = '', cloud, settings] =
    /^cloudinary:\/\/(?:([^:@/?#]*):([^@/?#]*)@)?([^:@/?#]+)(?:\/[^?#]*)?(?:\?([^#]*))?$/.exec(
      String(said),
    ) ?? []
  return cloud === undefined ? undefined : { cloud, key, secret, settings: new URLSearchParams(settings) }
}

function offerOf(name: string, said: unknown, file: string): Offer {
  const url = parseUrl(said)
  if (!url) return { name, what: 'nothing that is an account' }
  if (url.settings.has('oauth_token')) return session(name, url, file)
  return url.key && url.secret ? keys(name, url, file) : { name, what: 'an account without keys' }
}

function keys(name: string, { cloud, key, secret, settings }: AccountUrl, file: string): Offer {
  const what = `the API key ${new Secret(key).masked()} of ${shown(cloud)}`
  const region = regionOf(settings)
  if (region === undefined)
    return {
      name,
      what: `${what}, at an address of its own`,
      next: loginAgain(name, ['--method', 'keys']),
    }
  const others = [...settings.keys()].filter((setting) => !['upload_prefix', 'region'].includes(setting))
  const left = others.length > 0 ? `not copied: its settings ${others.map(shown).join(', ')}; ` : ''
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
          accessKeyId: decoded(key),
          secretAccessKey: new Secret(decoded(secret)),
          issuedAt,
        },
      },
      account: { account: cloud },
    }),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What it says, or what the host of the API says. `undefined`: a host of which no region is known. */
function regionOf(settings: URLSearchParams): Record<string, string> | undefined {
  const [said, api] = [settings.get('region'), settings.get('upload_prefix')]
  if (said) return { region: said }
  if (!api) return {}
  const [, region] = /^https:\/\/(api(?:-[a-z0-9-]+)?)\.cloudinary\.com\/?$/.exec(api) ?? []
  return region === undefined ? undefined : { region }
}

/** A login by browser. Its refresh token is good for one use. */
function session(name: string, url: AccountUrl, file: string): Offer {
  const region = url.settings.get('region')
  const flags = region && region !== 'api' ? ['--region', region] : []
  const login = loginAgain(name, flags)
  const token = url.settings.get('refresh_token')
  if (!token) return { name, what: `a login to ${shown(url.cloud)} that nobody can renew`, next: login }
  return {
    name,
    what: `the login to ${shown(url.cloud)}`,
    rotates: { session: sumOf(token), login, again: ['cld', 'login', name, ...flags].join(' ') },
    take: async (now) => {
      await whenFree(`${file}.lock`, TITLE)
      const later = parseUrl(read(file)[name])
      return later && taken(later, now)
    },
  }
}

function taken({ cloud, settings }: AccountUrl, now: Time): Taken | undefined {
  const [token, refreshToken] = [settings.get('oauth_token'), settings.get('refresh_token')]
  if (!token || !refreshToken) return undefined
  const [region, email] = [settings.get('region'), settings.get('account_email')]
  const expiresAt = seconds(settings, 'expires_at') ?? now - 1
  return {
    provider: 'cloudinary',
    method: 'browser',
    params: region ? { region } : {},
    grant: {
      credential: {
        kind: 'bearer',
        token: new Secret(token),
        tokenType: 'bearer',
        issuedAt: seconds(settings, 'issued_at') ?? Math.min(now, expiresAt) - 1,
        expiresAt,
      },
      refreshToken: new Secret(refreshToken),
    },
    account: { account: cloud, ...(email && { email }) },
  }
}

function seconds(settings: URLSearchParams, name: string): Time | undefined {
  const said = Number(settings.get(name) || Number.NaN)
  return Number.isFinite(said) ? said * 1000 : undefined
}

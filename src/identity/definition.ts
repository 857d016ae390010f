/**
 * What an identity is: its provider, its parameters, its client, from flags, environment, configuration, record. Light: the
 * quickest `token` asks it, too.
 */
import { DaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import type { Endpoints, Header, Host, KeysCredential, Method } from '../core/types.ts'
import type { Client } from '../oauth/server.ts'
import type { Param } from '../providers/param.ts'
import type { Provider } from '../providers/provider.ts'
import { variableOf } from './params.ts'

/** What the configuration says of an identity, or of its provider. */
export interface Configured {
  params?: Record<string, string>
  clientId?: string
  clientSecret?: Secret
  scopes?: readonly string[]
  endpoints?: Endpoints
  hosts?: readonly string[]
  pasteRedirect?: string
  dpop?: boolean
  push?: boolean
  /** Which of its tokens a Kubernetes cluster is shown. */
  kubeToken?: 'id_token' | 'access_token'
  /** Of an identity: what it is, and whose credential it is made from. */
  kind?: string
  via?: string
  keys?: ConfiguredKeys
  /** False: nobody is ever sent to a browser for it. */
  webflow?: boolean
}

/** Access keys that stand in the configuration. */
export type ConfiguredKeys = Pick<KeysCredential, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>

/** The identity that a derived one is made from, and its record. */
interface Parent {
  definition: Definition
  header: Header | undefined
}

export interface Definition {
  name: string
  provider: Provider
  kind: string
  /** Of a derived identity: whose credential it is made from. */
  parent?: Parent
  /** Access keys of the configuration: they come before whatever a login kept. */
  keys?: ConfiguredKeys
  /** The ways in. */
  methods: readonly Method[]
  params: Record<string, string>
  /** Of those, what nobody said: their defaults. And what has none. */
  unsaid: readonly string[]
  scopes: readonly string[]
  clientId?: string
  clientSecret?: Secret
  /** Given by the configuration or by the provider's file; not discovered. */
  endpoints: Endpoints
  /** The only hosts its token may be sent to, where the configuration says so. */
  hosts?: readonly string[]
  /** Where the code of a login by paste is shown: a page, or `urn:ietf:wg:oauth:2.0:oob`. Default: the loopback. */
  pasteRedirect?: string
  /** Its tokens are bound to a key (RFC 9449). */
  dpop: boolean
  /** Its authorization requests are pushed (RFC 9126), whether the server requires it or not. */
  push: boolean
  /** Absent: the id_token, where there is one. */
  kubeToken?: Configured['kubeToken']
}

/** What a command line adds. */
export interface Given {
  params?: Record<string, string>
  clientId?: string
  scopes?: readonly string[]
  /** One of the provider's kinds. */
  kind?: string
}

export interface Layers {
  /** Of this identity, in `config.yaml`. */
  identity?: Configured
  /** Of its provider, in `config.yaml`. */
  provider?: Configured
  stored?: Header
  parent?: Parent
  given?: Given
  env: Host['env']
}

/** First hit wins, parameter by parameter: flag, configuration, what the login kept, the provider's default. */
export function define(name: string, provider: Provider, layers: Layers): Definition {
  const { identity, provider: own, stored, given, env } = layers
  const { params, unsaid } = paramsOf(provider, layers)
  const clientId =
    given?.clientId ??
    clientIdFromEnv(provider, env) ??
    identity?.clientId ??
    own?.clientId ??
    chosenBefore(provider, stored) ??
    publicClient(provider, params)
  const clientSecret = secretFor(layers, provider, params, clientId)
  const endpoints = endpointsFor(provider, params, {
    ...fromEnv(provider, env),
    ...own?.endpoints,
    ...identity?.endpoints,
  })
  const pasteRedirect =
    identity?.pasteRedirect ??
    own?.pasteRedirect ??
    provider.authorization.crossDevice?.redirectUri(endpoints)
  const kind = identity?.kind ?? given?.kind ?? stored?.kind ?? provider.kind
  const keptScopes = stored?.params.scopes?.split(' ').filter(Boolean)
  return {
    name,
    provider,
    kind,
    ...(layers.parent && { parent: layers.parent }),
    ...(identity?.keys && provider.kinds?.[kind]?.methods === undefined && { keys: identity.keys }),
    methods: methodsOf(provider, kind, identity),
    params,
    unsaid,
    scopes:
      given?.scopes ??
      scopesFromEnv(provider, env) ??
      identity?.scopes ??
      own?.scopes ??
      keptScopes ??
      provider.authorization.scopes,
    ...(clientId !== undefined && { clientId }),
    ...(clientSecret && { clientSecret }),
    endpoints,
    ...(pasteRedirect !== undefined && { pasteRedirect }),
    ...hosts(identity?.hosts ?? own?.hosts),
    ...kubeToken(identity?.kubeToken ?? own?.kubeToken),
    dpop: identity?.dpop ?? own?.dpop ?? provider.authorization.dpop ?? false,
    push: identity?.push ?? own?.push ?? false,
  }
}

function paramsOf(provider: Provider, layers: Layers): Pick<Definition, 'params' | 'unsaid'> {
  const { identity, provider: own, stored, given, env } = layers
  const params: Record<string, string> = {}
  const unsaid: string[] = []
  for (const [param, about] of Object.entries(provider.params)) {
    const value =
      given?.params?.[param] ??
      identity?.params?.[param] ??
      own?.params?.[param] ??
      keptValue(param, about, stored?.params, params) ??
      (param === 'region' ? saidOf(layers.parent, param) : undefined) ??
      // Whoever has logged in has it from there; of keys that need no login it is asked now.
      (identity?.keys ? variableOf(param, about, env) : undefined)
    if (value === undefined) unsaid.push(param)
    const inForce = value ?? defaultOf(about, params)
    if (inForce !== undefined) params[param] = normal(about, inForce)
  }
  return { params, unsaid }
}

const normal = (about: Param | undefined, value: string) => about?.normal?.(value) ?? value

const defaultOf = ({ default: fallback }: Param, params: Record<string, string>) =>
  typeof fallback === 'function' ? fallback(params) : fallback

/** A default that the parameters of then made is made by those of now. */
function keptValue(
  param: string,
  about: Param,
  kept: Record<string, string> | undefined,
  now: Record<string, string>,
): string | undefined {
  const value = kept?.[param]
  const isMade = value !== undefined && typeof about.default === 'function' && value === about.default(kept!)
  return isMade ? defaultOf(about, now) : value
}

/** The client that anyone may use; which one may depend on the parameters. */
export function publicClient({ client }: Provider, params: Record<string, string>): string | undefined {
  return typeof client.id === 'function' ? client.id(params) : client.id
}

/** What was only the public client of the parameters of then is no choice that counts for those of now. */
function chosenBefore(provider: Provider, stored: Header | undefined): string | undefined {
  return stored?.clientId === publicClient(provider, stored?.params ?? {}) ? undefined : stored?.clientId
}

/** What is not said of the parent either is not said. */
const saidOf = (parent: Parent | undefined, param: string) =>
  parent?.definition.unsaid.includes(param) ? undefined : parent?.definition.params[param]

const endpointsFor = (provider: Provider, params: Record<string, string>, given: Endpoints): Endpoints => ({
  ...provider.endpoints.urls?.(params, given),
  ...given,
})

function fromEnv({ environment }: Provider, env: Host['env']): Endpoints {
  const said = Object.entries(environment.endpoints ?? {}).map(([name, variables]) => [
    name,
    variables.map((variable) => env[variable]).find(Boolean),
  ])
  const given = said.filter((each): each is [string, string] => each[1] !== undefined)
  return Object.fromEntries(given.map(([name, url]) => [name, withScheme(url)])) as Endpoints
}

/** Some vendors write no more than the host. */
const withScheme = (url: string) => (/^\w+:\/\//.test(url) ? url : `https://${url}`)

function methodsOf(provider: Provider, kind: string, identity: Configured | undefined): readonly Method[] {
  const methods = provider.kinds?.[kind]?.methods ?? provider.methods
  return identity?.webflow === false
    ? methods.filter((method) => method === 'keys' || method === 'token')
    : methods
}

/** The configuration's secret belongs to its client at its server: flags that name others do without it. */
function secretFor(
  { identity, provider: own }: Layers,
  provider: Provider,
  params: Record<string, string>,
  clientId: string | undefined,
): Secret | undefined {
  const said = identity?.clientId ?? own?.clientId
  const elsewhere = ['issuer', 'api_url'].some((name) => {
    const server = identity?.params?.[name] ?? own?.params?.[name]
    return server !== undefined && normal(provider.params[name], server) !== params[name]
  })
  const another = elsewhere || (said !== undefined && said !== clientId)
  return another ? undefined : (identity?.clientSecret ?? own?.clientSecret)
}

const hosts = (said: readonly string[] | undefined) => (said === undefined ? {} : { hosts: said })

const kubeToken = (said: Configured['kubeToken']) => (said === undefined ? {} : { kubeToken: said })

function clientIdFromEnv(provider: Provider, env: Host['env']): string | undefined {
  const names = [
    `DAYPASS_${provider.id.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_CLIENT_ID`,
    ...(provider.client.env ?? []),
  ]
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== '')
}

function scopesFromEnv({ authorization }: Provider, env: Host['env']): readonly string[] | undefined {
  const said = authorization.scopesEnv?.map((name) => env[name]?.trim()).find(Boolean)
  return said?.split(/[\s,]+/)
}

/** The client to log in with. None known: the steps to register one. */
export function clientOf(definition: Definition, method?: Method): Client {
  const { provider, clientId, clientSecret, name, params } = definition
  const { crossDevice } = provider.authorization
  const ours = publicClient(provider, params)
  const isOwn = clientId === ours || clientId === crossDevice?.clientId
  if (crossDevice?.clientId && isOwn) return { id: method === 'paste' ? crossDevice.clientId : ours! }
  if (clientId === undefined) {
    throw new DaypassError('usage', `no client id is known for ${provider.title} (${name})`, {
      hint: provider.client.register.join('\n'),
    })
  }
  return {
    id: clientId,
    ...(clientSecret && { secret: clientSecret }),
    ...(provider.client.auth && { auth: provider.client.auth }),
  }
}

/**
 * A grant is bound to the server that issued it. When the configuration says another one now, nothing of it is
 * sent anywhere: a login is needed.
 */
export function checkBound(definition: Definition, header: Header): void {
  const { endpoints, provider, params, name } = definition
  const kept = header.endpoints
  const issuer = endpoints.issuer ?? provider.endpoints.issuer?.(params)
  // A personal access token was issued by no endpoint; its server is the one that was named for it, and checked it.
  const keptIssuer = kept?.issuer ?? (kept?.token ? undefined : header.params.issuer)
  const profile = provider.account.profile?.(params).url ?? endpoints.userinfo
  const pairs = [
    [
      kept?.token && serverHost(provider, kept.token),
      endpoints.token && serverHost(provider, endpoints.token),
    ],
    // Given by endpoints then, by its issuer now: that is another definition.
    [keptIssuer ?? (endpoints.token === undefined ? kept?.token : undefined), issuer],
    [!kept?.token && kept?.userinfo && hostOf(kept.userinfo), profile && hostOf(profile)],
  ]
  const different = pairs.find(([was, says]) => was && says && !sameUrl(was, says))
  if (!different) return
  const [was, says] = different
  throw new DaypassError(
    'login_required',
    `${name} was logged in at ${was}, and its definition says ${says} now`,
    {
      advice: { verb: 'login', identity: name },
    },
  )
}

export function isBound(definition: Definition, header: Header): boolean {
  try {
    checkBound(definition, header)
    return true
  } catch {
    return false
  }
}

const serverHost = ({ endpoints }: Provider, url: string) =>
  endpoints.canonicalHost?.(hostOf(url)) ?? hostOf(url)

const hostOf = (url: string) => (URL.canParse(url) ? new URL(url).host : url)

/** As discovery compares them: `https://id.example.com` and `https://id.example.com/` are one. */
const sameUrl = (a: string, b: string) =>
  a === b || (URL.canParse(a) && URL.canParse(b) && new URL(a).href === new URL(b).href)

/**
 * What an identity is: its provider, parameters and client, from flags, environment, configuration and
 * record. The fastest `token` loads this too, so it must stay small.
 */
import { DaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import { sanitize } from '../core/text.ts'
import type { Endpoints, Header, Host, KeysCredential, Method } from '../core/types.ts'
import type { Client } from '../oauth/server.ts'
import type { Param } from '../providers/param.ts'
import type { Provider } from '../providers/provider.ts'
import { findEnvParam } from './params.ts'

/** The configuration of an identity, or of its provider. */
export interface ConfiguredSettings {
  params?: Record<string, string>
  clientId?: string
  clientSecret?: Secret
  scopes?: readonly string[]
  endpoints?: Endpoints
  hosts?: readonly string[]
  pasteRedirect?: string
  dpop?: boolean
  push?: boolean
  /** The token that a Kubernetes cluster receives. */
  kubeToken?: 'id_token' | 'access_token'
  /** For an identity: its kind, and the parent that its credential is made from. */
  kind?: string
  via?: string
  keys?: ConfiguredKeys
  /** False: daypass never opens a browser for it. */
  webflow?: boolean
}

/** Access keys in the configuration. */
export type ConfiguredKeys = Pick<KeysCredential, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>

/** The parent of a derived identity, and its record. */
interface Parent {
  definition: Definition
  header: Header | undefined
}

export interface Definition {
  name: string
  provider: Provider
  kind: string
  /** For a derived identity: the identity whose credential it is made from. */
  parent?: Parent
  /** Access keys of the configuration. They win over what a login stored. */
  keys?: ConfiguredKeys
  /** The login methods. */
  methods: readonly Method[]
  params: Record<string, string>
  /** The parameters that were given nowhere: they have their default, or no value. */
  defaulted: readonly string[]
  scopes: readonly string[]
  clientId?: string
  clientSecret?: Secret
  /** From the configuration or the provider, not from discovery. */
  endpoints: Endpoints
  /** Those of them that the configuration says. */
  writtenEndpoints: Endpoints
  /** Those that an environment variable gave at the login. */
  ambient: Endpoints
  /** The endpoints that each set environment variable would give, had it been obeyed. */
  disregarded: readonly { variable: string; endpoints: Endpoints }[]
  /** The only hosts that may receive its token, where the configuration lists them. */
  hosts?: readonly string[]
  /** Where a login by paste shows the code: a page, or `urn:ietf:wg:oauth:2.0:oob`. Default: the loopback. */
  pasteRedirect?: string
  /** Tokens are bound to a key (RFC 9449). */
  dpop: boolean
  /** Authorization requests are pushed (RFC 9126), even where the server does not require it. */
  push: boolean
  /** Default: the id_token, where there is one. */
  kubeToken?: ConfiguredSettings['kubeToken']
}

/** Values from the command line. */
export interface DefinitionOverrides {
  params?: Record<string, string>
  clientId?: string
  scopes?: readonly string[]
  /** One of the provider's kinds. */
  kind?: string
}

export interface DefinitionLayers {
  /** The identity in `config.yaml`. */
  identity?: ConfiguredSettings
  /** The provider in `config.yaml`. */
  provider?: ConfiguredSettings
  stored?: Header
  parent?: Parent
  overrides?: DefinitionOverrides
  /** Endpoints of the environment: read now, or as a login kept them. Default: those of `stored`. */
  ambient?: 'environment' | Endpoints | undefined
  env: Host['env']
}

/** Takes each parameter from the first source: flag, configuration, record, provider default. */
export function createDefinition(name: string, provider: Provider, layers: DefinitionLayers): Definition {
  const { identity, provider: own, stored, overrides: given, env } = layers
  const { params, defaulted } = resolveParams(provider, layers)
  const clientId =
    given?.clientId ??
    findEnvClientId(provider, env) ??
    identity?.clientId ??
    own?.clientId ??
    findStoredClientId(provider, stored) ??
    findPublicClientId(provider, params)
  const clientSecret = findClientSecret(layers, provider, params, clientId)
  const writtenEndpoints = { ...own?.endpoints, ...identity?.endpoints }
  const said = listEnvEndpoints(provider, env)
  const ambient =
    layers.ambient === 'environment' ? mergeEnvEndpoints(said) : (layers.ambient ?? stored?.ambient)
  const resolve = (given: Endpoints | undefined) =>
    resolveEndpoints(provider, params, {
      ...given,
      // Requests to it are signed: it is shown neither a token nor a secret.
      ...mergeEnvEndpoints(said, true),
      ...writtenEndpoints,
    })
  const endpoints = resolve(ambient)
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
    methods: listMethods(provider, kind, identity),
    params,
    defaulted: defaulted,
    scopes:
      given?.scopes ??
      findEnvScopes(provider, env) ??
      identity?.scopes ??
      own?.scopes ??
      keptScopes ??
      provider.authorization.scopes,
    ...(clientId !== undefined && { clientId }),
    ...(clientSecret && { clientSecret }),
    endpoints,
    writtenEndpoints,
    ambient: ambient ?? {},
    disregarded: said
      .filter(({ atLogin }) => !atLogin && layers.ambient === undefined)
      .map((one) => ({
        variable: one.variable,
        endpoints: resolve({ ...ambient, ...mergeEnvEndpoints([one]) }),
      })),
    ...(pasteRedirect !== undefined && { pasteRedirect }),
    ...pickHosts(identity?.hosts ?? own?.hosts),
    ...pickKubeToken(identity?.kubeToken ?? own?.kubeToken),
    dpop: identity?.dpop ?? own?.dpop ?? provider.authorization.dpop ?? false,
    push: identity?.push ?? own?.push ?? false,
  }
}

function resolveParams(
  provider: Provider,
  layers: DefinitionLayers,
): Pick<Definition, 'params' | 'defaulted'> {
  const { identity, provider: own, stored, overrides: given, env } = layers
  const params: Record<string, string> = {}
  const defaulted: string[] = []
  for (const [param, about] of Object.entries(provider.params)) {
    const value =
      given?.params?.[param] ??
      identity?.params?.[param] ??
      own?.params?.[param] ??
      findStoredValue(param, about, stored?.params, params) ??
      (param === 'region' ? findParentParam(layers.parent, param) : undefined) ??
      // A login stores environment values in the record; keys without a login read them here.
      (identity?.keys ? findEnvParam(param, about, env) : undefined)
    if (value === undefined) defaulted.push(param)
    const inForce = value ?? resolveDefault(about, params)
    if (inForce !== undefined) params[param] = normalizeParam(about, inForce)
  }
  return { params, defaulted }
}

const normalizeParam = (about: Param | undefined, value: string) => about?.normalize?.(value) ?? value

const resolveDefault = ({ default: fallback }: Param, params: Record<string, string>) =>
  typeof fallback === 'function' ? fallback(params) : fallback

/** Returns the stored value. A computed default is computed again from the current parameters. */
function findStoredValue(
  param: string,
  about: Param,
  kept: Record<string, string> | undefined,
  now: Record<string, string>,
): string | undefined {
  const value = kept?.[param]
  const isMade = value !== undefined && typeof about.default === 'function' && value === about.default(kept!)
  return isMade ? resolveDefault(about, now) : value
}

/** Returns the id of the provider's public client, which may depend on the parameters. */
export function findPublicClientId({ client }: Provider, params: Record<string, string>): string | undefined {
  return typeof client.id === 'function' ? client.id(params) : client.id
}

/** A stored public client is not a choice of the user, so it is ignored when the parameters change. */
function findStoredClientId(provider: Provider, stored: Header | undefined): string | undefined {
  return stored?.clientId === findPublicClientId(provider, stored?.params ?? {})
    ? undefined
    : stored?.clientId
}

/** A parameter that the parent has by default only is not inherited. */
const findParentParam = (parent: Parent | undefined, param: string) =>
  parent?.definition.defaulted.includes(param) ? undefined : parent?.definition.params[param]

const resolveEndpoints = (
  provider: Provider,
  params: Record<string, string>,
  given: Endpoints,
): Endpoints => ({
  ...provider.endpoints.urls?.(params, given),
  ...given,
})

interface EnvEndpoint {
  name: keyof Endpoints
  url: string
  variable: string
  /** The variable is about more than this: it counts at a login, and says nothing of what is kept. */
  atLogin: boolean
}

function listEnvEndpoints({ environment }: Provider, env: Host['env']): EnvEndpoint[] {
  return Object.entries(environment.endpoints ?? {}).flatMap(([name, variables]) => {
    const variable = variables.find((each) => env[each])
    if (variable === undefined) return []
    const atLogin = environment.atLogin?.includes(variable) ?? false
    return [{ name: name as keyof Endpoints, url: addScheme(env[variable]!), variable, atLogin }]
  })
}

/** `signed`: the token services of the clouds, and nothing else. */
const mergeEnvEndpoints = (said: readonly EnvEndpoint[], signed = false): Endpoints =>
  Object.fromEntries(
    said.filter(({ name }) => (name === 'sts') === signed).map(({ name, url }) => [name, url]),
  )

/** Some vendors write only the host. */
const addScheme = (url: string) => (/^\w+:\/\//.test(url) ? url : `https://${url}`)

function listMethods(
  provider: Provider,
  kind: string,
  identity: ConfiguredSettings | undefined,
): readonly Method[] {
  const methods = provider.kinds?.[kind]?.methods ?? provider.methods
  return identity?.webflow === false
    ? methods.filter((method) => method === 'keys' || method === 'token')
    : methods
}

/** A configured secret belongs to its client and server; flags that name others get no secret. */
function findClientSecret(
  { identity, provider: own }: DefinitionLayers,
  provider: Provider,
  params: Record<string, string>,
  clientId: string | undefined,
): Secret | undefined {
  const said = identity?.clientId ?? own?.clientId
  const elsewhere = ['issuer', 'api_url'].some((name) => {
    const server = identity?.params?.[name] ?? own?.params?.[name]
    return server !== undefined && normalizeParam(provider.params[name], server) !== params[name]
  })
  const another = elsewhere || (said !== undefined && said !== clientId)
  return another ? undefined : (identity?.clientSecret ?? own?.clientSecret)
}

const pickHosts = (said: readonly string[] | undefined) => (said === undefined ? {} : { hosts: said })

const pickKubeToken = (said: ConfiguredSettings['kubeToken']) =>
  said === undefined ? {} : { kubeToken: said }

function findEnvClientId(provider: Provider, env: Host['env']): string | undefined {
  const names = [
    `DAYPASS_${provider.id.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_CLIENT_ID`,
    ...(provider.client.env ?? []),
  ]
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== '')
}

function findEnvScopes({ authorization }: Provider, env: Host['env']): readonly string[] | undefined {
  const said = authorization.scopesEnv?.map((name) => env[name]?.trim()).find(Boolean)
  return said?.split(/[\s,]+/)
}

/** Returns the client for a login. Throws `usage` with the steps to register one where none is known. */
export function resolveClient(definition: Definition, method?: Method): Client {
  const { provider, clientId, clientSecret, name, params } = definition
  const { crossDevice } = provider.authorization
  const ours = findPublicClientId(provider, params)
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

/** What is sent there carries a token, or keys in clear. */
const BEARER_ENDPOINTS = ['userinfo', 'api', 'tenants', 'exchange'] as const

/** Where the tokens of a login may be sent, beside the endpoints of its server: kept with them. */
export function listBearerEndpoints(definition: Definition): Endpoints {
  const { api, tenants } = definition.endpoints
  const userinfo = findProfileUrl(definition)
  return { ...(userinfo && { userinfo }), ...(api && { api }), ...(tenants && { tenants }) }
}

/** What a person configured wins over what the provider's file says. */
export const findProfileUrl = ({ provider, params, endpoints }: Definition) =>
  endpoints.userinfo ?? provider.account.profile?.(params, endpoints).url

/**
 * Throws `login_required` where the configuration names another host than the one that issued the grant, or another
 * host that its token is sent to. Nothing of the grant is sent to the new host.
 */
export function assertBound(definition: Definition, header: Header): void {
  const { endpoints, provider, params, name } = definition
  const kept = header.endpoints
  const issuer = endpoints.issuer ?? provider.endpoints.issuer?.(params)
  // A personal access token was issued by no endpoint; its server is the one that was named and checked it.
  const keptIssuer = kept?.issuer ?? (kept?.token ? undefined : header.params.issuer)
  const now: Endpoints = { ...endpoints, ...listBearerEndpoints(definition) }
  const pairs = [
    [
      kept?.token && resolveServerHost(provider, kept.token),
      endpoints.token && resolveServerHost(provider, endpoints.token),
    ],
    // A grant of configured endpoints does not match a definition by issuer.
    [keptIssuer ?? (endpoints.token === undefined ? kept?.token : undefined), issuer],
    ...BEARER_ENDPOINTS.map((each) => [kept?.[each], now[each]].map((url) => url && extractHost(url))),
  ]
  const different = pairs.find(([was, says]) => was && says && !isSameUrl(was, says))
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

/** A variable of the environment that would lead elsewhere than what is kept, or configured, was made for. */
export function findStrayVariable(
  { provider, endpoints, disregarded }: Definition,
  header: Header | undefined,
): { variable: string; host: string } | undefined {
  const isIssued = header?.endpoints?.token !== undefined
  const names = isIssued ? (Object.keys(endpoints) as (keyof Endpoints)[]) : BEARER_ENDPOINTS
  for (const { variable, endpoints: said } of disregarded)
    for (const name of names) {
      const [was, host] = [endpoints[name], said[name]].map((url) => url && resolveServerHost(provider, url))
      if (host && host !== was) return { variable, host }
    }
  return undefined
}

/** The environment cannot send a credential elsewhere: a person has to type the login. */
export function assertNoStrayVariable(
  definition: Definition,
  header: Header | undefined,
  flags?: readonly string[],
): void {
  const stray = findStrayVariable(definition, header)
  if (!stray) return
  const { name } = definition
  throw new DaypassError(
    'refused',
    `${stray.variable} leads to ${sanitize(stray.host)}, and ${name} is not for that host`,
    {
      hint: (command) =>
        `unset ${stray.variable}; or, to use ${name} there: ${command({ verb: 'login', identity: name, ...(flags && { flags }) })}`,
    },
  )
}

export function isBound(definition: Definition, header: Header): boolean {
  try {
    assertBound(definition, header)
    return true
  } catch {
    return false
  }
}

const resolveServerHost = ({ endpoints }: Provider, url: string) =>
  endpoints.canonicalHost?.(extractHost(url)) ?? extractHost(url)

const extractHost = (url: string) => (URL.canParse(url) ? new URL(url).host : url)

/** Compares URLs as discovery does: `https://id.example.com` and `https://id.example.com/` are equal. */
const isSameUrl = (a: string, b: string) =>
  a === b || (URL.canParse(a) && URL.canParse(b) && new URL(a).href === new URL(b).href)

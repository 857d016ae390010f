/**
 * What an identity is: its provider, its parameters, its client, from flags, environment, configuration, record. Light: the
 * quickest `token` asks it, too.
 */
import { DaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import type { Endpoints, Header, Host } from '../core/types.ts'
import type { Client } from '../oauth/server.ts'
import type { Provider } from '../providers/define.ts'

/** What the configuration says of an identity, or of its provider. */
export interface Configured {
  params?: Record<string, string>
  clientId?: string
  clientSecret?: Secret
  scopes?: readonly string[]
  endpoints?: Endpoints
  hosts?: readonly string[]
  dpop?: boolean
  push?: boolean
}

export interface Definition {
  name: string
  provider: Provider
  params: Record<string, string>
  scopes: readonly string[]
  clientId?: string
  clientSecret?: Secret
  /** Given by the configuration or by the provider's file; not discovered. */
  endpoints: Endpoints
  /** The only hosts its token may be sent to, where the configuration says so. */
  hosts?: readonly string[]
  /** Its tokens are bound to a key (RFC 9449). */
  dpop: boolean
  /** Its authorization requests are pushed (RFC 9126), whether the server requires it or not. */
  push: boolean
}

/** What a command line adds. */
export interface Given {
  params?: Record<string, string>
  clientId?: string
  scopes?: readonly string[]
}

export interface Layers {
  /** Of this identity, in `config.yaml`. */
  identity?: Configured
  /** Of its provider, in `config.yaml`. */
  provider?: Configured
  stored?: Header
  given?: Given
  env: Host['env']
}

/** First hit wins, parameter by parameter: flag, configuration, what the login kept, the provider's default. */
export function define(name: string, provider: Provider, layers: Layers): Definition {
  const { identity, provider: own, stored, given, env } = layers
  const params: Record<string, string> = {}
  for (const [param, { default: fallback }] of Object.entries(provider.params)) {
    const value =
      given?.params?.[param] ??
      identity?.params?.[param] ??
      own?.params?.[param] ??
      stored?.params[param] ??
      fallback
    if (value !== undefined) params[param] = value
  }
  const clientId =
    given?.clientId ??
    clientIdFromEnv(provider, env) ??
    identity?.clientId ??
    own?.clientId ??
    stored?.clientId ??
    provider.client.id
  const clientSecret = secretFor(layers, params, clientId)
  const keptScopes = stored?.params.scopes?.split(' ').filter(Boolean)
  return {
    name,
    provider,
    params,
    scopes: given?.scopes ?? identity?.scopes ?? own?.scopes ?? keptScopes ?? provider.scopes,
    ...(clientId !== undefined && { clientId }),
    ...(clientSecret && { clientSecret }),
    endpoints: { ...provider.endpoints?.(params), ...own?.endpoints, ...identity?.endpoints },
    ...hosts(identity?.hosts ?? own?.hosts),
    dpop: identity?.dpop ?? own?.dpop ?? provider.dpop ?? false,
    push: identity?.push ?? own?.push ?? provider.push ?? false,
  }
}

/** The configuration's secret belongs to its client at its server: flags that name others do without it. */
function secretFor(
  { identity, provider: own }: Layers,
  params: Record<string, string>,
  clientId: string | undefined,
): Secret | undefined {
  const said = identity?.clientId ?? own?.clientId
  const server = identity?.params?.issuer ?? own?.params?.issuer
  const another =
    (said !== undefined && said !== clientId) || (server !== undefined && server !== params.issuer)
  return another ? undefined : (identity?.clientSecret ?? own?.clientSecret)
}

const hosts = (said: readonly string[] | undefined) => (said === undefined ? {} : { hosts: said })

function clientIdFromEnv(provider: Provider, env: Host['env']): string | undefined {
  const names = [
    `DAYPASS_${provider.id.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_CLIENT_ID`,
    ...(provider.client.env ?? []),
  ]
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== '')
}

/** The client to log in with. None known: the steps to register one. */
export function clientOf({ provider, clientId, clientSecret, name }: Definition): Client {
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
  const issuer = endpoints.issuer ?? provider.issuer?.(params)
  // A personal access token was issued by no endpoint; its server is the one that was named for it, and checked it.
  const keptIssuer = kept?.issuer ?? (kept?.token ? undefined : header.params.issuer)
  const profile = provider.profile?.(params).url ?? endpoints.userinfo
  const pairs = [
    [kept?.token && hostOf(kept.token), endpoints.token && hostOf(endpoints.token)],
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
      hint: `daypass login ${name}`,
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

const hostOf = (url: string) => (URL.canParse(url) ? new URL(url).host : url)

/** As discovery compares them: `https://id.example.com` and `https://id.example.com/` are one. */
const sameUrl = (a: string, b: string) =>
  a === b || (URL.canParse(a) && URL.canParse(b) && new URL(a).href === new URL(b).href)

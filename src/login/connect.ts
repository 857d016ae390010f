import { DaypassError } from '../core/errors.ts'
import { localize } from '../core/localized-text.ts'
import type { Endpoints, ErrorMessage, Host, Method } from '../core/types.ts'
import { type Definition, resolveClient } from '../identity/definition.ts'
import { discover } from '../oauth/discover.ts'
import { createProofKey } from '../oauth/dpop.ts'
import { buildServer, type ClientContext, chooseClientAuth, type Server } from '../oauth/server.ts'
import { areSameSite } from '../oauth/site.ts'
import type { Provider } from '../providers/provider.ts'
import type { MethodQuestion } from './choose-method.ts'
import type { LoginOptions } from './options.ts'
import type { Connection, LoginTarget } from './stages.ts'

/** Finds the server and the client. A login with a token or keys needs neither. */
export async function connect(target: LoginTarget): Promise<Connection> {
  const { host, definition, options } = target
  // Keys of the configuration come first. Stored keys only need a new MFA code.
  const ownKeys = definition.keys ?? options.kept
  const asked = options.method ?? (options.browser ? 'browser' : ownKeys ? 'keys' : undefined)
  const question = {
    asked,
    runtimeEnvironment: host.detectRuntimeEnvironment(),
    login: createLoginAdvice(definition),
  }
  if (asked === 'token' || asked === 'keys') return { ...target, ...question, offered: definition.methods }
  const context = await resolveClientContext(host, definition)
  return { ...target, ...question, context, offered: listOfferedMethods(definition, context) }
}

/** Returns the command to repeat this login. */
const createLoginAdvice = ({ name, provider }: Definition): MethodQuestion['login'] =>
  name === provider.id ? { identity: name } : { args: [provider.id], identity: name }

/** Returns the provider's methods, without those that this server does not support. */
export function listOfferedMethods({ methods }: Definition, { server }: ClientContext): readonly Method[] {
  const { device_authorization_endpoint, authorization_endpoint } = server.metadata
  return methods.filter((method) => {
    if (method === 'device') return device_authorization_endpoint !== undefined
    return method === 'token' || method === 'keys' || authorization_endpoint !== undefined
  })
}

/** Returns the server from the given endpoints, or by discovery from its issuer. */
export async function findServer(definition: Definition, host: Pick<Host, 'fetch' | 'now'>): Promise<Server> {
  const { endpoints } = definition
  const issuer = findIssuer(definition)
  const given = buildMetadataOverrides(endpoints)
  if (endpoints.token !== undefined)
    return buildServer({ ...endpoints, ...(issuer !== undefined && { issuer }) })
  const found = await discover(host, issuer!)
  return { ...found, metadata: { ...found.metadata, ...given } }
}

/** Returns undefined only where the endpoints are given. Throws `usage` where neither is known. */
function findIssuer({ provider, params, endpoints }: Definition): string | undefined {
  const issuer = endpoints.issuer ?? provider.endpoints.issuer?.(params)
  if (!(endpoints.token ?? issuer)) throw createServerWantedError(provider)
  return issuer
}

const createServerWantedError = ({
  id,
  title,
  endpoints: { usage = '--issuer https://id.example.com' },
}: Provider) =>
  new DaypassError('usage', `${title} needs to know the server`, {
    advice: { verb: 'login', args: [id], flags: usage.split(' ') },
  })

function buildMetadataOverrides(endpoints: Endpoints): Partial<Server['metadata']> {
  const { authorization, revocation, device, userinfo, par } = endpoints
  return {
    ...(authorization && { authorization_endpoint: authorization }),
    ...(revocation && { revocation_endpoint: revocation }),
    ...(device && { device_authorization_endpoint: device }),
    ...(userinfo && { userinfo_endpoint: userinfo }),
    ...(par && { pushed_authorization_request_endpoint: par }),
  }
}

/** Returns server and client of a login. Throws before any request where one of them is not known. */
export async function resolveClientContext(
  host: ConnectHost & Pick<Host, 'terminal'>,
  definition: Definition,
): Promise<ClientContext> {
  // The server comes first: without it, no client can be registered.
  findIssuer(definition)
  const client = resolveClient(definition)
  const server = await findServer(definition, host)
  await assertTied(host, definition, server)
  const by = client.secret ? { auth: chooseClientAuth(server), ...client } : client
  const proofKey = definition.dpop ? await createProofKey() : undefined
  const push = definition.push || definition.endpoints.par !== undefined
  return { ...createClientContext(host, definition, server, by), proofKey, push }
}

/**
 * Mix-up (RFC 9700 §4.4): a code of one server is not to be sent to another. An issuer that names both endpoints, or itself
 * in its answers, ties them; so do one site, and the provider's own file. Else the person who wrote both is told.
 */
async function assertTied(
  { terminal }: Pick<Host, 'terminal'>,
  { name, provider, params, endpoints, writtenEndpoints: written }: Definition,
  { metadata }: Server,
): Promise<void> {
  const { token_endpoint: token, authorization_endpoint, device_authorization_endpoint } = metadata
  if (token === undefined || metadata.authorization_response_iss_parameter_supported) return
  const own: Endpoints = provider.endpoints.urls?.(params, {}) ?? {}
  const pages = { authorization: authorization_endpoint, device: device_authorization_endpoint }
  for (const [kind, url] of Object.entries(pages) as ['authorization' | 'device', string | undefined][]) {
    const isDiscovered = endpoints.token === undefined && endpoints[kind] === undefined
    const isOfProvider = own[kind] === url && own.token === token
    if (url === undefined || isDiscovered || isOfProvider || (await areSameSite(url, token))) continue
    const [page, tokens] = [new URL(url).host, new URL(token).host]
    const isWritten = written[kind] === url && (endpoints.token === undefined || written.token === token)
    if (!isWritten)
      throw new DaypassError(
        'refused',
        `${page} and ${tokens} are of different sites, and no issuer says that they belong together`,
        { hint: `where they do, write both into config.yaml: endpoints: { ${kind}: …, token: … }` },
      )
    terminal.warn(
      `${name} logs in at ${page} and gets its tokens from ${tokens}: no issuer says that these belong together`,
    )
  }
}

type ConnectHost = Pick<Host, 'fetch' | 'now' | 'env'>

export function createClientContext(
  host: ConnectHost,
  definition: Definition,
  server: Server,
  client: ClientContext['client'],
): ClientContext {
  const { wire, refresh, idTokenIssuer, jwt, exchange } = definition.provider.tokens
  return {
    port: { fetch: host.fetch, now: host.now, ...(wire && { wireFormat: wire }) },
    server,
    client,
    invalidGrantCodes: refresh.dead,
    ambiguousCodes: refresh.unclear,
    errorMessages: localizeErrorMessages(host, definition),
    resolveIssuer: idTokenIssuer,
    jwtTokens: jwt,
    exchange,
  }
}

function localizeErrorMessages(
  host: ConnectHost,
  { provider, params }: Definition,
): ClientContext['errorMessages'] {
  const { errorMessages = {} } = provider.tokens
  const messages = typeof errorMessages === 'function' ? errorMessages(params) : errorMessages
  return Object.fromEntries(
    Object.entries(messages).map(([code, { message, hint }]): [string, ErrorMessage] => [
      code,
      { message: localize(message, host), ...(hint !== undefined && { hint: localize(hint, host) }) },
    ]),
  )
}

/** Returns the same server with the client for this method. */
export function chooseMethodClient(
  context: ClientContext,
  definition: Definition,
  method: Method,
): ClientContext {
  return definition.provider.authorization.crossDevice?.clientId
    ? { ...context, client: resolveClient(definition, method) }
    : context
}

/** Returns the wanted scopes, without those that the server's metadata does not list. */
export function filterScopes({ scopes }: Definition, { metadata }: Server): readonly string[] {
  const offered = metadata.scopes_supported
  return offered ? scopes.filter((scope) => offered.includes(scope)) : scopes
}

export function buildExtraParameters(definition: Definition, options: LoginOptions): Record<string, string> {
  return {
    ...definition.provider.authorization.extra?.(definition.scopes),
    ...(options.loginHint && { login_hint: options.loginHint }),
    ...(options.prompt && { prompt: options.prompt }),
  }
}

import { DaypassError } from '../core/errors.ts'
import { inWords } from '../core/localized-text.ts'
import type { Endpoints, ErrorMessage, Host, Method } from '../core/types.ts'
import { clientOf, type Definition } from '../identity/definition.ts'
import { discover } from '../oauth/discover.ts'
import { newProofKey } from '../oauth/dpop.ts'
import { type Party, preferredAuth, type Server, serverFrom } from '../oauth/server.ts'
import type { Provider } from '../providers/provider.ts'
import type { Question } from './choose-method.ts'
import type { LoginOptions } from './options.ts'
import type { Connection, LoginTarget } from './stages.ts'

/** Finds the server and the client. A token or keys that were asked for need neither. */
export async function connect(target: LoginTarget): Promise<Connection> {
  const { host, definition, options } = target
  // The keys of the configuration come first, and those that are kept need no more than a code.
  const ownKeys = definition.keys ?? options.kept
  const asked = options.method ?? (options.browser ? 'browser' : ownKeys ? 'keys' : undefined)
  const question = { asked, surroundings: host.surroundings(), login: loginAdvice(definition) }
  if (asked === 'token' || asked === 'keys') return { ...target, ...question, offered: definition.methods }
  const party = await createParty(host, definition)
  return { ...target, ...question, party, offered: offeredBy(definition, party) }
}

/** What to type to get here again. */
const loginAdvice = ({ name, provider }: Definition): Question['login'] =>
  name === provider.id ? { identity: name } : { args: [provider.id], identity: name }

/** The provider's methods, less those that this very server lacks. */
export function offeredBy({ methods }: Definition, { server }: Party): readonly Method[] {
  const { device_authorization_endpoint, authorization_endpoint } = server.metadata
  return methods.filter((method) => {
    if (method === 'device') return device_authorization_endpoint !== undefined
    return method === 'token' || method === 'keys' || authorization_endpoint !== undefined
  })
}

/** The server to log in at: given endpoints as they are, else what its issuer publishes. */
export async function findServer(definition: Definition, host: Pick<Host, 'fetch' | 'now'>): Promise<Server> {
  const { endpoints } = definition
  const issuer = findIssuer(definition)
  const given = overriding(endpoints)
  if (endpoints.token !== undefined)
    return serverFrom({ ...endpoints, ...(issuer !== undefined && { issuer }) })
  const { metadata } = await discover(host, issuer!)
  return { metadata: { ...metadata, ...given }, issuerKnown: true }
}

/** Undefined only where the endpoints are given. Throws `usage` where neither is known. */
function findIssuer({ provider, params, endpoints }: Definition): string | undefined {
  const issuer = endpoints.issuer ?? provider.endpoints.issuer?.(params)
  if (!(endpoints.token ?? issuer)) throw serverWanted(provider)
  return issuer
}

const serverWanted = ({ id, title, endpoints: { usage = '--issuer https://id.example.com' } }: Provider) =>
  new DaypassError('usage', `${title} needs to know the server`, {
    advice: { verb: 'login', args: [id], flags: usage.split(' ') },
  })

function overriding(endpoints: Endpoints): Partial<Server['metadata']> {
  const { authorization, revocation, device, userinfo, par } = endpoints
  return {
    ...(authorization && { authorization_endpoint: authorization }),
    ...(revocation && { revocation_endpoint: revocation }),
    ...(device && { device_authorization_endpoint: device }),
    ...(userinfo && { userinfo_endpoint: userinfo }),
    ...(par && { pushed_authorization_request_endpoint: par }),
  }
}

/** The server and client of a login. Throws before anything is sent where one of them is not known. */
export async function createParty(host: At, definition: Definition): Promise<Party> {
  // Before the client: without a server, none can be registered.
  findIssuer(definition)
  const client = clientOf(definition)
  const server = await findServer(definition, host)
  const by = client.secret ? { auth: preferredAuth(server), ...client } : client
  const proofKey = definition.dpop ? await newProofKey() : undefined
  const push = definition.push || definition.endpoints.par !== undefined
  return { ...partyAt(host, definition, server, by), proofKey, push }
}

type At = Pick<Host, 'fetch' | 'now' | 'env'>

export function partyAt(host: At, definition: Definition, server: Server, client: Party['client']): Party {
  const { wire, refresh, idTokenIssuer, jwt, exchange } = definition.provider.tokens
  return {
    port: { fetch: host.fetch, now: host.now, ...(wire && { dialect: wire }) },
    server,
    client,
    dead: refresh.dead,
    unclear: refresh.unclear,
    meanings: meaningsOf(host, definition),
    issuerOf: idTokenIssuer,
    jwtTokens: jwt,
    exchange,
  }
}

/** In the language of the person. */
function meaningsOf(host: At, { provider, params }: Definition): Party['meanings'] {
  const { errorMessages = {} } = provider.tokens
  const messages = typeof errorMessages === 'function' ? errorMessages(params) : errorMessages
  return Object.fromEntries(
    Object.entries(messages).map(([code, { message, hint }]): [string, ErrorMessage] => [
      code,
      { message: inWords(message, host), ...(hint !== undefined && { hint: inWords(hint, host) }) },
    ]),
  )
}

/** The same server, with the client that this method takes. */
export function clientBy(party: Party, definition: Definition, method: Method): Party {
  return definition.provider.authorization.crossDevice?.clientId
    ? { ...party, client: clientOf(definition, method) }
    : party
}

/** Scopes to ask for: the wanted ones, less those that the server's metadata does not list. */
export function scopesFor({ scopes }: Definition, { metadata }: Server): readonly string[] {
  const offered = metadata.scopes_supported
  return offered ? scopes.filter((scope) => offered.includes(scope)) : scopes
}

export function extraParameters(definition: Definition, options: LoginOptions): Record<string, string> {
  return {
    ...definition.provider.authorization.extra?.(definition.scopes),
    ...(options.loginHint && { login_hint: options.loginHint }),
    ...(options.prompt && { prompt: options.prompt }),
  }
}

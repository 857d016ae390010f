import { DaypassError } from '../core/errors.ts'
import { inWords } from '../core/localized-text.ts'
import type { Endpoints, ErrorMessage, Host, Method } from '../core/types.ts'
import { clientOf, type Definition } from '../identity/definition.ts'
import { discover } from '../oauth/discover.ts'
import { newProofKey } from '../oauth/dpop.ts'
import { type Party, preferredAuth, type Server, serverFrom } from '../oauth/server.ts'
import type { Provider } from '../providers/provider.ts'
import type { LoginOptions } from './options.ts'

/** The server to log in at: given endpoints as they are, else what its issuer publishes. */
export async function serverOf(definition: Definition, host: Pick<Host, 'fetch' | 'now'>): Promise<Server> {
  const { provider, params, endpoints } = definition
  const issuer = endpoints.issuer ?? provider.endpoints.issuer?.(params)
  if (endpoints.token !== undefined)
    return serverFrom({ ...endpoints, ...(issuer !== undefined && { issuer }) })
  if (issuer === undefined) throw serverWanted(provider)
  const { metadata } = await discover(host, issuer)
  return { metadata: { ...metadata, ...overriding(endpoints) }, issuerKnown: true }
}

const serverWanted = ({ id, title, endpoints: { usage = '--issuer https://id.example.com' } }: Provider) =>
  new DaypassError('usage', `${title} needs to know the server`, { hint: `daypass login ${id} ${usage}` })

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

/** The server and client of a login. Finds out that one of them is not known before anything is sent. */
export async function partyOf(host: At, definition: Definition): Promise<Party> {
  const { endpoints, provider, params } = definition
  if (!(endpoints.token ?? endpoints.issuer ?? provider.endpoints.issuer?.(params)))
    throw serverWanted(provider)
  const client = clientOf(definition)
  const server = await serverOf(definition, host)
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

/** In the language of whoever is told. */
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

/** The same party, as the client that this way of logging in takes. */
export function partyBy(party: Party, definition: Definition, method: Method): Party {
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

import { DaypassError } from '../core/errors.ts'
import type { Endpoints, Host, Method } from '../core/types.ts'
import { discover } from '../oauth/discover.ts'
import { newProofKey } from '../oauth/dpop.ts'
import { type Party, preferredAuth, type Server, serverFrom } from '../oauth/server.ts'
import { clientOf, type Definition } from './definition.ts'
import type { LoginOptions } from './request.ts'

/** The server to log in at: given endpoints as they are, else what its issuer publishes. */
export async function serverOf(definition: Definition, host: Pick<Host, 'fetch' | 'now'>): Promise<Server> {
  const { provider, params, endpoints } = definition
  const issuer = endpoints.issuer ?? provider.issuer?.(params)
  if (endpoints.token !== undefined)
    return serverFrom({ ...endpoints, ...(issuer !== undefined && { issuer }) })
  if (issuer === undefined) {
    throw new DaypassError('usage', `${provider.title} needs to know the server`, {
      hint: `daypass login ${provider.id} ${provider.needs ?? '--issuer https://id.example.com'}`,
    })
  }
  const { metadata } = await discover(host, issuer)
  return { metadata: { ...metadata, ...overriding(endpoints) }, issuerKnown: true }
}

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

/** The server and client of a login. Finds out that no client is known before anything is sent. */
export async function partyOf(host: Pick<Host, 'fetch' | 'now'>, definition: Definition): Promise<Party> {
  const client = clientOf(definition)
  const server = await serverOf(definition, host)
  const by = client.secret ? { auth: preferredAuth(server), ...client } : client
  const proofKey = definition.dpop ? await newProofKey() : undefined
  const push = definition.push || definition.endpoints.par !== undefined
  return { ...partyAt(host, definition, server, by), proofKey, push }
}

export function partyAt(
  port: Party['port'],
  { provider }: Definition,
  server: Server,
  client: Party['client'],
): Party {
  const { dialect, refresh, meanings, idTokenIssuer, jwtTokens } = provider
  return {
    port: dialect ? { fetch: port.fetch, now: port.now, dialect } : port,
    server,
    client,
    dead: refresh.dead,
    unclear: refresh.unclear,
    meanings,
    issuerOf: idTokenIssuer,
    jwtTokens,
  }
}

/** The same party, as the client that this way of logging in takes. */
export function partyBy(party: Party, definition: Definition, method: Method): Party {
  return definition.provider.crossDevice?.clientId
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
    ...definition.provider.authorize?.(definition.scopes),
    ...(options.loginHint && { login_hint: options.loginHint }),
    ...(options.prompt && { prompt: options.prompt }),
  }
}

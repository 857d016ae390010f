import { DaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import type { Account, Entry, Grant, Host, Method } from '../core/types.ts'
import { fetchProfile } from '../oauth/profile.ts'
import { revokeIssued } from '../oauth/revoke.ts'
import { endpointsOf, type Party, type Server } from '../oauth/server.ts'
import type { Issued } from '../oauth/token.ts'
import type { Claims } from '../providers/define.ts'
import { bearer, newEntry } from '../refresh/oauth.ts'
import type { Definition } from './definition.ts'

/** The record of what was issued. Who it is comes from the id_token, else from the profile, where one is to be had. */
export async function entryOf(
  host: Host,
  definition: Definition,
  party: Party,
  issued: Issued,
  method: Method,
): Promise<Entry> {
  const { tokens } = issued
  const { proofKey } = party
  // RFC 9449 §5: a server that ignores the proof issues tokens that anyone can use.
  const unbound = proofKey && tokens.tokenType !== 'dpop' ? notBound(party) : undefined
  const problem = issued.problem ?? issued.idTokenProblem ?? unbound
  if (problem) {
    // Nobody will ever use it.
    await revokeIssued(party, tokens)
    throw problem
  }
  const credential = bearer(issued)
  const grant: Grant = {
    credential,
    ...(tokens.refreshToken && { refreshToken: tokens.refreshToken }),
    ...(proofKey && { proofKey: proofKey.jwk }),
  }
  const claims = tokens.claims ?? {}
  const fromToken = tokens.claims ? definition.provider.account(claims) : {}
  // Many servers put no more than the subject into it (OpenID Connect Core §5.4).
  const account =
    fromToken.email || fromToken.nameOfPerson
      ? fromToken
      : definition.provider.account(await profile(host, definition, party, tokens.accessToken!, claims))
  return newEntry(about(host, definition, party, method, account), grant, issued.clockOffset)
}

const notBound = ({ server }: Party) =>
  new DaypassError(
    'refused',
    `${server.metadata.issuer} binds its tokens to no key, and its definition wants that`,
    {
      hint: 'leave out dpop_bound_access_tokens where a plain bearer token will do',
    },
  )

/** The id_token's claims and the profile's. Best effort: a login is worth keeping without a name. */
async function profile(
  host: Host,
  definition: Definition,
  party: Party,
  token: Secret,
  claims: Claims,
): Promise<Claims> {
  const where = profileOf(definition, party.server)
  if (!where) return claims
  const found = await fetchProfile(host, where, token, party.proofKey).catch((): Claims => ({}))
  // Of someone else: OpenID Connect Core §5.3.2 forbids to use it.
  if (claims.sub !== undefined && found.sub !== undefined && claims.sub !== found.sub) return claims
  return { ...found, ...claims }
}

export function profileOf({ provider, params, endpoints }: Definition, server?: Server) {
  const userinfo = endpoints.userinfo ?? server?.metadata.userinfo_endpoint
  return provider.profile?.(params) ?? (userinfo === undefined ? undefined : { url: userinfo })
}

export function about(
  host: Host,
  definition: Definition,
  party: Party | undefined,
  method: Method,
  account: Account,
) {
  const { name, provider, params, scopes } = definition
  return {
    name,
    kind: provider.kind,
    provider: provider.id,
    params: { ...params, ...(method !== 'token' && { scopes: scopes.join(' ') }) },
    ...(party && { endpoints: endpointsOf(party.server), clientId: party.client.id }),
    ...(party?.client.secret && party.client.auth && { clientAuth: party.client.auth }),
    method,
    ...(Object.keys(account).length > 0 && { account }),
    createdAt: host.now(),
  }
}

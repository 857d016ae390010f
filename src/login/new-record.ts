import { parseDuration } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import { inWords } from '../core/localized-text.ts'
import type { Secret } from '../core/secret.ts'
import { shown } from '../core/text.ts'
import type {
  Account,
  BearerCredential,
  Credential,
  Entry,
  Grant,
  Header,
  Host,
  KeysCredential,
  Method,
} from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import { exchangeToken } from '../oauth/exchange.ts'
import { fetchProfile } from '../oauth/profile.ts'
import { refusalError } from '../oauth/refusal.ts'
import { revokeIssued } from '../oauth/revoke.ts'
import { endpointsOf, type Party, type Server } from '../oauth/server.ts'
import type { Issued } from '../oauth/token.ts'
import type { Claims } from '../providers/openid-account.ts'
import { issuedCredential, newEntry, sessionOfPair } from '../refresh/oauth.ts'
import { callerOf, tokenService } from '../sts/caller-identity.ts'

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
  const unbound = proofKey && tokens.tokenType !== 'dpop' && !party.port.dialect ? notBound(party) : undefined
  const problem = issued.problem ?? issued.idTokenProblem ?? unbound
  if (problem) {
    // Nobody will ever use it.
    await revokeIssued(party, tokens)
    throw problem
  }
  const grant: Grant = {
    ...(await credentialOf(definition, party, issued)),
    ...(tokens.refreshToken && { refreshToken: tokens.refreshToken }),
    ...(proofKey && { proofKey: proofKey.jwk }),
  }
  const { credential } = grant
  const account = await whoIsIt(host, definition, party, issued, credential)
  const stranger = nobody(definition, account) ?? strangerTo(definition, account)
  if (stranger) {
    await revokeIssued(party, tokens)
    throw stranger
  }
  caution(host, definition, account)
  const described = about(host, definition, party, method, account)
  const lasting = earlier(
    sessionOf(definition, credential.issuedAt),
    party.exchange ? sessionOfPair(issued) : {},
  )
  return newEntry({ ...described, ...lasting }, grant, issued.clockOffset)
}

/** What the tokens are, or what they are exchanged for. */
async function credentialOf(
  { name }: Definition,
  party: Party,
  issued: Issued,
): Promise<Pick<Grant, 'credential' | 'source'>> {
  const source = issuedCredential(issued, party.port.dialect)
  if (!party.exchange) return { credential: source }
  try {
    const outcome = await exchangeToken(party, issued.tokens.accessToken!)
    if ('refusal' in outcome) throw refusalError(outcome.refusal, `daypass login ${name}`)
    return { credential: outcome.credential, source: source as BearerCredential }
  } catch (error) {
    await revokeIssued(party, issued.tokens)
    throw error
  }
}

/** From the id_token, from the profile, and of keys from the cloud that they are for. */
async function whoIsIt(
  host: Host,
  definition: Definition,
  party: Party,
  { tokens, clockOffset }: Issued,
  credential: Credential,
): Promise<Account> {
  const { provider } = definition
  const claims = tokens.accessClaims ?? tokens.claims ?? {}
  if (credential.kind === 'keys') {
    const caller = await callerIfKnown(host, definition, credential, clockOffset)
    return provider.account.read({ ...claims, ...caller })
  }
  const fromToken = provider.account.read(claims)
  // Many servers put no more than the subject into it (OpenID Connect Core §5.4).
  if (fromToken.email || fromToken.nameOfPerson) return fromToken
  return provider.account.read(await profile(host, definition, party, tokens.accessToken!, claims))
}

/** Best effort: the sign-in has said who it is. */
async function callerIfKnown(
  host: Host,
  { endpoints, params }: Definition,
  credential: KeysCredential,
  clockOffset: number,
): Promise<Claims> {
  const at = tokenService(endpoints, params, clockOffset)
  const outcome = await callerOf(host, at, credential).catch(() => undefined)
  return outcome && 'value' in outcome ? outcome.value : {}
}

/** Of whom nothing is known, nothing could be asked. */
function nobody({ provider, name }: Definition, { account }: Account): DaypassError | undefined {
  if (provider.account.required === undefined || account !== undefined) return undefined
  return new DaypassError('refused', provider.account.required, { hint: `daypass login ${name}` })
}

/** Someone else's login is not kept under a definition that says whose it is to be. */
export function strangerTo(definition: Definition, account: Account): DaypassError | undefined {
  const { provider, kind, params, name } = definition
  const who = shown(account.principal ?? account.account ?? 'nobody known')
  const refused = provider.account.verify?.(kind, params, account)
  if (refused === undefined) return undefined
  return new DaypassError('refused', `${who} has logged in to ${name}, and ${refused}`, {
    hint: `sign out in the browser, then: daypass login ${name}`,
  })
}

export function caution(host: Host, { provider }: Definition, account: Account): void {
  const words = provider.account.warn?.(account)
  if (words !== undefined) host.terminal.warn(inWords(words, host))
}

type Session = Pick<Header, 'sessionExpiresAt'>

const earlier = (one: Session, other: Session): Session =>
  (one.sessionExpiresAt ?? Infinity) < (other.sessionExpiresAt ?? Infinity) ? one : other

/** When only a person can renew it. */
function sessionOf({ provider, params }: Definition, since: number): Session {
  const longest = provider.tokens.refresh.session
  const wanted = params.duration === undefined ? longest : parseDuration(params.duration)
  return wanted === undefined ? {} : { sessionExpiresAt: since + Math.min(wanted, longest ?? wanted) }
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
  const headers = provider.api.headers?.(params)
  return (
    provider.account.profile?.(params) ??
    (userinfo === undefined ? undefined : { url: userinfo, ...(headers && { headers }) })
  )
}

export function about(
  host: Host,
  definition: Definition,
  party: Party | undefined,
  method: Method,
  account: Account,
) {
  const { name, provider, kind, params, scopes } = definition
  return {
    name,
    // What somebody logs in to themselves is made from no other identity.
    kind: provider.kinds?.[kind]?.derived ? provider.kind : kind,
    provider: provider.id,
    params: { ...params, ...(method !== 'token' && { scopes: scopes.join(' ') }) },
    ...(party && { endpoints: endpointsOf(party.server), clientId: party.client.id }),
    ...(party?.client.secret && party.client.auth && { clientAuth: party.client.auth }),
    method,
    ...(Object.keys(account).length > 0 && { account }),
    createdAt: host.now(),
  }
}

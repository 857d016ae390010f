/** Creates the record of a login, for every method. */
import { parseDuration } from '../core/duration.ts'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { BearerCredential, Entry, Grant, Header } from '../core/types.ts'
import { type Definition, listBearerEndpoints } from '../identity/definition.ts'
import { exchangeToken } from '../oauth/exchange.ts'
import { createRefusalError } from '../oauth/refusal.ts'
import { revokeIssued } from '../oauth/revoke.ts'
import { type ClientContext, listEndpoints } from '../oauth/server.ts'
import type { IssuedTokens } from '../oauth/token.ts'
import { computePairSession, createGrantEntry, createIssuedCredential } from '../refresh/oauth.ts'
import { assertAccount, assertAccountKnown, fetchAccount } from './account.ts'
import { filterScopes } from './connect.ts'
import type { CheckedCredential, IssuedLogin, NewRecord, ObtainedLogin } from './stages.ts'

/** Creates the record. Tokens that may not be stored are revoked before the error is thrown. */
export async function newRecord(obtained: ObtainedLogin): Promise<NewRecord> {
  const { context, settle, signal } = obtained
  try {
    const checked = obtained.context ? await checkIssued(obtained) : obtained
    return { entry: createEntry(obtained, checked), context, ...(settle && { settle }) }
  } catch (error) {
    if (obtained.context) await revokeIssued(obtained.context, obtained.issued.tokens)
    await settle?.('failed')
    throw signal?.aborted && isDaypassError(signal.reason) ? signal.reason : error
  }
}

async function checkIssued(login: IssuedLogin): Promise<CheckedCredential> {
  const { host, definition, context, issued } = login
  const problem =
    issued.problem ?? issued.idTokenProblem ?? findMissingIdToken(login) ?? findUnbound(context, issued)
  if (problem) throw problem
  const grant: Grant = {
    ...(await obtainCredential(login)),
    ...(issued.tokens.refreshToken && { refreshToken: issued.tokens.refreshToken }),
    ...(context.proofKey && { proofKey: context.proofKey.jwk }),
  }
  const account = await fetchAccount(login, grant.credential)
  assertAccountKnown(definition, account)
  assertAccount(host, definition, account)
  const { issuedAt } = grant.credential
  const header = pickEarlierEnd(
    computeSessionEnd(definition, issuedAt),
    context.exchange ? computePairSession(issued) : {},
  )
  return { account, grant, clockOffset: issued.clockOffset, header }
}

/** OpenID Connect Core §3.1.3.3: without it, nothing ties the answer to this login but PKCE. */
function findMissingIdToken({
  definition,
  context: { server },
  issued,
}: IssuedLogin): DaypassError | undefined {
  const { idToken, scope = filterScopes(definition, server).join(' ') } = issued.tokens
  if (!server.isOpenId || idToken || !scope.split(' ').includes('openid')) return undefined
  const { issuer } = server.metadata
  return new DaypassError('refused', `${issuer} grants the scope openid and gives no id_token`, {
    hint: 'leave openid out of the scopes where its tokens alone will do',
  })
}

/** RFC 9449 §5: a server that ignores the proof issues tokens that work without the key. */
function findUnbound(
  { proofKey, port, server }: ClientContext,
  { tokens }: IssuedTokens,
): DaypassError | undefined {
  if (!proofKey || tokens.tokenType === 'dpop' || port.wireFormat) return undefined
  const message = `${server.metadata.issuer} binds its tokens to no key, and its definition wants that`
  return new DaypassError('refused', message, {
    hint: 'leave out dpop_bound_access_tokens where a plain bearer token will do',
  })
}

/** Returns the credential of the tokens, or the keys that they are exchanged for. */
async function obtainCredential({
  definition,
  context,
  issued,
}: IssuedLogin): Promise<Pick<Grant, 'credential' | 'source'>> {
  const source = createIssuedCredential(issued, context.port.wireFormat)
  if (!context.exchange) return { credential: source }
  const outcome = await exchangeToken(context, issued.tokens.accessToken!)
  if ('refusal' in outcome)
    throw createRefusalError(outcome.refusal, { advice: { verb: 'login', identity: definition.name } })
  return { credential: outcome.credential, source: source as BearerCredential }
}

type SessionEnd = Pick<Header, 'sessionExpiresAt'>

const pickEarlierEnd = (one: SessionEnd, other: SessionEnd): SessionEnd =>
  (one.sessionExpiresAt ?? Infinity) < (other.sessionExpiresAt ?? Infinity) ? one : other

/** Computes when only a person can renew the login. */
function computeSessionEnd({ provider, params }: Definition, since: number): SessionEnd {
  const longest = provider.tokens.refresh.session
  const wanted = params.duration === undefined ? longest : parseDuration(params.duration)
  return wanted === undefined ? {} : { sessionExpiresAt: since + Math.min(wanted, longest ?? wanted) }
}

function createEntry(
  { host, definition, context, method }: ObtainedLogin,
  { account, grant, clockOffset, profile, header }: CheckedCredential,
): Entry {
  const { name, provider, kind, params, scopes, ambient } = definition
  // All that it may be sent to is part of it.
  const endpoints = {
    ...(context && listEndpoints(context.server)),
    ...listBearerEndpoints(definition),
    ...(profile !== undefined && { userinfo: profile }),
  }
  const described = {
    name,
    // A login creates an identity that is not derived from another one.
    kind: provider.kinds?.[kind]?.derived ? provider.kind : kind,
    provider: provider.id,
    params: { ...params, ...(method !== 'token' && { scopes: scopes.join(' ') }) },
    ...(Object.keys(endpoints).length > 0 && { endpoints }),
    ...(Object.keys(ambient).length > 0 && { ambient }),
    ...(context && { clientId: context.client.id }),
    ...(context?.client.secret && context.client.auth && { clientAuth: context.client.auth }),
    method,
    ...(Object.keys(account).length > 0 && { account }),
    createdAt: host.now(),
    ...header,
  }
  return grant
    ? createGrantEntry(described, grant, clockOffset)
    : { header: { v: 2, ...described, renewable: false } }
}

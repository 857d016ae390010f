/** The record of a login, whatever method obtained it. */
import { parseDuration } from '../core/duration.ts'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { BearerCredential, Entry, Grant, Header } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import { exchangeToken } from '../oauth/exchange.ts'
import { refusalError } from '../oauth/refusal.ts'
import { revokeIssued } from '../oauth/revoke.ts'
import { endpointsOf, type Party } from '../oauth/server.ts'
import type { Issued } from '../oauth/token.ts'
import { issuedCredential, newEntry, sessionOfPair } from '../refresh/oauth.ts'
import { checkAccount, checkAccountKnown, readAccount } from './account.ts'
import type { CheckedCredential, IssuedLogin, NewRecord, Obtained } from './stages.ts'

/** Tokens that may not be kept are revoked before the error is thrown. */
export async function newRecord(obtained: Obtained): Promise<NewRecord> {
  const { party, settle, signal } = obtained
  try {
    const checked = obtained.party ? await checkIssued(obtained) : obtained
    return { entry: createEntry(obtained, checked), party, ...(settle && { settle }) }
  } catch (error) {
    if (obtained.party) await revokeIssued(obtained.party, obtained.issued.tokens)
    await settle?.('failed')
    throw signal?.aborted && isDaypassError(signal.reason) ? signal.reason : error
  }
}

async function checkIssued(login: IssuedLogin): Promise<CheckedCredential> {
  const { host, definition, party, issued } = login
  const problem = issued.problem ?? issued.idTokenProblem ?? findUnbound(party, issued)
  if (problem) throw problem
  const grant: Grant = {
    ...(await readCredential(login)),
    ...(issued.tokens.refreshToken && { refreshToken: issued.tokens.refreshToken }),
    ...(party.proofKey && { proofKey: party.proofKey.jwk }),
  }
  const account = await readAccount(login, grant.credential)
  checkAccountKnown(definition, account)
  checkAccount(host, definition, account)
  const { issuedAt } = grant.credential
  const header = earlier(sessionOf(definition, issuedAt), party.exchange ? sessionOfPair(issued) : {})
  return { account, grant, clockOffset: issued.clockOffset, header }
}

/** RFC 9449 §5: a server that ignores the proof issues tokens that anyone can use. */
function findUnbound({ proofKey, port, server }: Party, { tokens }: Issued): DaypassError | undefined {
  if (!proofKey || tokens.tokenType === 'dpop' || port.dialect) return undefined
  const message = `${server.metadata.issuer} binds its tokens to no key, and its definition wants that`
  return new DaypassError('refused', message, {
    hint: 'leave out dpop_bound_access_tokens where a plain bearer token will do',
  })
}

/** What the tokens are, or what they are exchanged for. */
async function readCredential({
  definition,
  party,
  issued,
}: IssuedLogin): Promise<Pick<Grant, 'credential' | 'source'>> {
  const source = issuedCredential(issued, party.port.dialect)
  if (!party.exchange) return { credential: source }
  const outcome = await exchangeToken(party, issued.tokens.accessToken!)
  if ('refusal' in outcome)
    throw refusalError(outcome.refusal, { advice: { verb: 'login', identity: definition.name } })
  return { credential: outcome.credential, source: source as BearerCredential }
}

type Session = Pick<Header, 'sessionExpiresAt'>

const earlier = (one: Session, other: Session): Session =>
  (one.sessionExpiresAt ?? Infinity) < (other.sessionExpiresAt ?? Infinity) ? one : other

/** From when on only a person can renew it. */
function sessionOf({ provider, params }: Definition, since: number): Session {
  const longest = provider.tokens.refresh.session
  const wanted = params.duration === undefined ? longest : parseDuration(params.duration)
  return wanted === undefined ? {} : { sessionExpiresAt: since + Math.min(wanted, longest ?? wanted) }
}

function createEntry(
  { host, definition, party, method }: Obtained,
  { account, grant, clockOffset, header }: CheckedCredential,
): Entry {
  const { name, provider, kind, params, scopes } = definition
  const described = {
    name,
    // An identity that a person logs in to is derived from no other.
    kind: provider.kinds?.[kind]?.derived ? provider.kind : kind,
    provider: provider.id,
    params: { ...params, ...(method !== 'token' && { scopes: scopes.join(' ') }) },
    ...(party && { endpoints: endpointsOf(party.server), clientId: party.client.id }),
    ...(party?.client.secret && party.client.auth && { clientAuth: party.client.auth }),
    method,
    ...(Object.keys(account).length > 0 && { account }),
    createdAt: host.now(),
    ...header,
  }
  return grant
    ? newEntry(described, grant, clockOffset)
    : { header: { v: 1, ...described, renewable: false } }
}

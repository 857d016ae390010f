/** Finds the account of a login, and checks it against the definition. */
import { DaypassError } from '../core/errors.ts'
import { localize } from '../core/localized-text.ts'
import type { Secret } from '../core/secret.ts'
import { sanitize } from '../core/text.ts'
import type { Account, Credential, Host, KeysCredential } from '../core/types.ts'
import { type Definition, findProfileUrl } from '../identity/definition.ts'
import { fetchProfile } from '../oauth/profile.ts'
import type { Server } from '../oauth/server.ts'
import type { Claims } from '../providers/openid-account.ts'
import { createTokenService, identifyCaller } from '../sts/caller-identity.ts'
import type { IssuedLogin } from './stages.ts'

/** Reads the account from the id_token, from the profile, or, for keys, from their cloud. */
export async function fetchAccount(login: IssuedLogin, credential: Credential): Promise<Account> {
  const { definition, issued } = login
  const { provider } = definition
  const { tokens, clockOffset } = issued
  const claims = tokens.accessClaims ?? tokens.claims ?? {}
  if (credential.kind === 'keys') {
    const caller = await fetchCaller(login, credential, clockOffset)
    return provider.account.read({ ...claims, ...caller })
  }
  const fromToken = provider.account.read(claims)
  // Many servers put only the subject into an id_token (OpenID Connect Core §5.4).
  if (fromToken.email || fromToken.nameOfPerson) return fromToken
  return provider.account.read(await addProfile(login, tokens.accessToken!, claims))
}

/** Best effort: a failure leaves the account of the sign-in. */
async function fetchCaller(
  { host, definition: { endpoints, params } }: IssuedLogin,
  credential: KeysCredential,
  clockOffset: number,
): Promise<Claims> {
  const at = createTokenService(endpoints, params, clockOffset)
  const outcome = await identifyCaller(host, at, credential).catch(() => undefined)
  return outcome && 'value' in outcome ? outcome.value : {}
}

/**
 * Returns the claims of the id_token and of the profile. Best effort: a login without a name is still stored.
 */
async function addProfile(
  { host, definition, context }: IssuedLogin,
  token: Secret,
  claims: Claims,
): Promise<Claims> {
  const where = findProfile(definition, context.server)
  if (!where) return claims
  const found = await fetchProfile(host, where, token, context.proofKey).catch((): Claims => ({}))
  // OpenID Connect Core §5.3.2: a profile with another subject must not be used.
  if (claims.sub !== undefined && found.sub !== undefined && claims.sub !== found.sub) return claims
  return { ...found, ...claims }
}

export function findProfile(definition: Definition, server?: Server) {
  const { provider, params, endpoints } = definition
  const url = findProfileUrl(definition) ?? server?.metadata.userinfo_endpoint
  const headers = provider.account.profile?.(params, endpoints).headers ?? provider.api.headers?.(params)
  return url === undefined ? undefined : { url, ...(headers && { headers }) }
}

/** Throws where a required account is missing, or differs from the one in the definition. */
export function assertAccount(host: Host, definition: Definition, account: Account): void {
  const { provider, kind, params, name } = definition
  const reason = provider.account.verify?.(kind, params, account)
  if (reason !== undefined) {
    const who = sanitize(account.principal ?? account.account ?? 'nobody known')
    throw new DaypassError('refused', `${who} has logged in to ${name}, and ${reason}`, {
      hint: (command) => `sign out in the browser, then: ${command({ verb: 'login', identity: name })}`,
    })
  }
  const warning = provider.account.warn?.(account)
  if (warning !== undefined) host.terminal.warn(localize(warning, host))
}

/** Throws `refused` where the provider requires an account and none is known. */
export function assertAccountKnown({ provider, name }: Definition, { account }: Account): void {
  if (provider.account.required === undefined || account !== undefined) return
  throw new DaypassError('refused', provider.account.required, { advice: { verb: 'login', identity: name } })
}

import { isDaypassError } from '../core/errors.ts'
import type { KeysCredential } from '../core/types.ts'
import { createRefusedKeysError } from '../identity/configured-keys.ts'
import type { Definition } from '../identity/definition.ts'
import { findProfile } from '../login/account.ts'
import { ping } from '../oauth/ping.ts'
import { fetchProfile } from '../oauth/profile.ts'
import { buildServer } from '../oauth/server.ts'
import { createTokenService, identifyCaller } from '../sts/caller-identity.ts'
import { type Context, loadIdentity } from './context.ts'
import {
  buildProofKey,
  type CredentialResult,
  getIdentityCredential,
  renewOnce,
  requireBearerToken,
} from './credential.ts'

/** Renews a stale credential and lets the server confirm it; a refused one is renewed once. */
export async function checkAtServer(context: Context, name: string): Promise<void> {
  const { definition } = await loadIdentity(context, name)
  const first = await getIdentityCredential(context, definition, {})
  const { credential } = first
  try {
    await verifyCredential(context, definition, first)
  } catch (error) {
    if (!isDaypassError(error, 'login_required') || !first.header) throw error
    const rejected = credential.kind === 'keys' ? credential.secretAccessKey : credential.token
    await renewOnce(context, definition, { rejected })
  }
}

async function verifyCredential(
  { host }: Context,
  definition: Definition,
  handed: CredentialResult,
): Promise<void> {
  const { credential, header } = handed
  const { provider, params, endpoints } = definition
  const account = header?.account?.account ?? params.cloud_name
  if (provider.account.ping && account !== undefined)
    return ping(host, provider.account.ping(account, endpoints), credential)
  if (credential.kind === 'keys') return verifyKeysAtSts(host, definition, credential, header?.clockOffset)
  const where = findProfile(definition, buildServer(header?.endpoints ?? {}))
  if (where) await fetchProfile(host, where, requireBearerToken(credential), buildProofKey(header, handed))
}

async function verifyKeysAtSts(
  host: Context['host'],
  definition: Definition,
  keys: KeysCredential,
  clockOffset: number | undefined,
): Promise<void> {
  const { endpoints, params, name } = definition
  if (endpoints.sts === undefined) return
  const outcome = await identifyCaller(host, createTokenService(endpoints, params, clockOffset), keys)
  if (!('refusal' in outcome)) return
  throw createRefusedKeysError(definition, outcome.refusal.error, (command) =>
    command({ verb: 'login', identity: name }),
  )
}

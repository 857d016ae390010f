import { isDaypassError } from '../core/errors.ts'
import type { KeysCredential } from '../core/types.ts'
import { refusedKeys } from '../identity/configured-keys.ts'
import type { Definition } from '../identity/definition.ts'
import { findProfile } from '../login/account.ts'
import { ping } from '../oauth/ping.ts'
import { fetchProfile } from '../oauth/profile.ts'
import { serverFrom } from '../oauth/server.ts'
import { callerOf, tokenService } from '../sts/caller-identity.ts'
import { type Context, find } from './context.ts'
import { bearerOf, type Handed, handed, proofKeyOf, takeOnce } from './credential.ts'

/** Renews what is stale, and lets the server say whose it is; what it refuses is renewed once. */
export async function checkAtServer(context: Context, name: string): Promise<void> {
  const { definition } = await find(context, name)
  const first = await handed(context, definition, {})
  const { credential } = first
  try {
    await ask(context, definition, first)
  } catch (error) {
    if (!isDaypassError(error, 'login_required') || !first.header) throw error
    const rejected = credential.kind === 'keys' ? credential.secretAccessKey : credential.token
    await takeOnce(context, definition, { rejected })
  }
}

async function ask({ host }: Context, definition: Definition, handed: Handed): Promise<void> {
  const { credential, header } = handed
  const { provider, params, endpoints } = definition
  const account = header?.account?.account ?? params.cloud_name
  if (provider.account.ping && account !== undefined)
    return ping(host, provider.account.ping(account, endpoints), credential)
  if (credential.kind === 'keys') return askOfKeys(host, definition, credential, header?.clockOffset)
  const where = findProfile(definition, serverFrom(header?.endpoints ?? {}))
  if (where) await fetchProfile(host, where, bearerOf(credential), proofKeyOf(header, handed))
}

async function askOfKeys(
  host: Context['host'],
  definition: Definition,
  keys: KeysCredential,
  clockOffset: number | undefined,
): Promise<void> {
  const { endpoints, params, name } = definition
  if (endpoints.sts === undefined) return
  const outcome = await callerOf(host, tokenService(endpoints, params, clockOffset), keys)
  if (!('refusal' in outcome)) return
  throw refusedKeys(definition, outcome.refusal.error, (command) =>
    command({ verb: 'login', identity: name }),
  )
}

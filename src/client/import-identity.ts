/** Credentials that another tool has kept, under a name of ours. */
import { checkIdentityName } from '../core/names.ts'
import type { Account, Grant, Method } from '../core/types.ts'
import { checkParam } from '../identity/params.ts'
import { endpointsOf, serverFrom } from '../oauth/server.ts'
import { newEntry } from '../refresh/oauth.ts'
import { type Context, knownNames, providerOf } from './context.ts'

export interface Adopted {
  name: string
  provider: string
  /** Default: the provider's own. */
  kind?: string
  method: Method
  params: Record<string, string>
  grant: Grant
  account?: Account
  clientId?: string
  /** It has what the next credential is made with, though no login has. */
  renewable?: true
}

export interface AdoptOptions {
  /** Only says whether it would be kept. */
  dryRun?: boolean
}

/**
 * False: the name stands for something already, and nothing is changed. Throws `usage` where the name or a parameter is
 * none that a login would take.
 */
export async function adopt(
  context: Context,
  { name, ...what }: Adopted,
  { dryRun = false }: AdoptOptions = {},
): Promise<boolean> {
  const { vault, host } = context
  const provider = providerOf(context, what.provider)
  for (const [param, value] of Object.entries(what.params)) checkParam(param, value, provider.params[param])
  checkIdentityName(name)
  if (dryRun) return !(await knownNames(context)).includes(name)
  return vault.exclusive(name, 'import', async () => {
    if ((await knownNames(context)).includes(name)) return false
    const { grant, clientId, account, method, params, kind = provider.kind } = what
    const isIssued = grant.refreshToken !== undefined || grant.source !== undefined
    const server = isIssued && serverFrom(provider.endpoints.urls?.(params, {}) ?? {})
    const header = { name, kind, provider: provider.id, params, method, createdAt: host.now() }
    const more = { ...(account && { account }), ...(clientId !== undefined && { clientId }) }
    const about = { ...header, ...more, ...(server && { endpoints: endpointsOf(server) }) }
    const entry = newEntry(about, grant, 0)
    const { renewable = entry.header.renewable } = what
    await vault.write({ ...entry, header: { ...entry.header, renewable } })
    return true
  })
}

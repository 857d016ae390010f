/** Credentials that another tool has kept, under a name of ours. */
import { checkIdentityName } from '../core/names.ts'
import type { Account, Grant, Method } from '../core/types.ts'
import { endpointsOf, serverFrom } from '../oauth/server.ts'
import { newEntry } from '../refresh/oauth.ts'
import { type Context, knownNames, providerOf } from './context.ts'

export interface Adopted {
  name: string
  provider: string
  method: Method
  params: Record<string, string>
  grant: Grant
  account?: Account
  clientId?: string
}

/** False: the name stands for something already, and nothing is changed. */
export async function adopt(context: Context, { name, ...what }: Adopted): Promise<boolean> {
  const { vault, host } = context
  const provider = providerOf(context, what.provider)
  return vault.exclusive(checkIdentityName(name), 'import', async () => {
    if ((await knownNames(context)).includes(name)) return false
    const { grant, clientId, account, method, params } = what
    const isIssued = grant.refreshToken !== undefined || grant.source !== undefined
    const server = isIssued && serverFrom(provider.endpoints?.(params, {}) ?? {})
    const header = { name, kind: provider.kind, provider: provider.id, params, method, createdAt: host.now() }
    const more = { ...(account && { account }), ...(clientId !== undefined && { clientId }) }
    await vault.write(
      newEntry({ ...header, ...more, ...(server && { endpoints: endpointsOf(server) }) }, grant, 0),
    )
    return true
  })
}

/** Credentials that another tool has kept, under a name of ours. */
import { assertIdentityName } from '../core/names.ts'
import type { Account, Grant, Method } from '../core/types.ts'
import { listBearerEndpoints } from '../identity/definition.ts'
import { assertParam } from '../identity/params.ts'
import { buildServer, listEndpoints } from '../oauth/server.ts'
import { createGrantEntry } from '../refresh/oauth.ts'
import { buildDefinition, type Context, getProvider, listKnownNames } from './context.ts'

export interface ImportedIdentity {
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

export interface ImportOptions {
  /** Only says whether it would be kept. */
  dryRun?: boolean
}

/**
 * False: the name stands for something already, and nothing is changed. Throws `usage` where the name or a parameter is
 * none that a login would take.
 */
export async function importIdentity(
  context: Context,
  { name, ...what }: ImportedIdentity,
  { dryRun = false }: ImportOptions = {},
): Promise<boolean> {
  const { vault, host } = context
  const provider = getProvider(context, what.provider)
  for (const [param, value] of Object.entries(what.params)) assertParam(param, value, provider.params[param])
  assertIdentityName(name)
  if (dryRun) return !(await listKnownNames(context)).includes(name)
  return vault.exclusive(name, 'import', async () => {
    if ((await listKnownNames(context)).includes(name)) return false
    const { grant, clientId, account, method, params, kind = provider.kind } = what
    const isIssued = grant.refreshToken !== undefined || grant.source !== undefined
    const definition = buildDefinition(context, name, provider, { given: { params }, ambient: 'environment' })
    const server = isIssued && buildServer(definition.endpoints)
    const endpoints = { ...(server && listEndpoints(server)), ...listBearerEndpoints(definition) }
    const { ambient } = definition
    const header = { name, kind, provider: provider.id, params, method, createdAt: host.now() }
    const more = { ...(account && { account }), ...(clientId !== undefined && { clientId }) }
    const bound = Object.keys(endpoints).length > 0 && { endpoints }
    const about = { ...header, ...more, ...bound, ...(Object.keys(ambient).length > 0 && { ambient }) }
    const entry = createGrantEntry(about, grant, 0)
    const { renewable = entry.header.renewable } = what
    await vault.write({ ...entry, header: { ...entry.header, renewable } })
    return true
  })
}

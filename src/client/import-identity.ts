/** Imports credentials of another tool under a name of ours. */
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
  /** Default: the provider's default kind. */
  kind?: string
  method: Method
  params: Record<string, string>
  grant: Grant
  account?: Account
  clientId?: string
  /** It can be renewed, though it comes from no login. */
  renewable?: true
}

export interface ImportOptions {
  /** Only checks whether it would be stored. */
  dryRun?: boolean
}

/**
 * Imports the credential. Returns false, and changes nothing, where the name is taken. Throws `usage` where a
 * login would not accept the name or a parameter.
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

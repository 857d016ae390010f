/** Lists the tenants of an account, and selects the one in force. */
import { DaypassError, type ErrorCode, type ErrorDetails, isDaypassError } from '../core/errors.ts'
import type { Definition } from '../identity/definition.ts'
import { readConfiguredIdentity } from '../identity/from-config.ts'
import { assertParam } from '../identity/params.ts'
import { fetchProfile } from '../oauth/profile.ts'
import type { Json } from '../oauth/wire.ts'
import type { Tenant } from '../providers/provider.ts'
import { type Context, findIdentityConfig, loadIdentity } from './context.ts'
import {
  buildProofKey,
  type CredentialResult,
  requireBearerToken,
  resolveCredential,
  resolveDefinition,
} from './credential.ts'

export interface ListedTenant extends Tenant {
  /** It is the one in force. */
  current: boolean
}

/** Asks the server for the tenants. `tenant` replaces the one in force. */
export async function listTenants(
  context: Context,
  selected: string | undefined,
  tenant: string | undefined,
): Promise<ListedTenant[]> {
  const definition = await resolveDefinition(
    context,
    selected,
    tenant === undefined ? {} : { params: { tenant } },
  )
  const { provider, endpoints, params } = definition
  if (!provider.api.tenants || endpoints.tenants === undefined) throw createNoTenantsError(definition)
  const headers = provider.api.headers?.(params) ?? {}
  const answer = await fetchTenants(context, selected, { url: endpoints.tenants, headers })
  return provider.api.tenants(answer).map((one) => ({ ...one, current: one.slug === params.tenant }))
}

type ProfileRequest = Parameters<typeof fetchProfile>[1]

/** Asks again with a renewed token where the server refuses one that looked fresh. */
async function fetchTenants(
  context: Context,
  selected: string | undefined,
  where: ProfileRequest,
): Promise<Json> {
  const first = await resolveCredential(context, selected, {})
  const { identity, credential, header } = first
  try {
    return await requestTenants(context, where, first)
  } catch (error) {
    if (!isDaypassError(error, 'login_required') || !header?.renewable) throw error
    const rejected = requireBearerToken(credential)
    return requestTenants(context, where, await resolveCredential(context, identity, { rejected }))
  }
}

async function requestTenants(
  { host }: Context,
  where: ProfileRequest,
  handed: CredentialResult,
): Promise<Json> {
  const { identity, credential, header } = handed
  try {
    return await fetchProfile(host, where, requireBearerToken(credential), buildProofKey(header, handed))
  } catch (error) {
    if (!isDaypassError(error)) throw error
    const { code, message } = error
    const next = NEXT[code]?.(identity)
    throw next ? new DaypassError(code, message, { ...next, cause: error }) : error
  }
}

const NEXT: Partial<Record<ErrorCode, (identity: string) => Pick<ErrorDetails, 'advice' | 'hint'>>> = {
  login_required: (identity) => ({ advice: { verb: 'login', identity } }),
  refused: () => ({
    hint: 'name a tenant of yours with --tenant, or where they are listed with endpoints.tenants in config.yaml',
  }),
}

const createNoTenantsError = ({ provider }: Definition) =>
  new DaypassError('usage', `${provider.title} has no tenants`, { advice: { verb: 'list' } })

/** Writes the tenant into the identity's record, as a login would. */
export async function useTenant(context: Context, name: string, slug: string): Promise<void> {
  const { vault, host, choices } = context
  const { definition } = await loadIdentity(context, name)
  if (!definition.provider.api.tenants) throw createNoTenantsError(definition)
  assertParam('tenant', slug, definition.provider.params.tenant)
  const identity = findIdentityConfig(context, name)
  if (identity && readConfiguredIdentity(name, identity, host.env).params?.tenant !== undefined) {
    const place = choices.locate?.(['auth', 'identities', name, 'tenant']) ?? 'the configuration'
    throw new DaypassError(
      'configuration',
      `the tenant of ${name} stands in ${place}, which counts for more`,
      {
        hint: 'change it there, or take it out there',
      },
    )
  }
  await vault.exclusive(name, 'tenants', async () => {
    const entry = await vault.read(name)
    if (!entry) throw createNothingStoredError(name, slug)
    const { header } = entry
    await vault.write({ ...entry, header: { ...header, params: { ...header.params, tenant: slug } } })
  })
}

const createNothingStoredError = (name: string, slug: string) =>
  new DaypassError('login_required', `${name} needs a login: nothing is kept for it`, {
    advice: { verb: 'login', identity: name, flags: ['--tenant', slug] },
  })

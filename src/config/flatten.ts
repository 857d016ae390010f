/** The configuration in flat form, after every `!env` was read. */
import type { Endpoints } from '../core/types.ts'
import { parseProviderId } from '../providers/registry.ts'
import { nameEndpoints } from './endpoints.ts'
import type { Substituted } from './env-tag.ts'
import type { Identity, Provider } from './schema.ts'

export interface FlatProvider {
  /** By the names of provider parameters: region, site, api_url, tenant, client_id, scopes, role_arn, … */
  params: Record<string, string>
  endpoints: Endpoints
  hosts?: string[]
}

export interface FlatIdentity extends FlatProvider {
  provider: string
  kind: string
  /** The parent of a derived identity. */
  via?: string
}

export function flattenIdentity(identity: Substituted<Identity>): FlatIdentity {
  const { kind, credentials = {}, principal = {}, session, via } = identity
  return {
    provider: identity.provider ?? parseProviderId(kind),
    kind,
    ...(via?.identity !== undefined && { via: via.identity }),
    ...flattenClient(identity, {
      region: identity.region ?? credentials.region,
      site: identity.site,
      api_url: identity.api_url,
      tenant: identity.tenant,
      cloud_name: identity.cloud_name,
      principal_arn: identity.principal_arn,
      account_id: identity.account_id,
      mfa_arn: credentials.mfa_arn,
      role_arn: principal.role_arn ?? principal.assume_role,
      session_name: principal.session_name,
      external_id: principal.external_id,
      source_identity: principal.source_identity,
      // A parameter is one text.
      tags: principal.tags && JSON.stringify(principal.tags),
      duration: principal.duration ?? session?.duration,
    }),
  }
}

export const flattenProvider = (provider: Substituted<Provider>): FlatProvider =>
  flattenClient(provider, { title: provider.title, env: provider.env })

function flattenClient(
  { issuer, client_id, scopes, kube_token, endpoints, hosts }: Substituted<Identity> | Substituted<Provider>,
  more: Record<string, string | undefined>,
): FlatProvider {
  const params = { issuer, client_id, kube_token, scopes: scopes?.join(' '), ...more }
  return {
    params: Object.fromEntries(
      Object.entries(params).filter((entry): entry is [string, string] => Boolean(entry[1])),
    ),
    endpoints: nameEndpoints(endpoints),
    ...(hosts && { hosts }),
  }
}

import type { EnvRef, Text } from './env-tag.ts'
import { isEnvRef } from './env-tag.ts'
import type { Identity, Provider } from './schema.ts'

/** What an identity of `config.yaml` says of itself, by the names that a provider's parameters have. */
export function identityParams(identity: Identity): Record<string, Text | undefined> {
  const { credentials = {}, principal = {}, session } = identity
  return {
    ...clientParams(identity),
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
    tags: tagsText(principal.tags),
    duration: principal.duration ?? session?.duration,
  }
}

export function clientParams({ issuer, client_id, scopes, kube_token }: Identity | Provider) {
  const written = scopes?.filter((scope): scope is string => typeof scope === 'string')
  const read = scopes?.find((scope): scope is EnvRef => typeof scope !== 'string')
  return { issuer, client_id, kube_token, scopes: read ?? written?.join(' ') }
}

/** A parameter is one text. */
function tagsText(tags: Record<string, Text> | undefined): Text | undefined {
  const read = Object.values(tags ?? {}).find(isEnvRef)
  return read ?? (tags && JSON.stringify(tags))
}

import type { Substituted } from '../config/env-tag.ts'
import { flattenIdentity, flattenProvider } from '../config/flatten.ts'
import { readIdentity, readProvider } from '../config/read-env.ts'
import type { Identity, Provider } from '../config/schema.ts'
import { Secret } from '../core/secret.ts'
import type { Host } from '../core/types.ts'
import type { ConfiguredKeys, ConfiguredSettings } from './definition.ts'

/** Reads an identity of `config.yaml`, including its `!env` values. */
export function readConfiguredIdentity(name: string, said: Identity, env: Host['env']): ConfiguredSettings {
  const read = readIdentity(name, said, env)
  const { credentials = {} } = read
  const keys = findCredentialKeys(credentials)
  return {
    ...flattenIdentity(read),
    ...convertClient(read),
    ...(keys && { keys }),
    ...(credentials.webflow_enabled !== undefined && { webflow: credentials.webflow_enabled }),
  }
}

function findCredentialKeys(
  credentials: NonNullable<Substituted<Identity>['credentials']>,
): ConfiguredKeys | undefined {
  const { access_key_id, secret_access_key, security_token } = credentials
  if (!access_key_id || !secret_access_key) return undefined
  return {
    accessKeyId: access_key_id,
    secretAccessKey: new Secret(secret_access_key),
    ...(security_token && { sessionToken: new Secret(security_token) }),
  }
}

/** Reads a configured provider of `config.yaml`, including its `!env` values. */
export function readConfiguredProvider(name: string, said: Provider, env: Host['env']): ConfiguredSettings {
  const read = readProvider(name, said, env)
  return { ...flattenProvider(read), ...convertClient(read) }
}

function convertClient(said: Substituted<Identity> | Substituted<Provider>): ConfiguredSettings {
  return {
    ...(said.client_id && { clientId: said.client_id }),
    ...(said.client_secret && { clientSecret: new Secret(said.client_secret) }),
    ...(said.scopes && { scopes: said.scopes }),
    ...(said.kube_token && { kubeToken: said.kube_token }),
    ...(said.paste_redirect_uri && { pasteRedirect: said.paste_redirect_uri }),
    ...(said.dpop_bound_access_tokens !== undefined && { dpop: said.dpop_bound_access_tokens }),
    ...(said.require_pushed_authorization_requests !== undefined && {
      push: said.require_pushed_authorization_requests,
    }),
  }
}

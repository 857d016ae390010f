/**
 * Decides whether a stored credential may be handed out without a lock, a request, or a secret of the
 * configuration. It loads few modules, because the fast path of `token` uses it.
 */
import type { CompiledIdentity, CompiledProvider } from '../config/compiled.ts'
import { isLine } from '../config/env-tag.ts'
import { computeLifetime, computeState, isUsable } from '../core/freshness.ts'
import type { Header, Host, Time } from '../core/types.ts'
import { createDefinition, findStrayVariable, isBound } from '../identity/definition.ts'
import { findEnvOverride } from '../identity/environment.ts'
import { defineOwnProvider } from '../providers/from-config.ts'
import type { Provider } from '../providers/provider.ts'

/** Facts known from the record's header and the compiled configuration alone. */
export interface WarmFacts {
  header: Header
  /** The provider of the record; undefined where it does not exist now. */
  provider: Provider | undefined
  /** The configuration of the identity, and of the record's provider. */
  identity: CompiledIdentity | undefined
  own: CompiledProvider | undefined
  env: Host['env']
  now: Time
}

export interface WarmOptions {
  /** The identity was named. Otherwise a token of the environment may replace it. */
  named: boolean
  /** Milliseconds that must be left. */
  minTtl?: number | undefined
}

/** Returns false where more than reading is needed, if only to report an error. */
export function isWarm(facts: WarmFacts, { named, minTtl = 0 }: WarmOptions): boolean {
  const { header, provider, identity, own, env, now } = facts
  // A grant in another tool's file is also renewed by that tool.
  if (!provider || header.home) return false
  // A derived credential is checked with its parent, and configured keys come first.
  if (identity && (identity.provider !== provider.id || identity.via !== undefined || hasKeys(identity)))
    return false
  if ([identity, own].some((entry) => entry && isReadFromEnvironment(entry, env))) return false
  if (!named && findEnvOverride(provider, facts)) return false
  const definition = createDefinition(header.name, provider, {
    env,
    stored: header,
    ...(identity && { identity }),
    ...(own && { provider: own }),
  })
  const { margin } = provider.tokens.refresh
  const isFresh = computeState(header, now, margin) === 'valid' && isUsable(header, now, margin, minTtl)
  if (findStrayVariable(definition, header)) return false
  return isFresh && minTtl <= computeLifetime(header) && isBound(definition, header)
}

const hasKeys = ({ omittedSecrets: withheld }: CompiledIdentity) => withheld.includes('access_key_id')

/** Keys that do not affect whether the stored credential is valid. Like every text, they must be one line. */
const UNDECIDING_KEYS = /^(client_id|client_secret|scopes\.\d+)$/

/** Returns whether a deciding value comes from the environment, or is invalid there. */
const isReadFromEnvironment = ({ env: variables }: CompiledIdentity | CompiledProvider, env: Host['env']) =>
  Object.entries(variables).some(([path, variable]) => {
    const value = env[variable]
    return Boolean(value) && !(UNDECIDING_KEYS.test(path) && isLine(value!))
  })

/** Builds a configured provider. Its `!env` values are read where the provider is used. */
export const buildCompiledProvider = (
  id: string,
  { params, methods, redirect }: CompiledProvider,
): Provider =>
  defineOwnProvider(id, {
    title: params.title,
    issuer: params.issuer,
    env: params.env,
    scopes: params.scopes?.split(' '),
    methods,
    redirect,
  })

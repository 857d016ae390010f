/**
 * The one rule for what is kept to be handed out as it is: without a lock, a request, or a secret of the configuration.
 * Light: the quickest `token` asks it, too.
 */
import type { CompiledIdentity, CompiledProvider } from '../config/compiled.ts'
import { isLine } from '../config/env-tag.ts'
import { computeLifetime, computeState, isUsable } from '../core/freshness.ts'
import type { Header, Host, Time } from '../core/types.ts'
import { createDefinition, findStrayVariable, isBound } from '../identity/definition.ts'
import { findEnvOverride } from '../identity/environment.ts'
import { defineOwnProvider } from '../providers/from-config.ts'
import type { Provider } from '../providers/provider.ts'

/** What is known without reading more than the record's header and the compiled configuration. */
export interface WarmFacts {
  header: Header
  /** That of the record; `undefined`: there is no such provider now. */
  provider: Provider | undefined
  /** What the configuration says of the identity, and of the record's provider. */
  identity: CompiledIdentity | undefined
  own: CompiledProvider | undefined
  env: Host['env']
  now: Time
}

export interface WarmOptions {
  /** The identity was named; else a token of the environment may stand in for it. */
  named: boolean
  /** Milliseconds that must be left. */
  minTtl?: number | undefined
}

/** False: it takes more than reading, if only to say what is wrong. */
export function isWarm(facts: WarmFacts, { named, minTtl = 0 }: WarmOptions): boolean {
  const { header, provider, identity, own, env, now } = facts
  // What rests in another tool's file is renewed by that tool, too.
  if (!provider || header.home) return false
  // A derived credential is judged with its parent, and keys of the configuration come first.
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

/** They have no part in whether what is kept is good. Like every text, they have to be one line. */
const UNDECIDING_KEYS = /^(client_id|client_secret|scopes\.\d+)$/

/** Something that decides stands in the environment, or is wrong there. */
const isReadFromEnvironment = ({ env: variables }: CompiledIdentity | CompiledProvider, env: Host['env']) =>
  Object.entries(variables).some(([path, variable]) => {
    const value = env[variable]
    return Boolean(value) && !(UNDECIDING_KEYS.test(path) && isLine(value!))
  })

/** A provider of one's own. What `!env` says of it is read where the provider is used. */
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

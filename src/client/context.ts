import { compileProvider, findConfiguredDefault } from '../config/compiled.ts'
import { findNearest } from '../config/nearest.ts'
import type { Config, Identity } from '../config/schema.ts'
import { DaypassError } from '../core/errors.ts'
import type { Header, Host } from '../core/types.ts'
import {
  createDefinition,
  type Definition,
  type DefinitionLayers,
  type DefinitionOverrides,
} from '../identity/definition.ts'
import {
  type EnvironmentCredential,
  listEnvCredentialUrls,
  listEnvKeys,
  listEnvTokens,
} from '../identity/environment.ts'
import { readConfiguredIdentity, readConfiguredProvider } from '../identity/from-config.ts'
import {
  chooseDefault,
  createUnknownIdentityError,
  type SelectedIdentity,
  type SelectionFacts,
  selectIdentity,
} from '../identity/select.ts'
import { defineOwnProvider } from '../providers/from-config.ts'
import type { Provider } from '../providers/provider.ts'
import type { Vault } from '../vault/vault.ts'
import { buildCompiledProvider } from './warm.ts'

/** The stored default, and the choice of the folder. */
export interface IdentityChoices {
  readDefault(): string | undefined
  writeDefault(name: string | undefined): Promise<void>
  /** Reads `.daypass.yaml` of the nearest parent folder. */
  folder(): Promise<{ identity: string; file: string } | undefined>
  /** Returns where a key of `config.yaml` is: `/home/ada/.config/daypass/config.yaml:12:7`. */
  locate?(path: readonly string[]): string
}

export interface Context {
  host: Host
  vault: Vault
  config: Config
  choices: IdentityChoices
  /** Built-in, passed and configured providers, by id. */
  providers: Readonly<Record<string, Provider>>
  /** Credentials of the environment count. */
  environment: boolean
}

export function mergeProviders(
  builtIn: Readonly<Record<string, Provider>>,
  config: Config,
): Record<string, Provider> {
  const own = Object.entries(config.auth?.providers ?? {}).map(
    ([id, said]) => [id, buildCompiledProvider(id, compileProvider(said))] as const,
  )
  return { ...builtIn, ...Object.fromEntries(own) }
}

export function getProvider({ providers }: Context, id: string): Provider {
  if (Object.hasOwn(providers, id)) return providers[id]!
  const near = findNearest(id, Object.keys(providers))
  const message = `there is no provider ${JSON.stringify(id)}${near ? `, did you mean ${near}` : ''}`
  throw new DaypassError('not_found', message, {
    hint: `the providers are: ${Object.keys(providers).join(', ')}`,
  })
}

/** Returns the provider of a record; one that is no longer configured can still revoke grants. */
export function getRecordProvider(context: Context, { provider }: Header): Provider {
  return Object.hasOwn(context.providers, provider)
    ? getProvider(context, provider)
    : defineOwnProvider(provider, {})
}

/** Returns the entry of an identity in `config.yaml`. */
export function findIdentityConfig({ config }: Pick<Context, 'config'>, name: string): Identity | undefined {
  const all = config.auth?.identities ?? {}
  return Object.hasOwn(all, name) ? all[name] : undefined
}

/** With their providers, as far as they can be told: what cannot be read may be of any. */
async function listKnownIdentities(context: Context): Promise<SelectionFacts['known']> {
  const kept = await context.vault.list()
  const headers = new Map(kept.flatMap((one) => ('header' in one ? [[one.name, one.header]] : [])))
  const providerOf = (name: string) => {
    const { provider, kind } = findIdentityConfig(context, name) ?? headers.get(name) ?? {}
    return provider ?? kind?.split('/')[0]
  }
  const names = kept.map(({ name }) => name)
  return mergeConfiguredNames(context, names).map((name) => ({ name, provider: providerOf(name) }))
}

/** Lists the names of all identities, stored or configured. */
export async function listKnownNames(context: Context): Promise<string[]> {
  return mergeConfiguredNames(context, await context.vault.names())
}

export function mergeConfiguredNames({ config }: Context, kept: readonly string[]): string[] {
  return [...new Set([...kept, ...Object.keys(config.auth?.identities ?? {})])].sort()
}

export interface LoadedIdentity {
  definition: Definition
  header: Header | undefined
}

/** Loads an identity by name, from its record and the configuration. */
export async function loadIdentity(
  context: Context,
  name: string,
  given?: DefinitionOverrides,
): Promise<LoadedIdentity> {
  return buildIdentity(context, name, await context.vault.header(name), given)
}

/** Builds an identity from a record that was read before. */
export async function buildIdentity(
  context: Context,
  name: string,
  header: Header | undefined,
  given?: DefinitionOverrides,
): Promise<LoadedIdentity> {
  const provider = findCurrentProvider(context, name, header)
  if (!provider) throw createUnknownIdentityError(name, await listKnownNames(context))
  const via = findIdentityConfig(context, name)?.via?.identity
  const parent = via === undefined ? undefined : await loadIdentity(context, via)
  return { header, definition: buildDefinition(context, name, provider, { header, given, parent }) }
}

/** Returns the provider of the configuration, else that of the record. */
export function findCurrentProvider(
  context: Context,
  name: string,
  header: Header | undefined,
): Provider | undefined {
  const identity = findIdentityConfig(context, name)
  if (identity) return getProvider(context, identity.provider ?? identity.kind.split('/')[0]!)
  return header && getRecordProvider(context, header)
}

export function buildDefinition(
  context: Context,
  name: string,
  provider: Provider,
  {
    header,
    given,
    parent,
    ambient,
  }: {
    header?: Header | undefined
    given?: DefinitionOverrides | undefined
    parent?: LoadedIdentity | undefined
    ambient?: DefinitionLayers['ambient']
  } = {},
): Definition {
  const { config, host } = context
  const identity = findIdentityConfig(context, name)
  const own = config.auth?.providers?.[provider.id]
  return createDefinition(name, provider, {
    env: host.env,
    ...(identity && { identity: readConfiguredIdentity(name, identity, host.env) }),
    ...(own && { provider: readConfiguredProvider(provider.id, own, host.env) }),
    ...(header?.provider === provider.id && { stored: header }),
    ...(given && { overrides: given }),
    ...(parent && { parent }),
    ambient,
  })
}

export function listEnvironmentCredentials({
  providers,
  host,
  environment,
}: Context): EnvironmentCredential[] {
  if (!environment) return []
  const all = Object.values(providers)
  const now = host.now()
  return [
    ...listEnvTokens(all, host.env, now),
    ...listEnvKeys(all, host.env, now),
    ...listEnvCredentialUrls(all, host.env, now),
  ]
}

/** Returns the default identity, even where it no longer exists, so that the error can name it. */
export const findDefaultName = (context: Context) => chooseDefault(listDefaults(context))

const listDefaults = ({ choices, config }: Context) => ({
  storedDefault: () => choices.readDefault(),
  configuredDefault: findConfiguredDefault(config),
})

/** Returns the current identity. Never uses the network. */
export const resolveIdentity = (context: Context, selected?: string): Promise<SelectedIdentity> =>
  selectIdentity({
    selected,
    env: context.host.env,
    folder: () => context.choices.folder(),
    ...listDefaults(context),
    environment: () => listEnvironmentCredentials(context),
    known: () => listKnownIdentities(context),
  })

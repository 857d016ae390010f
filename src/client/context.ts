import { compileProvider, configuredDefault } from '../config/compiled.ts'
import { nearest } from '../config/nearest.ts'
import type { Config, Identity } from '../config/schema.ts'
import { DaypassError } from '../core/errors.ts'
import type { Header, Host } from '../core/types.ts'
import { type Definition, define, type Given } from '../identity/definition.ts'
import { bearersOf, type FromEnvironment, keysIn, wholesIn } from '../identity/environment.ts'
import { configuredIdentity, configuredProvider } from '../identity/from-config.ts'
import { chooseDefault, type Resolved, selectIdentity, unknownIdentity } from '../identity/select.ts'
import { defineOwnProvider } from '../providers/from-config.ts'
import type { Provider } from '../providers/provider.ts'
import type { Vault } from '../vault/vault.ts'
import { compiledProvider } from './warm.ts'

/** The stored default, and the folder's choice. */
export interface Choices {
  readDefault(): string | undefined
  writeDefault(name: string | undefined): Promise<void>
  /** `.daypass.yaml` of the nearest parent folder. */
  folder(): Promise<{ identity: string; file: string } | undefined>
  /** Where a key of `config.yaml` stands: `/home/ada/.config/daypass/config.yaml:12:7`. */
  locate?(path: readonly string[]): string
}

/** What the verbs work with. */
export interface Context {
  host: Host
  vault: Vault
  config: Config
  choices: Choices
  /** Built in, handed in, and configured, by id. */
  providers: Readonly<Record<string, Provider>>
}

export function allProviders(
  builtIn: Readonly<Record<string, Provider>>,
  config: Config,
): Record<string, Provider> {
  const own = Object.entries(config.auth?.providers ?? {}).map(
    ([id, said]) => [id, compiledProvider(id, compileProvider(said))] as const,
  )
  return { ...builtIn, ...Object.fromEntries(own) }
}

export function providerOf({ providers }: Context, id: string): Provider {
  if (Object.hasOwn(providers, id)) return providers[id]!
  const near = nearest(id, Object.keys(providers))
  const message = `there is no provider ${JSON.stringify(id)}${near ? `, did you mean ${near}` : ''}`
  throw new DaypassError('not_found', message, {
    hint: `the providers are: ${Object.keys(providers).join(', ')}`,
  })
}

/** Of a record that is kept: a provider that is configured no more is as generic as its record, and still ends grants. */
export function providerOfRecord(context: Context, { provider }: Header): Provider {
  return Object.hasOwn(context.providers, provider)
    ? providerOf(context, provider)
    : defineOwnProvider(provider, {})
}

/** What `config.yaml` says of an identity. */
export function said({ config }: Pick<Context, 'config'>, name: string): Identity | undefined {
  const all = config.auth?.identities ?? {}
  return Object.hasOwn(all, name) ? all[name] : undefined
}

/** Every identity there is: kept, or configured. */
export async function knownNames(context: Context): Promise<string[]> {
  return withConfigured(context, await context.vault.names())
}

export function withConfigured({ config }: Context, kept: readonly string[]): string[] {
  return [...new Set([...kept, ...Object.keys(config.auth?.identities ?? {})])].sort()
}

export interface Found {
  definition: Definition
  header: Header | undefined
}

/** The identity of this name as it stands now: record and configuration together. */
export async function find(context: Context, name: string, given?: Given): Promise<Found> {
  return found(context, name, await context.vault.header(name), given)
}

/** The same of a record that was read already. */
export async function found(
  context: Context,
  name: string,
  header: Header | undefined,
  given?: Given,
): Promise<Found> {
  const provider = providerNow(context, name, header)
  if (!provider) throw unknownIdentity(name, await knownNames(context))
  const via = said(context, name)?.via?.identity
  const parent = via === undefined ? undefined : await find(context, via)
  return { header, definition: definitionOf(context, name, provider, { header, given, parent }) }
}

/** The configuration's word counts for more than the record's. */
export function providerNow(
  context: Context,
  name: string,
  header: Header | undefined,
): Provider | undefined {
  const identity = said(context, name)
  if (identity) return providerOf(context, identity.provider ?? identity.kind.split('/')[0]!)
  return header && providerOfRecord(context, header)
}

export function definitionOf(
  context: Context,
  name: string,
  provider: Provider,
  {
    header,
    given,
    parent,
  }: { header?: Header | undefined; given?: Given | undefined; parent?: Found | undefined } = {},
): Definition {
  const { config, host } = context
  const identity = said(context, name)
  const own = config.auth?.providers?.[provider.id]
  return define(name, provider, {
    env: host.env,
    ...(identity && { identity: configuredIdentity(name, identity, host.env) }),
    ...(own && { provider: configuredProvider(provider.id, own, host.env) }),
    ...(header?.provider === provider.id && { stored: header }),
    ...(given && { given }),
    ...(parent && { parent }),
  })
}

export function environmentOf({ providers, host }: Context): FromEnvironment[] {
  const all = Object.values(providers)
  const now = host.now()
  return [...bearersOf(all, host.env, now), ...keysIn(all, host.env, now), ...wholesIn(all, host.env, now)]
}

/** One that names nobody any more is said, not passed over. */
export const defaultName = (context: Context) => chooseDefault(defaultsOf(context))

const defaultsOf = ({ choices, config }: Context) => ({
  storedDefault: () => choices.readDefault(),
  configuredDefault: configuredDefault(config),
})

/** Which identity is meant here. Never the network. */
export const resolve = (context: Context, selected?: string): Promise<Resolved> =>
  selectIdentity({
    selected,
    env: context.host.env,
    folder: () => context.choices.folder(),
    ...defaultsOf(context),
    environment: () => environmentOf(context),
    known: () => knownNames(context),
  })

import { compileIdentity, compileProvider } from '../config/compiled.ts'
import { DaypassError } from '../core/errors.ts'
import { assertMinTtl } from '../core/freshness.ts'
import { isLoopbackHost } from '../core/loopback.ts'
import type { Secret } from '../core/secret.ts'
import type { Credential, Entry, Fetch, Grant, Header, Host, UsableGrant } from '../core/types.ts'
import { assertUsableRecord, findConfiguredKeys } from '../identity/configured-keys.ts'
import {
  assertNoStrayVariable,
  type Definition,
  type DefinitionOverrides,
  isBound,
} from '../identity/definition.ts'
import { type EnvironmentCredential, findEnvOverride } from '../identity/environment.ts'
import { assertParam, listEnvParams } from '../identity/params.ts'
import { createClientContext } from '../login/connect.ts'
import { fetchWithToken } from '../oauth/dpop.ts'
import { buildServer, type ClientContext } from '../oauth/server.ts'
import type { Provider } from '../providers/provider.ts'
import { renewExchanged } from '../refresh/exchange.ts'
import { renewOAuth } from '../refresh/oauth.ts'
import {
  type CredentialOptions,
  type RenewalSource,
  type RenewResult,
  renewIfNeeded,
} from '../refresh/renew.ts'
import { createDerivedSource, renewOwnRole } from './assumed-role.ts'
import {
  buildDefinition,
  type Context,
  findIdentityConfig,
  getProvider,
  listEnvironmentCredentials,
  loadIdentity,
  resolveIdentity,
} from './context.ts'
import { listAllowedHosts } from './hosts.ts'
import { isWarm } from './warm.ts'

/** A credential with its identity and its source. */
export interface CredentialResult {
  identity: string
  credential: Credential
  /** The private key (JWK) that the token is bound to (RFC 9449); `fetch` makes the proofs. */
  proofKey?: Secret
  /** Absent where the environment holds the credential. */
  header?: Header
  /** The variable that holds it. */
  variable?: string
  /** The whole value of the variable, where it is an address with more than the credential. */
  credentialUrl?: EnvironmentCredential['whole']
}

/** Used in place of an identity's name; no identity can have this name. */
const ENVIRONMENT = '(environment)'

/** Returns the credential of the current identity, renewed where needed. Never opens a browser. */
export async function resolveCredential(
  context: Context,
  selected: string | undefined,
  demand: CredentialOptions,
): Promise<CredentialResult> {
  const resolved = await resolveIdentity(context, selected)
  if ('environment' in resolved)
    return getEnvironmentCredential(context, resolved.environment.provider, ENVIRONMENT)
  const { identity, named } = resolved
  const warm = await readWarmCredential(context, identity, named, demand)
  if (warm) return warm
  const { definition } = await loadIdentity(context, identity)
  if (!named && findIdentityOverride(context, definition))
    return getEnvironmentCredential(context, definition.provider.id, identity)
  return getIdentityCredential(context, definition, demand)
}

/** Returns the stored credential where it may be used without renewal. */
async function readWarmCredential(
  context: Context,
  name: string,
  named: boolean,
  { minTtl, force, rejected }: CredentialOptions,
): Promise<CredentialResult | undefined> {
  if (force || rejected) return undefined
  const { vault, host, config, providers } = context
  const isUsableNow = (header: Header | undefined): header is Header => {
    if (!header) return false
    const { provider: id } = header
    const identity = findIdentityConfig(context, name)
    const own = config.auth?.providers
    return isWarm(
      {
        header,
        provider: Object.hasOwn(providers, id) ? providers[id] : undefined,
        identity: identity && compileIdentity(identity),
        own: own && Object.hasOwn(own, id) ? compileProvider(own[id]!) : undefined,
        env: host.env,
        now: host.now(),
      },
      { named: named || !context.environment, minTtl },
    )
  }
  if (!isUsableNow(await vault.header(name))) return undefined
  const entry = await vault.readCredential(name)
  // Checked again, because the record may have changed.
  return entry?.grant && isUsableNow(entry.header) ? buildResult(name, entry.header, entry.grant) : undefined
}

/** Returns the credential of a known identity: configured keys first, then the stored grant. */
export async function getIdentityCredential(
  context: Context,
  definition: Definition,
  demand: CredentialOptions,
): Promise<CredentialResult> {
  const { name: identity } = definition
  const configured = findConfiguredKeys(context.host, definition)
  if (configured) {
    assertNoStrayVariable(definition, undefined)
    return { identity, credential: configured }
  }
  const { entry, grant } = await renewOnce(context, definition, demand)
  return buildResult(identity, entry.header, grant)
}

const buildResult = (
  identity: string,
  header: Header,
  { credential, proofKey }: UsableGrant,
): CredentialResult => ({
  identity,
  credential,
  header,
  ...(proofKey && { proofKey }),
})

const createKeysGetter = (context: Context) => async (definition: Definition, demand: CredentialOptions) => {
  const { credential } = await getIdentityCredential(context, definition, demand)
  if (credential.kind === 'keys') return credential
  throw new DaypassError('configuration', `${definition.name} has a token, and a role is made from keys`)
}

/** Returns the environment's token, which replaces an identity of its provider that was not named. */
const findIdentityOverride = ({ host, environment }: Context, { provider }: Definition) =>
  environment ? findEnvOverride(provider, { env: host.env, now: host.now() }) : undefined

export interface EnvOverride {
  identity: string
  variable: string
}

/** Returns the variable that replaces the current identity, or undefined. */
export async function resolveEnvOverride(context: Context): Promise<EnvOverride | undefined> {
  const resolved = await resolveIdentity(context)
  if ('environment' in resolved || resolved.named) return undefined
  const { identity } = resolved
  const found = findIdentityOverride(context, (await loadIdentity(context, identity)).definition)
  return found && { identity, variable: found.variable }
}

function getEnvironmentCredential(context: Context, provider: string, identity: string): CredentialResult {
  const { credential, variable, whole } = listEnvironmentCredentials(context).find(
    (found) => found.provider === provider,
  )!
  return { identity, credential, variable, ...(whole && { credentialUrl: whole }) }
}

const renewalsUnderWay = new WeakMap<Context, Map<string, Promise<RenewResult>>>()

/** Renews once per process: concurrent callers share the outcome, failures too. */
export async function renewOnce(
  context: Context,
  definition: Definition,
  demand: CredentialOptions,
): Promise<RenewResult> {
  const taken = await shareRenewal(context, definition, demand)
  if (taken.renewed) lastWarnings.get(context)?.delete(definition.name)
  return taken
}

function shareRenewal(
  context: Context,
  definition: Definition,
  demand: CredentialOptions,
): Promise<RenewResult> {
  const { name } = definition
  const lease = createRenewalSource(context, definition)
  if (demand.force || demand.rejected || demand.minTtl) return renewChecked(context, lease, demand)
  const running = renewalsUnderWay.get(context) ?? new Map<string, Promise<RenewResult>>()
  renewalsUnderWay.set(context, running)
  const shared = running.get(name)
  if (shared) return shared
  const own = renewIfNeeded(lease, demand).finally(() => running.delete(name))
  running.set(name, own)
  return own
}

async function renewChecked(
  { vault }: Context,
  lease: RenewalSource,
  demand: CredentialOptions,
): Promise<RenewResult> {
  const header = demand.minTtl ? await vault.header(lease.name) : undefined
  const outdated = lease.placeholder && header?.madeFrom !== lease.placeholder.header.madeFrom
  if (header?.key && !outdated) assertMinTtl(header, demand.minTtl!)
  return renewIfNeeded(lease, demand)
}

function createRenewalSource(context: Context, definition: Definition): RenewalSource {
  const { vault, host } = context
  const { name, provider } = definition
  if (definition.parent) return createDerivedSource(context, definition, createKeysGetter(context))
  return {
    name,
    vault,
    host: { ...host, terminal: suppressRepeatedWarnings(context, name) },
    margin: provider.tokens.refresh.margin,
    login: { verb: 'login', identity: name },
    assertUsable: ({ header }) => assertUsableRecord(definition, header),
    renew: (held, steps) => {
      const { source, longTerm } = held.grant
      if (longTerm) return renewOwnRole(context, definition, held)
      const renew = source ? renewExchanged : renewOAuth
      return renew(buildGrantContext(host, definition, held), held, steps)
    },
  }
}

const lastWarnings = new WeakMap<Context, Map<string, string>>()

/** Returns a terminal that prints a repeated warning once, for callers that ask every second. */
function suppressRepeatedWarnings(context: Context, name: string): Host['terminal'] {
  const { terminal } = context.host
  const said = lastWarnings.get(context) ?? new Map<string, string>()
  lastWarnings.set(context, said)
  const warn = (text: string) => {
    if (said.get(name) !== text) terminal.warn(text)
    said.set(name, text)
  }
  return Object.create(terminal, { warn: { value: warn } }) as Host['terminal']
}

/** Builds the server and client that a grant is bound to. The client secret comes from the configuration. */
export function buildGrantContext(
  host: Context['host'],
  definition: Definition,
  { header, grant }: Entry,
): ClientContext {
  const { clientSecret, provider } = definition
  const id = header.clientId ?? definition.clientId ?? ''
  const auth = header.clientAuth ?? provider.client.auth
  // A secret for another client or another server must not be sent.
  const secret = id === definition.clientId && isBound(definition, header) ? clientSecret : undefined
  const client = { id, ...(secret && { secret }), ...(auth && { auth }) }
  const party = createClientContext(host, definition, buildServer(header.endpoints ?? {}), client)
  return { ...party, proofKey: buildProofKey(header, grant) }
}

/** Returns the tokens of a grant that a server can revoke. */
export const pickIssuedTokens = ({ refreshToken, credential, source }: Grant) => ({
  refreshToken,
  accessToken: credential.kind === 'bearer' ? credential.token : source?.token,
})

export const buildProofKey = (header: Header | undefined, grant: Pick<Grant, 'proofKey'> | undefined) =>
  grant?.proofKey && { jwk: grant.proofKey, clockOffset: header?.clockOffset ?? 0 }

/**
 * Creates a `fetch` with the identity's credential: sends it only to the identity's own hosts, and renews
 * once after a 401. `beforeSend` runs before the credential is sent.
 */
export function createIdentityFetch(
  context: Context,
  selected: string | undefined,
  beforeSend: (handed: CredentialResult) => Promise<void> = async () => undefined,
): Fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const url = new URL(request.url)
    const again = request.clone()
    const first = await resolveCredential(context, selected, {})
    const definition = await getCredentialDefinition(context, first)
    checkAllowedHost(definition, first, url)
    await beforeSend(first)
    const answer = await sendWithCredential(context, definition, request, first)
    const own = answer.url === '' || new URL(answer.url).origin === url.origin
    if (answer.status !== 401 || !first.header?.renewable || !own) return answer
    await answer.body?.cancel()
    const rejected = requireBearerToken(first.credential)
    // The same identity, even if the default has changed meanwhile.
    const second = await resolveCredential(context, first.identity, { rejected })
    return sendWithCredential(context, definition, again, second)
  }
}

const sendWithCredential = (
  { host }: Context,
  definition: Definition,
  request: Request,
  handed: CredentialResult,
) =>
  fetchWithToken(host, addApiHeaders(definition, request), {
    token: requireBearerToken(handed.credential),
    key: buildProofKey(handed.header, handed),
  })

/** Adds the headers that the API needs beside the token, unless the caller set them. */
function addApiHeaders({ provider, params }: Definition, request: Request): Request {
  if (!provider.api.headers) return request
  const headers = new Headers({ ...provider.api.headers(params), ...Object.fromEntries(request.headers) })
  return new Request(request, { headers })
}

function checkAllowedHost(
  definition: Definition,
  { identity, header, credentialUrl: whole }: CredentialResult,
  url: URL,
): void {
  const hosts = listAllowedHosts(definition, { ...header?.endpoints, ...whole?.endpoints })
  const safe = url.protocol === 'https:' || isLoopbackHost(url.hostname)
  if (safe && hosts.includes(url.host)) return
  throw new DaypassError('refused', `the token of ${identity} is not for ${url.host}`, {
    hint: `to allow it, write hosts: [${url.host}] into the configuration of ${identity}`,
  })
}

/**
 * Returns the definition of the current identity, or of the provider whose credential the environment holds.
 * `given` overrides the configuration for this call.
 */
export async function resolveDefinition(
  context: Context,
  selected?: string,
  given: DefinitionOverrides = {},
): Promise<Definition> {
  const resolved = await resolveIdentity(context, selected)
  const definition =
    'identity' in resolved
      ? await applyEnvOverride(context, resolved, given)
      : buildEnvironmentDefinition(context, resolved.environment.provider, given)
  const { params } = definition.provider
  for (const [param, value] of Object.entries(given.params ?? {})) assertParam(param, value, params[param])
  return definition
}

async function applyEnvOverride(
  context: Context,
  { identity, named }: { identity: string; named: boolean },
  given: DefinitionOverrides,
): Promise<Definition> {
  const { definition } = await loadIdentity(context, identity, given)
  if (named || !findIdentityOverride(context, definition)) return definition
  return (await loadIdentity(context, identity, addVariableParams(context, definition.provider, given)))
    .definition
}

const buildEnvironmentDefinition = (context: Context, id: string, given: DefinitionOverrides = {}) => {
  const provider = getProvider(context, id)
  return buildDefinition(context, ENVIRONMENT, provider, {
    ambient: 'environment',
    given: addVariableParams(context, provider, given),
  })
}

/** Adds the parameters of the environment: its token is valid only for the places that they name. */
const addVariableParams = (
  { host }: Context,
  provider: Provider,
  given: DefinitionOverrides,
): DefinitionOverrides => ({
  ...given,
  params: { ...listEnvParams(provider, host.env), ...given.params },
})

/** Returns the definition for a credential. The environment's may have only a provider. */
export async function getCredentialDefinition(
  context: Context,
  { identity, variable }: CredentialResult,
): Promise<Definition> {
  const found = listEnvironmentCredentials(context).find((one) => one.variable === variable)
  if (!found) return (await loadIdentity(context, identity)).definition
  if (identity === ENVIRONMENT) return buildEnvironmentDefinition(context, found.provider)
  return applyEnvOverride(context, { identity, named: false }, {})
}

/** Throws `usage` where the credential is no bearer token. */
export function requireBearerToken(credential: Credential): Secret {
  if (credential.kind === 'bearer') return credential.token
  throw new DaypassError('usage', 'this identity has cloud keys, not a token', {
    hint: (command) =>
      `use ${command({ verb: 'env' })}, ${command({ verb: 'exec' })} or ${command({ verb: 'credential-process' })}`,
  })
}

import { compileIdentity, compileProvider } from '../config/compiled.ts'
import { DaypassError } from '../core/errors.ts'
import { checkMinTtl } from '../core/freshness.ts'
import { isLoopbackHost } from '../core/loopback.ts'
import type { Secret } from '../core/secret.ts'
import type { Credential, Entry, Fetch, Grant, Header, Host } from '../core/types.ts'
import { checkKept, configuredKeys } from '../identity/configured-keys.ts'
import { type Definition, type Given, isBound } from '../identity/definition.ts'
import { envOverride, type FromEnvironment } from '../identity/environment.ts'
import { checkParam, variablesOf } from '../identity/params.ts'
import { partyAt } from '../login/connect.ts'
import { fetchWith } from '../oauth/dpop.ts'
import { type Party, serverFrom } from '../oauth/server.ts'
import type { Provider } from '../providers/provider.ts'
import { renewExchanged } from '../refresh/exchange.ts'
import { renewOAuth } from '../refresh/oauth.ts'
import { type Demand, type Lease, type Taken, take } from '../refresh/renew.ts'
import { derivedLease, renewOwnRole } from './assumed-role.ts'
import { type Context, definitionOf, environmentOf, find, providerOf, resolve, said } from './context.ts'
import { hostsOf } from './hosts.ts'
import { isWarm } from './warm.ts'

/** Whose credential was handed out, and where it came from. */
export interface Handed {
  identity: string
  credential: Credential
  /** The private key (JWK) that the token is bound to (RFC 9449); `fetch` makes the proofs. */
  proofKey?: Secret
  /** Absent where the environment holds it. */
  header?: Header
  /** The variable that holds it. */
  variable?: string
  /** What that says beside it. */
  whole?: FromEnvironment['whole']
}

/** What stands where an identity's name would; the name of none. */
const ENVIRONMENT = '(environment)'

/** The credential of the identity that is meant here, renewed where needed. Never a browser. */
export async function credentialOf(
  context: Context,
  selected: string | undefined,
  demand: Demand,
): Promise<Handed> {
  const resolved = await resolve(context, selected)
  if ('environment' in resolved) return fromEnvironment(context, resolved.environment.provider, ENVIRONMENT)
  const { identity, named } = resolved
  const warm = await readWarm(context, identity, named, demand)
  if (warm) return warm
  const { definition } = await find(context, identity)
  if (!named && bearerFor(context, definition))
    return fromEnvironment(context, definition.provider.id, identity)
  return handed(context, definition, demand)
}

/** What is kept, where it may be handed out as it is. */
async function readWarm(
  context: Context,
  name: string,
  named: boolean,
  { minTtl, force, rejected }: Demand,
): Promise<Handed | undefined> {
  if (force || rejected) return undefined
  const { vault, host, config, providers } = context
  const isGood = (header: Header | undefined): header is Header => {
    if (!header) return false
    const { provider: id } = header
    const identity = said(context, name)
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
      { named, minTtl },
    )
  }
  if (!isGood(await vault.header(name))) return undefined
  const entry = await vault.read(name)
  // Judged again: it may be another record by now.
  return entry?.grant && isGood(entry.header) ? handedOf(name, entry.header, entry.grant) : undefined
}

/** Of an identity that is known: the keys of the configuration come before whatever was kept. */
export async function handed(context: Context, definition: Definition, demand: Demand): Promise<Handed> {
  const { name: identity } = definition
  const configured = configuredKeys(context.host, definition)
  if (configured) return { identity, credential: configured }
  const { entry, grant } = await takeOnce(context, definition, demand)
  return handedOf(identity, entry.header, grant)
}

const handedOf = (identity: string, header: Header, { credential, proofKey }: Grant): Handed => ({
  identity,
  credential,
  header,
  ...(proofKey && { proofKey }),
})

const keysOf = (context: Context) => async (definition: Definition, demand: Demand) => {
  const { credential } = await handed(context, definition, demand)
  if (credential.kind === 'keys') return credential
  throw new DaypassError('configuration', `${definition.name} has a token, and a role is made from keys`)
}

/** A token of the environment stands in for an identity of its provider that was found, not named. */
const bearerFor = ({ host }: Context, { provider }: Definition) =>
  envOverride(provider, { env: host.env, now: host.now() })

export interface StandIn {
  identity: string
  variable: string
}

/** Whether the environment stands in for the identity that is meant here. */
export async function standInOf(context: Context): Promise<StandIn | undefined> {
  const resolved = await resolve(context)
  if ('environment' in resolved || resolved.named) return undefined
  const { identity } = resolved
  const found = bearerFor(context, (await find(context, identity)).definition)
  return found && { identity, variable: found.variable }
}

function fromEnvironment(context: Context, provider: string, identity: string): Handed {
  const { credential, variable, whole } = environmentOf(context).find((found) => found.provider === provider)!
  return { identity, credential, variable, ...(whole && { whole }) }
}

const underWay = new WeakMap<Context, Map<string, Promise<Taken>>>()

/** One renewal per process: whoever asks for the same while it is under way shares its outcome, failures too. */
export async function takeOnce(context: Context, definition: Definition, demand: Demand): Promise<Taken> {
  const taken = await shareTake(context, definition, demand)
  if (taken.renewed) lastSaid.get(context)?.delete(definition.name)
  return taken
}

function shareTake(context: Context, definition: Definition, demand: Demand): Promise<Taken> {
  const { name } = definition
  const lease = leaseOf(context, definition)
  if (demand.force || demand.rejected || demand.minTtl) return takeChecked(context, lease, demand)
  const running = underWay.get(context) ?? new Map<string, Promise<Taken>>()
  underWay.set(context, running)
  const shared = running.get(name)
  if (shared) return shared
  const own = take(lease, demand).finally(() => running.delete(name))
  running.set(name, own)
  return own
}

async function takeChecked({ vault }: Context, lease: Lease, demand: Demand): Promise<Taken> {
  const header = demand.minTtl ? await vault.header(lease.name) : undefined
  const outdated = lease.blank && header?.madeFrom !== lease.blank.header.madeFrom
  if (header?.key && !outdated) checkMinTtl(header, demand.minTtl!)
  return take(lease, demand)
}

function leaseOf(context: Context, definition: Definition): Lease {
  const { vault, host } = context
  const { name, provider } = definition
  if (definition.parent) return derivedLease(context, definition, keysOf(context))
  return {
    name,
    vault,
    host: { ...host, terminal: sayingOnce(context, name) },
    margin: provider.tokens.refresh.margin,
    login: { verb: 'login', identity: name },
    admit: ({ header }) => checkKept(definition, header),
    renew: (held, steps) => {
      const { source, longTerm } = held.grant
      if (longTerm) return renewOwnRole(context, definition, held)
      const renew = source ? renewExchanged : renewOAuth
      return renew(grantParty(host, definition, held), held, steps)
    },
  }
}

const lastSaid = new WeakMap<Context, Map<string, string>>()

/** Whoever asks every second is told of the same trouble once. */
function sayingOnce(context: Context, name: string): Host['terminal'] {
  const { terminal } = context.host
  const said = lastSaid.get(context) ?? new Map<string, string>()
  lastSaid.set(context, said)
  const warn = (text: string) => {
    if (said.get(name) !== text) terminal.warn(text)
    said.set(name, text)
  }
  return Object.create(terminal, { warn: { value: warn } }) as Host['terminal']
}

/** The server and client that a grant is bound to; the client's secret, if any, is the configuration's. */
export function grantParty(host: Context['host'], definition: Definition, { header, grant }: Entry): Party {
  const { clientSecret, provider } = definition
  const id = header.clientId ?? definition.clientId ?? ''
  const auth = header.clientAuth ?? provider.client.auth
  // The secret of another client, or for another server, is none of this one's business.
  const secret = id === definition.clientId && isBound(definition, header) ? clientSecret : undefined
  const client = { id, ...(secret && { secret }), ...(auth && { auth }) }
  const party = partyAt(host, definition, serverFrom(header.endpoints ?? {}), client)
  return { ...party, proofKey: proofKeyOf(header, grant) }
}

/** What of a grant a server can revoke. */
export const issuedOf = ({ refreshToken, credential, source }: Grant) => ({
  refreshToken,
  accessToken: credential.kind === 'bearer' ? credential.token : source?.token,
})

export const proofKeyOf = (header: Header | undefined, grant: Pick<Grant, 'proofKey'> | undefined) =>
  grant?.proofKey && { jwk: grant.proofKey, clockOffset: header?.clockOffset ?? 0 }

/**
 * `fetch` with the identity's credential: only towards its own hosts, renewed once after a 401. `sending` is told before
 * the credential leaves, and where it does.
 */
export function fetchAs(
  context: Context,
  selected: string | undefined,
  sending: (handed: Handed) => Promise<void> = async () => undefined,
): Fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const url = new URL(request.url)
    const again = request.clone()
    const first = await credentialOf(context, selected, {})
    const definition = await definitionBehind(context, first)
    checkHost(definition, first, url)
    await sending(first)
    const answer = await send(context, definition, request, first)
    const own = answer.url === '' || new URL(answer.url).origin === url.origin
    if (answer.status !== 401 || !first.header?.renewable || !own) return answer
    await answer.body?.cancel()
    const rejected = bearerOf(first.credential)
    // The very same identity, whatever the default has become meanwhile.
    const second = await credentialOf(context, first.identity, { rejected })
    return send(context, definition, again, second)
  }
}

const send = ({ host }: Context, definition: Definition, request: Request, handed: Handed) =>
  fetchWith(host, withHeaders(definition, request), {
    token: bearerOf(handed.credential),
    key: proofKeyOf(handed.header, handed),
  })

/** What its API wants beside the token, as far as the caller says nothing else. */
function withHeaders({ provider, params }: Definition, request: Request): Request {
  if (!provider.api.headers) return request
  const headers = new Headers({ ...provider.api.headers(params), ...Object.fromEntries(request.headers) })
  return new Request(request, { headers })
}

function checkHost(definition: Definition, { identity, header, whole }: Handed, url: URL): void {
  const hosts = hostsOf(definition, { ...header?.endpoints, ...whole?.endpoints })
  const safe = url.protocol === 'https:' || isLoopbackHost(url.hostname)
  if (safe && hosts.includes(url.host)) return
  throw new DaypassError('refused', `the token of ${identity} is not for ${url.host}`, {
    hint: `to allow it, write hosts: [${url.host}] into the configuration of ${identity}`,
  })
}

/**
 * The definition of what is meant here, or of the provider whose credential the environment holds. What is given
 * counts for more than the configuration, and for this time only.
 */
export async function meant(context: Context, selected?: string, given: Given = {}): Promise<Definition> {
  const resolved = await resolve(context, selected)
  const definition =
    'identity' in resolved
      ? await standingIn(context, resolved, given)
      : ofEnvironment(context, resolved.environment.provider, given)
  const { params } = definition.provider
  for (const [param, value] of Object.entries(given.params ?? {})) checkParam(param, value, params[param])
  return definition
}

async function standingIn(
  context: Context,
  { identity, named }: { identity: string; named: boolean },
  given: Given,
): Promise<Definition> {
  const { definition } = await find(context, identity, given)
  if (named || !bearerFor(context, definition)) return definition
  return (await find(context, identity, withVariables(context, definition.provider, given))).definition
}

const ofEnvironment = (context: Context, id: string, given: Given = {}) => {
  const provider = providerOf(context, id)
  return definitionOf(context, ENVIRONMENT, provider, { given: withVariables(context, provider, given) })
}

/** A token of the environment is for where the environment says, and for nowhere else. */
const withVariables = ({ host }: Context, provider: Provider, given: Given): Given => ({
  ...given,
  params: { ...variablesOf(provider, host.env), ...given.params },
})

/** A token of the environment may belong to no identity at all, but always to a provider. */
export async function definitionBehind(
  context: Context,
  { identity, variable }: Handed,
): Promise<Definition> {
  const found = environmentOf(context).find((one) => one.variable === variable)
  if (!found) return (await find(context, identity)).definition
  if (identity === ENVIRONMENT) return ofEnvironment(context, found.provider)
  return standingIn(context, { identity, named: false }, {})
}

/** Throws where the credential is no bearer token. */
export function bearerOf(credential: Credential): Secret {
  if (credential.kind === 'bearer') return credential.token
  throw new DaypassError('usage', 'this identity has cloud keys, not a token', {
    hint: (command) =>
      `use ${command({ verb: 'env' })}, ${command({ verb: 'exec' })} or ${command({ verb: 'credential-process' })}`,
  })
}

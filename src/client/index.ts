/** The front door: everything daypass can do, as functions. The command line is one of its users. */
import type { Config } from '../config/schema.ts'
import { parseDuration } from '../core/duration.ts'
import type { Secret } from '../core/secret.ts'
import type { Credential, Fetch, Host, Time } from '../core/types.ts'
import type { Definition, Given } from '../identity/definition.ts'
import type { Resolved } from '../identity/select.ts'
import type { FinishOptions } from '../login/pending-login.ts'
import type { Provider } from '../providers/provider.ts'
import type { Vault } from '../vault/vault.ts'
import { checkAtServer } from './check.ts'
import { type ClusterToken, clusterToken } from './cluster-token.ts'
import { allProviders, type Choices, type Context, find, knownNames, resolve } from './context.ts'
import { credentialOf, fetchAs, type Handed, meant } from './credential.ts'
import { type Ask, type ForHost, handOutFor, offeredFor, refusedFor } from './for-host.ts'
import { hostsOf, type Use } from './hosts.ts'
import { identityAt } from './identity-by-url.ts'
import { type Adopted, type AdoptOptions, adopt } from './import-identity.ts'
import { activeName, type Listed, type Listing, listed, listing } from './list.ts'
import { type LoginRequest, login } from './login.ts'
import { type LogoutOptions, type LogoutOutcome, logout, remove } from './logout.ts'
import { type GrantHome, moveHome } from './move-grant.ts'
import { type RefreshOutcome, refresh } from './refresh.ts'
import type { LoginOutcome } from './store-login.ts'
import { type ListedTenant, tenants, useTenant } from './tenants.ts'
import { finishLogin, type Started, startLogin } from './two-step-login.ts'

export interface CredentialOptions {
  /** What must be left: milliseconds, or text like `10m`. */
  minTtl?: number | string
  /** A token that a server refused although it looked fresh: renewed once, for that very token. */
  rejected?: Secret
}

export interface Daypass {
  /**
   * Logs in: opens a browser, or asks, as the surroundings allow. `target` is a provider's id or an identity that
   * exists. Throws `DaypassError`; nothing is kept unless it resolves.
   */
  login(target: string, options?: Omit<LoginRequest, 'target'>): Promise<LoginOutcome>
  /** The first of two steps: says where a person has to go, and listens on nothing. */
  startLogin(target: string, options?: Omit<LoginRequest, 'target'>): Promise<Started>
  /** The second one. `undefined`: the person is not done yet. */
  finishLogin(id: string, options?: FinishOptions): Promise<LoginOutcome | undefined>
  logout(identity: string, options?: LogoutOptions): Promise<LogoutOutcome>
  remove(identity: string): Promise<LogoutOutcome>
  /** A usable credential, renewed where needed: exactly once, however many processes ask. Never opens a browser. */
  credential(identity?: string, options?: CredentialOptions): Promise<Credential>
  /** The same with whose it is. */
  handOut(identity?: string, options?: CredentialOptions): Promise<Handed>
  /**
   * `fetch` with the identity's credential, towards its own hosts only; renews once after a 401. `sending` is told before
   * the credential leaves, and where it does.
   */
  fetch(identity?: string, sending?: (handed: Handed) => Promise<void>): Fetch
  /** For a program that names a host and no identity. `undefined`: it is nobody's. */
  handOutFor(ask: Ask): Promise<ForHost | undefined>
  /** What was handed out for a host was refused there: renewed once, for that very token. */
  refusedFor(ask: Ask, sent: Secret): Promise<void>
  /** The hosts that there is a credential for, by the program that asks. */
  offeredFor(use: Use): Promise<{ host: string; user: string }[]>
  /** The hosts that an identity's token may be sent to by such a program. */
  hostsOf(identity: string, use: Use): Promise<readonly string[]>
  /** What a Kubernetes cluster is shown: the id_token, or the access token. */
  clusterToken(identity?: string): Promise<ClusterToken>
  refresh(identity: string, options?: { force?: boolean }): Promise<RefreshOutcome>
  list(): Promise<Listing>
  status(identity: string): Promise<Listed>
  /** Asks the server whether the credential is good. Throws `login_required` when it is not. */
  check(identity: string): Promise<void>
  /** Which identity is meant here, and why. */
  resolve(selected?: string): Promise<Resolved>
  names(): Promise<string[]>
  /**
   * What the identity that is meant here is; of the environment's credential, what its provider is. What is given
   * counts for more than the configuration, and for this time only.
   */
  definition(identity?: string, given?: Given): Promise<Definition>
  /** The one identity of an API (`api_url`). */
  identityAt(apiUrl: string): Promise<string>
  /** The tenants of its account, as the server lists them. `tenant`: instead of the one in force. */
  tenants(identity?: string, options?: { tenant?: string }): Promise<ListedTenant[]>
  /** From now on that one is in force. */
  useTenant(identity: string, slug: string): Promise<void>
  /** Makes it the default; `undefined` leaves none. */
  use(identity: string | undefined): Promise<void>
  /** Lets its grant rest where another tool reads and renews it, too; `undefined`: in the vault alone. */
  moveHome(identity: string, home: GrantHome | undefined): Promise<void>
  /** Keeps what another tool has had. False: the name is taken, and nothing was changed. */
  adopt(adopted: Adopted, options?: AdoptOptions): Promise<boolean>
  readonly providers: Readonly<Record<string, Provider>>
  now(): Time
}

export interface DaypassParts {
  host: Host
  vault: Vault
  config?: Config
  choices: Choices
  providers: Readonly<Record<string, Provider>>
}

/** Puts the parts together. `createDaypass()` of the package hands in those of this machine. */
export function assemble({ host, vault, config = {}, choices, providers }: DaypassParts): Daypass {
  const context: Context = { host, vault, config, choices, providers: allProviders(providers, config) }
  const handOut = (identity?: string, options: CredentialOptions = {}) =>
    credentialOf(context, identity, {
      ...(options.minTtl !== undefined && { minTtl: milliseconds(options.minTtl) }),
      ...(options.rejected && { rejected: options.rejected }),
    })
  return {
    login: (target, options) => login(context, { ...options, target }),
    startLogin: (target, options) => startLogin(context, { ...options, target }),
    finishLogin: (id, options = {}) => finishLogin(context, id, options),
    logout: (identity, options) => logout(context, identity, options),
    remove: (identity) => remove(context, identity),
    credential: async (identity, options) => (await handOut(identity, options)).credential,
    handOut,
    fetch: (identity, sending) => fetchAs(context, identity, sending),
    handOutFor: (ask) => handOutFor(context, ask),
    refusedFor: (ask, sent) => refusedFor(context, ask, sent),
    offeredFor: (use) => offeredFor(context, use),
    hostsOf: async (identity, use) => {
      const { definition, header } = await find(context, identity)
      return hostsOf(definition, header?.endpoints, use)
    },
    clusterToken: (identity) => clusterToken(context, identity),
    refresh: (identity, { force = false } = {}) => refresh(context, identity, force),
    list: () => listing(context),
    status: async (identity) => listed(context, identity, await activeName(context)),
    check: (identity) => checkAtServer(context, identity),
    resolve: (selected) => resolve(context, selected),
    names: () => knownNames(context),
    definition: (identity, given) => meant(context, identity, given),
    identityAt: (apiUrl) => identityAt(context, apiUrl),
    tenants: (identity, { tenant } = {}) => tenants(context, identity, tenant),
    useTenant: (identity, slug) => useTenant(context, identity, slug),
    use: (identity) => use(context, identity),
    moveHome: (identity, home) => moveHome(context, identity, home),
    adopt: (adopted, options) => adopt(context, adopted, options),
    providers: context.providers,
    now: host.now,
  }
}

const milliseconds = (minTtl: number | string) =>
  typeof minTtl === 'number' ? minTtl : parseDuration(minTtl, '--min-ttl')

async function use(context: Context, identity: string | undefined): Promise<void> {
  if (identity !== undefined) await find(context, identity)
  await context.choices.writeDefault(identity)
}

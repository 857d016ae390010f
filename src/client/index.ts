/** The front door: everything daypass can do, as functions. The command line is one of its users. */
import type { Config } from '../config/schema.ts'
import { parseDuration } from '../core/duration.ts'
import type { Secret } from '../core/secret.ts'
import type { Credential, Fetch, Host, Time } from '../core/types.ts'
import type { Definition, DefinitionOverrides } from '../identity/definition.ts'
import type { SelectedIdentity } from '../identity/select.ts'
import type { FinishOptions } from '../login/pending-login.ts'
import type { Provider } from '../providers/provider.ts'
import type { Vault } from '../vault/vault.ts'
import { checkAtServer } from './check.ts'
import { type ClusterToken, getClusterToken } from './cluster-token.ts'
import {
  type Context,
  type IdentityChoices,
  listKnownNames,
  loadIdentity,
  mergeProviders,
  resolveIdentity,
} from './context.ts'
import {
  type CredentialResult,
  createIdentityFetch,
  resolveCredential,
  resolveDefinition,
} from './credential.ts'
import {
  getHostCredential,
  type HostCredential,
  type HostRequest,
  listHostCredentials,
  renewHostCredential,
} from './for-host.ts'
import { type HelperKind, listAllowedHosts } from './hosts.ts'
import { getIdentityByUrl } from './identity-by-url.ts'
import { type ImportedIdentity, type ImportOptions, importIdentity } from './import-identity.ts'
import { findActiveName, getListedIdentity, type Listed, type Listing, listIdentities } from './list.ts'
import { type LoginRequest, login } from './login.ts'
import { type LogoutOptions, type LogoutOutcome, logout, removeIdentity } from './logout.ts'
import { type GrantLocation, moveGrant } from './move-grant.ts'
import { type RefreshOutcome, refreshIdentity } from './refresh.ts'
import type { LoginOutcome } from './store-login.ts'
import { type ListedTenant, listTenants, useTenant } from './tenants.ts'
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
  getCredential(identity?: string, options?: CredentialOptions): Promise<CredentialResult>
  /**
   * `fetch` with the identity's credential, towards its own hosts only; renews once after a 401. `sending` is told before
   * the credential leaves, and where it does.
   */
  fetch(identity?: string, sending?: (handed: CredentialResult) => Promise<void>): Fetch
  /** For a program that names a host and no identity. `undefined`: it is nobody's. */
  getHostCredential(ask: HostRequest): Promise<HostCredential | undefined>
  /** What was handed out for a host was refused there: renewed once, for that very token. */
  renewHostCredential(ask: HostRequest, sent: Secret): Promise<void>
  /** The hosts that there is a credential for, by the program that asks. */
  listHostCredentials(use: HelperKind): Promise<{ host: string; user: string }[]>
  /** The hosts that an identity's token may be sent to by such a program. */
  listAllowedHosts(identity: string, use: HelperKind): Promise<readonly string[]>
  /** What a Kubernetes cluster is shown: the id_token, or the access token. */
  getClusterToken(identity?: string): Promise<ClusterToken>
  refresh(identity: string, options?: { force?: boolean }): Promise<RefreshOutcome>
  list(): Promise<Listing>
  status(identity: string): Promise<Listed>
  /** Asks the server whether the credential is good. Throws `login_required` when it is not. */
  check(identity: string): Promise<void>
  /** Which identity is meant here, and why. */
  resolve(selected?: string): Promise<SelectedIdentity>
  names(): Promise<string[]>
  /**
   * What the identity that is meant here is; of the environment's credential, what its provider is. What is given
   * counts for more than the configuration, and for this time only.
   */
  definition(identity?: string, given?: DefinitionOverrides): Promise<Definition>
  /** The one identity of an API (`api_url`). */
  identityAt(apiUrl: string): Promise<string>
  /** The tenants of its account, as the server lists them. `tenant`: instead of the one in force. */
  tenants(identity?: string, options?: { tenant?: string }): Promise<ListedTenant[]>
  /** From now on that one is in force. */
  useTenant(identity: string, slug: string): Promise<void>
  /** Makes it the default; `undefined` leaves none. */
  use(identity: string | undefined): Promise<void>
  /** Lets its grant rest where another tool reads and renews it, too; `undefined`: in the vault alone. */
  moveGrant(identity: string, home: GrantLocation | undefined): Promise<void>
  /** Keeps what another tool has had. False: the name is taken, and nothing was changed. */
  importIdentity(adopted: ImportedIdentity, options?: ImportOptions): Promise<boolean>
  readonly providers: Readonly<Record<string, Provider>>
  now(): Time
}

export interface DaypassParts {
  host: Host
  vault: Vault
  config?: Config
  choices: IdentityChoices
  providers: Readonly<Record<string, Provider>>
  /** Credentials of the environment count, too. Default: false. */
  environment?: boolean
}

/** Puts the parts together. `createDaypass()` of the package hands in those of this machine. */
export function assembleDaypass({ config = {}, environment = false, ...parts }: DaypassParts): Daypass {
  const providers = mergeProviders(parts.providers, config)
  const context: Context = { ...parts, config, environment, providers }
  const { host } = parts
  const getCredential = (identity?: string, options: CredentialOptions = {}) =>
    resolveCredential(context, identity, {
      ...(options.minTtl !== undefined && { minTtl: parseMinTtl(options.minTtl) }),
      ...(options.rejected && { rejected: options.rejected }),
    })
  return {
    login: (target, options) => login(context, { ...options, target }),
    startLogin: (target, options) => startLogin(context, { ...options, target }),
    finishLogin: (id, options = {}) => finishLogin(context, id, options),
    logout: (identity, options) => logout(context, identity, options),
    remove: (identity) => removeIdentity(context, identity),
    credential: async (identity, options) => (await getCredential(identity, options)).credential,
    getCredential: getCredential,
    fetch: (identity, sending) => createIdentityFetch(context, identity, sending),
    getHostCredential: (ask) => getHostCredential(context, ask),
    renewHostCredential: (ask, sent) => renewHostCredential(context, ask, sent),
    listHostCredentials: (use) => listHostCredentials(context, use),
    listAllowedHosts: async (identity, use) => {
      const { definition, header } = await loadIdentity(context, identity)
      return listAllowedHosts(definition, header?.endpoints, use)
    },
    getClusterToken: (identity) => getClusterToken(context, identity),
    refresh: (identity, { force = false } = {}) => refreshIdentity(context, identity, force),
    list: () => listIdentities(context),
    status: async (identity) => getListedIdentity(context, identity, await findActiveName(context)),
    check: (identity) => checkAtServer(context, identity),
    resolve: (selected) => resolveIdentity(context, selected),
    names: () => listKnownNames(context),
    definition: (identity, given) => resolveDefinition(context, identity, given),
    identityAt: (apiUrl) => getIdentityByUrl(context, apiUrl),
    tenants: (identity, { tenant } = {}) => listTenants(context, identity, tenant),
    useTenant: (identity, slug) => useTenant(context, identity, slug),
    use: (identity) => setDefaultIdentity(context, identity),
    moveGrant: (identity, home) => moveGrant(context, identity, home),
    importIdentity: (adopted, options) => importIdentity(context, adopted, options),
    providers: context.providers,
    now: host.now,
  }
}

const parseMinTtl = (minTtl: number | string) =>
  typeof minTtl === 'number' ? minTtl : parseDuration(minTtl, '--min-ttl')

async function setDefaultIdentity(context: Context, identity: string | undefined): Promise<void> {
  if (identity !== undefined) await loadIdentity(context, identity)
  await context.choices.writeDefault(identity)
}

/** All functions of daypass. The command line uses only these. */
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
  /** The minimum lifetime that must be left: milliseconds, or text like `10m`. */
  minTtl?: number | string
  /** A token that a server refused although it looked fresh: renewed once, for this token only. */
  rejected?: Secret
}

export interface Daypass {
  /**
   * Logs in: opens a browser or asks, whatever works here. `target` is a provider's id or the name of an
   * identity. Throws `DaypassError`; stores nothing unless it resolves.
   */
  login(target: string, options?: Omit<LoginRequest, 'target'>): Promise<LoginOutcome>
  /** Starts a login in two steps: returns the address for the person and opens no listener. */
  startLogin(target: string, options?: Omit<LoginRequest, 'target'>): Promise<Started>
  /** Finishes a login in two steps. Returns undefined while the person is not done yet. */
  finishLogin(id: string, options?: FinishOptions): Promise<LoginOutcome | undefined>
  logout(identity: string, options?: LogoutOptions): Promise<LogoutOutcome>
  remove(identity: string): Promise<LogoutOutcome>
  /** Returns a usable credential, renewed once even for many processes. Never opens a browser. */
  credential(identity?: string, options?: CredentialOptions): Promise<Credential>
  /** Returns the credential with its identity and source. */
  getCredential(identity?: string, options?: CredentialOptions): Promise<CredentialResult>
  /**
   * Returns a `fetch` with the identity's credential, which goes only to the identity's hosts and is renewed
   * once after a 401. `sending` runs before the credential is sent, and gets it.
   */
  fetch(identity?: string, sending?: (handed: CredentialResult) => Promise<void>): Fetch
  /** Returns a credential for a program that names a host and no identity, or undefined for none. */
  getHostCredential(ask: HostRequest): Promise<HostCredential | undefined>
  /** Renews once after a host refused the token `sent`, if it is still the stored one. */
  renewHostCredential(ask: HostRequest, sent: Secret): Promise<void>
  /** Lists the hosts that there is a credential for, for that program. */
  listHostCredentials(use: HelperKind): Promise<{ host: string; user: string }[]>
  /** Lists the hosts that such a program may send the identity's token to. */
  listAllowedHosts(identity: string, use: HelperKind): Promise<readonly string[]>
  /** Returns the token for a Kubernetes cluster: the id_token, or the access token. */
  getClusterToken(identity?: string): Promise<ClusterToken>
  refresh(identity: string, options?: { force?: boolean }): Promise<RefreshOutcome>
  list(): Promise<Listing>
  status(identity: string): Promise<Listed>
  /** Asks the server whether the credential is valid. Throws `login_required` where it is not. */
  check(identity: string): Promise<void>
  /** Returns the current identity, and why it was chosen. */
  resolve(selected?: string): Promise<SelectedIdentity>
  names(): Promise<string[]>
  /**
   * Returns the definition of the current identity, or that of the provider whose credential the environment
   * holds. `given` overrides the configuration for this call.
   */
  definition(identity?: string, given?: DefinitionOverrides): Promise<Definition>
  /** Returns the only identity of an API (`api_url`). Throws `not_found` for none, `usage` for several. */
  identityAt(apiUrl: string): Promise<string>
  /** Lists the tenants of the account, as the server reports them. `tenant` replaces the one in force. */
  tenants(identity?: string, options?: { tenant?: string }): Promise<ListedTenant[]>
  /** Stores this tenant as the one in force. */
  useTenant(identity: string, slug: string): Promise<void>
  /** Makes it the default; undefined removes the default. */
  use(identity: string | undefined): Promise<void>
  /** Moves the grant to another tool's file, which that tool also renews; undefined: only in the vault. */
  moveGrant(identity: string, home: GrantLocation | undefined): Promise<void>
  /** Imports a credential of another tool. Returns false, and changes nothing, where the name is taken. */
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

/** Assembles the functions from their parts. `createDaypass()` passes the parts of this machine. */
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

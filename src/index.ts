import type { IdentityChoices } from './client/context.ts'
import { assembleDaypass, type Daypass } from './client/index.ts'
import { resolveCompiledPath } from './config/compiled.ts'
import { findFolderFile, parseFolderFile } from './config/folder-file.ts'
import { loadCompiled, loadConfig, readConfigFile } from './config/load.ts'
import { locateInConfig } from './config/parse.ts'
import type { Config } from './config/schema.ts'
import { chooseStore, type Store } from './core/stores.ts'
import type { Host } from './core/types.ts'
import { createNodeHost } from './platform/node-host.ts'
import { getWorkingFolder, type Paths, resolvePaths } from './platform/paths.ts'
import { builtIn } from './providers/index.ts'
import type { Provider } from './providers/provider.ts'
import { attachExternalStores, type ExternalStores } from './vault/external-store.ts'
import type { KeychainOptions } from './vault/keychain.ts'
import { createMemoryVault, openDiskVault } from './vault/open-vault.ts'
import { readState, writeState } from './vault/state.ts'
import type { Vault } from './vault/vault.ts'

export type { CredentialOptions, Daypass } from './client/index.ts'
export type { Listed, Listing, Row } from './client/list.ts'
export type { LoginRequest } from './client/login.ts'
export type { LogoutOptions, LogoutOutcome } from './client/logout.ts'
export type { RefreshOutcome } from './client/refresh.ts'
export type { LoginOutcome } from './client/store-login.ts'
export type { ListedTenant } from './client/tenants.ts'
export type { Started } from './client/two-step-login.ts'
export type { Config } from './config/schema.ts'
export { type Advice, DaypassError, type ErrorCode } from './core/errors.ts'
export { Secret } from './core/secret.ts'
export type {
  BearerCredential,
  Credential,
  Fetch,
  Host,
  KeysCredential,
  Method,
  Terminal,
} from './core/types.ts'
export { defineProvider, type Provider } from './providers/provider.ts'
export type { Vault } from './vault/vault.ts'

/** Parts that may be passed; the others are those of this machine. */
export interface DaypassOptions {
  /** Parts of the outside world: `fetch`, `now`, `openBrowser`, `terminal`, … */
  host?: Partial<Host>
  /** Where grants are stored. Default: the user's own vault. */
  vault?: Vault
  /** Default: the user's `config.yaml`. */
  config?: Config
  /** Added to the built-in providers; one with the same id replaces it. */
  providers?: readonly Provider[]
  /** Default: `process.env`. Also determines where the user's files are. */
  env?: Readonly<Record<string, string | undefined>>
  /** Where the search for `.daypass.yaml` starts. Default: the working directory. */
  cwd?: string
  /**
   * Credentials of the environment (`GITHUB_TOKEN`, `AWS_ACCESS_KEY_ID`) count, as they do for the command line. Default:
   * false, for what is exported was exported for another program.
   */
  environment?: boolean
  /** Timeouts for the OS keychain. Default: 2.5 s. */
  keychain?: KeychainOptions
}

/**
 * Creates daypass over this machine's own vault, configuration, browser and terminal, or over the parts
 * passed.
 *
 * @throws DaypassError `configuration` when `config.yaml` is wrong
 * @example
 * const daypass = createDaypass()
 * await daypass.login('github')
 * const answer = await daypass.fetch('github')('https://api.github.com/user')
 */
export function createDaypass(options: DaypassOptions = {}): Daypass {
  const { env = process.env, cwd = getWorkingFolder() } = options
  const host = buildHost(env, options.host)
  const where = resolvePaths(env, process.platform)
  const config = options.config ?? readConfig(where)
  const report = (message: string) => host.terminal.warn(message)
  const added = Object.fromEntries((options.providers ?? []).map((provider) => [provider.id, provider]))
  return assembleDaypass({
    host,
    config,
    vault:
      options.vault ??
      openVault(
        where.vault,
        chooseStore(env.DAYPASS_STORE, config.auth?.keyring?.type),
        report,
        options.keychain,
      ),
    choices: {
      ...createChoices(where, cwd, report),
      ...(!options.config && { locate: createLocator(where) }),
    },
    providers: { ...builtIn, ...added },
    ...(options.environment && { environment: true }),
  })
}

/** Builds this machine's host. A passed terminal decides whether a person is present. */
function buildHost(env: Host['env'], given: Partial<Host> = {}): Host {
  const { stdin, stderr } = process
  const own = createNodeHost({ env, stdin, stderr })
  const { interactive } = given.terminal ?? own.terminal
  return {
    ...own,
    externalDefault: async () => (await import('./tools/aws/paths.ts')).readAwsRegion(env),
    detectRuntimeEnvironment: () => ({ ...own.detectRuntimeEnvironment(), interactive }),
    ...given,
  }
}

function readConfig(where: Paths): Config {
  const config = loadConfig(where.config)
  loadCompiled(where.config, resolveCompiledPath(where.dataDir))
  return config
}

/** Places outside the vault that can store a grant. */
const EXTERNAL_STORES: ExternalStores = {
  'aws-login-cache': async () => (await import('./tools/aws/login-cache-store.ts')).awsLoginStore,
}

function openVault(
  folder: string,
  wanted: Store,
  report: (message: string) => void,
  keychain: KeychainOptions | undefined,
): Vault {
  if (wanted === 'memory') return createMemoryVault()
  return attachExternalStores(
    openDiskVault(folder, { wanted, report, ...(keychain && { keychain }) }),
    EXTERNAL_STORES,
  )
}

/** Reads the file each time, because it may have changed. */
const createLocator =
  ({ config }: Paths) =>
  (path: readonly string[]) => {
    const { line, column } = locateInConfig(readConfigFile(config)?.text ?? '', path)
    return `${config}:${line}:${column}`
  }

function createChoices(
  { state }: Paths,
  cwd: string | undefined,
  report: (message: string) => void,
): IdentityChoices {
  let folder: ReturnType<IdentityChoices['folder']> | undefined
  return {
    readDefault: () => readState(state, report).default,
    writeDefault: (name) => writeState(state, name === undefined ? {} : { default: name }),
    folder: () => {
      folder ??= readFolderChoice(cwd, report)
      return folder
    },
  }
}

async function readFolderChoice(cwd: string | undefined, report: (message: string) => void) {
  if (cwd === undefined) return undefined
  const { found, warnings } = findFolderFile(cwd, process.getuid?.())
  for (const warning of warnings) report(warning)
  return found && { ...(await parseFolderFile(found.text, found.file)), file: found.file }
}

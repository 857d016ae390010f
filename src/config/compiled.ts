/**
 * The part of `config.yaml` that a `token` from the cache needs, as JSON that is read without a YAML parser.
 * It holds no secret: every key that is copied is listed here.
 */
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { STORE_NAMES, type Store } from '../core/stores.ts'
import { assertObeyable } from '../trust/file-trust.ts'
import { substituteRefs } from './env-tag.ts'
import { type FlatIdentity, type FlatProvider, flattenIdentity, flattenProvider } from './flatten.ts'
import type { Config, Identity, Provider } from './schema.ts'

/** Raise this when the content of the copy changes, or what the schema accepts. */
const COMPILED_VERSION = 6

/** Which state of the file was read. Nanoseconds as text, because JSON has no integers of that size. */
export interface Stamp {
  mtime: string
  /** Changes where `cp -p` and `touch -r` keep `mtime`. */
  ctime: string
  size: number
}

/** The configuration with no variable of `env` set. */
interface Compiled {
  /** Variables that `!env` names, by the path of the key: `region`, `endpoints.token`, `scopes.0`. */
  env: Record<string, string>
  /** Secret keys that were not copied. Code that needs one reads the configuration itself. */
  omittedSecrets: string[]
}

export interface CompiledIdentity extends FlatIdentity, Compiled {
  webflowEnabled: boolean
}

export interface CompiledProvider extends FlatProvider, Compiled, Pick<Provider, 'methods' | 'redirect'> {}

export interface CompiledConfig extends Stamp {
  v: number
  default?: string
  identities: Record<string, CompiledIdentity>
  providers: Record<string, CompiledProvider>
  keyring: Store
}

export const resolveCompiledPath = (dataDir: string) => join(dataDir, 'config.compiled.json')

const NO_FILE: Stamp = { mtime: '0', ctime: '0', size: 0 }

export function compileConfig(config: Config, stamp: Stamp = NO_FILE): CompiledConfig {
  const { identities = {}, providers = {}, keyring } = config.auth ?? {}
  const chosen = findConfiguredDefault(config)
  return {
    v: COMPILED_VERSION,
    ...stamp,
    ...(chosen === undefined ? {} : { default: chosen }),
    identities: mapValues(identities, compileIdentity),
    providers: mapValues(providers, compileProvider),
    keyring: STORE_NAMES[keyring?.type ?? 'auto'],
  }
}

/** Returns `default:`, else the identity with `default: true`. */
export const findConfiguredDefault = ({ default: named, auth: { identities = {} } = {} }: Config) =>
  named ?? Object.keys(identities).find((name) => identities[name]!.default)

const SECRETS = ['access_key_id', 'secret_access_key', 'security_token', 'client_secret'] as const

export function compileIdentity(identity: Identity): CompiledIdentity {
  const { credentials = {}, client_secret } = identity
  const secret = { ...credentials, client_secret }
  const variables = new Map<string, string>()
  return {
    ...flattenIdentity(substituteRefs(identity, {}, variables)),
    env: Object.fromEntries(variables),
    webflowEnabled: credentials.webflow_enabled ?? true,
    omittedSecrets: SECRETS.filter((key) => secret[key] !== undefined),
  }
}

export function compileProvider(provider: Provider): CompiledProvider {
  const { methods, redirect, client_secret } = provider
  const variables = new Map<string, string>()
  return {
    ...flattenProvider(substituteRefs(provider, {}, variables)),
    env: Object.fromEntries(variables),
    ...(methods && { methods }),
    ...(redirect && { redirect }),
    omittedSecrets: client_secret === undefined ? [] : ['client_secret'],
  }
}

/** Maps to an object without prototype, so that `identities['toString']` is undefined. */
function mapValues<From, To>(
  from: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  const entries = Object.entries(from).map(([name, value]) => [name, change(value)])
  return Object.assign(Object.create(null), Object.fromEntries(entries))
}

/** Equals `compileConfig({})`. The fastest `token` does not load the code that compiles. */
const createEmptyConfig = (): CompiledConfig => ({
  v: COMPILED_VERSION,
  ...NO_FILE,
  identities: Object.create(null),
  providers: Object.create(null),
  keyring: 'auto',
})

/**
 * Reads the copy. Returns undefined where the caller must read the configuration itself. A missing
 * configuration is an empty one.
 */
export function readCompiled(configFile: string, copy: string): CompiledConfig | undefined {
  try {
    const stat = statConfig(configFile)
    if (stat === undefined) return createEmptyConfig()
    assertObeyable(configFile)
    const compiled: CompiledConfig = JSON.parse(readOwnCopy(copy))
    const stamp = createStamp(stat)
    const current =
      compiled.v === COMPILED_VERSION &&
      (Object.keys(stamp) as (keyof Stamp)[]).every((key) => compiled[key] === stamp[key])
    if (!current) return undefined
    const same = <T>(value: T) => value
    return {
      ...compiled,
      identities: mapValues(compiled.identities, same),
      providers: mapValues(compiled.providers, same),
    }
  } catch {
    return undefined
  }
}

/**
 * Returns undefined where the file does not exist. It does not throw then, because an error costs more time
 * than the rest.
 */
function statConfig(file: string): BigIntStats | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
  // Newer Node versions report a path below a file as missing; here that is an error.
  if (!stat && statSync(dirname(file), { throwIfNoEntry: false })?.isFile()) throw new Error('below a file')
  return stat
}

/** The copy says where tokens are sent, so a copy that another user could have written is not read. */
function readOwnCopy(file: string): string {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
  // Without O_NONBLOCK, opening a pipe would wait for a writer.
  const fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const { uid, mode } = fstatSync(fd)
    const uidNow = process.getuid?.()
    if (uidNow !== undefined && (uid !== uidNow || (mode & 0o022) !== 0)) throw new Error('not ours')
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

export function createStamp(stat: BigIntStats): Stamp {
  return { mtime: String(stat.mtimeNs), ctime: String(stat.ctimeNs), size: Number(stat.size) }
}

/** Nanoseconds. A file changed more recently could change again within one tick of the file system. */
const SETTLED_NS = 100_000_000n

/** Writes the copy. It only saves time, so a failure is no error. Returns false where it was not written. */
export function writeCompiled(copy: string, compiled: CompiledConfig): boolean {
  const age = BigInt(Date.now()) * 1_000_000n - BigInt(compiled.mtime)
  if (compiled.mtime === NO_FILE.mtime || age < SETTLED_NS) return false
  const temporary = `${copy}.${process.pid}.tmp`
  const folder = dirname(copy)
  try {
    // Makes one folder only: `recursive` loops for ever where a folder cannot take another one (autofs,
    // /proc).
    if (!statSync(folder, { throwIfNoEntry: false })) mkdirSync(folder, 0o700)
    rmSync(temporary, { force: true })
    writeFileSync(temporary, JSON.stringify(compiled), { mode: 0o600, flag: 'wx' })
    renameSync(temporary, copy)
    return true
  } catch {
    removeTemporary(temporary)
    return false
  }
}

function removeTemporary(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // The temporary file may remain: it has mode 0600 and holds no secret.
  }
}

/**
 * What the warm path needs of `config.yaml`, as JSON that is read without a YAML parser. It holds no secret:
 * what is copied is listed here, key by key, and everything else stays behind.
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

/** To be raised whenever what the copy holds, or what the schema accepts, changes. */
const COMPILED_VERSION = 6

/** Which state of the file was read. Nanoseconds, as text: JSON has no integers of that size. */
export interface Stamp {
  mtime: string
  /** Catches what `cp -p` and `touch -r` hide. */
  ctime: string
  size: number
}

/** What it says where no variable of `env` is set. */
interface Compiled {
  /** Variables that `!env` names, by the path of the key: `region`, `endpoints.token`, `scopes.0`. */
  env: Record<string, string>
  /** Keys that were left behind, being secrets. Whoever needs one reads the configuration itself. */
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

/** Where the copy lies. */
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

/** `default:`, else the identity that is flagged as such. */
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

/** Without a prototype, so that `identities['toString']` is nobody. */
function mapValues<From, To>(
  from: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  const entries = Object.entries(from).map(([name, value]) => [name, change(value)])
  return Object.assign(Object.create(null), Object.fromEntries(entries))
}

/** As `compileConfig({})`; the quickest `token` does without what compiles. */
const createEmptyConfig = (): CompiledConfig => ({
  v: COMPILED_VERSION,
  ...NO_FILE,
  identities: Object.create(null),
  providers: Object.create(null),
  keyring: 'auto',
})

/** `undefined`: the caller takes the slow way. No configuration at all is an empty one, and nothing else is read. */
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

/** `undefined`: there is none. Without throwing, which would cost more than the rest of it. */
function statConfig(file: string): BigIntStats | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
  // To newer Nodes a path below a file is no entry, too; to us it is a mistake.
  if (!stat && statSync(dirname(file), { throwIfNoEntry: false })?.isFile()) throw new Error('below a file')
  return stat
}

/** The copy says where tokens are sent, so one that another user could have written is not read. */
function readOwnCopy(file: string): string {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
  // Opening a pipe that is in its place would wait for somebody to write.
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

/** A file changed this short a time ago could change again within the same tick of the file system's clock. */
const SETTLED_NS = 100_000_000n

/** Saves time and nothing else, so whatever goes wrong here, is nobody's trouble. False: not written. */
export function writeCompiled(copy: string, compiled: CompiledConfig): boolean {
  const age = BigInt(Date.now()) * 1_000_000n - BigInt(compiled.mtime)
  if (compiled.mtime === NO_FILE.mtime || age < SETTLED_NS) return false
  const temporary = `${copy}.${process.pid}.tmp`
  const folder = dirname(copy)
  try {
    // No more than one: `recursive` goes round for ever where a folder takes no other (autofs, /proc).
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
    // Left behind, 0600 and without secrets.
  }
}

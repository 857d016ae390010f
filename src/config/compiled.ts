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
import { dirname } from 'node:path'
import { providerOf } from '../providers/registry.ts'
import type { Text } from './env-tag.ts'
import { clientParams, identityParams } from './flatten.ts'
import type { Config, Identity, Provider } from './schema.ts'

/** To be raised whenever what the copy holds, or what the schema accepts, changes. */
const COMPILED_VERSION = 4

/** Which state of the file was read. Nanoseconds, as text: JSON has no integers of that size. */
export interface Stamp {
  mtime: string
  /** Catches what `cp -p` and `touch -r` hide. */
  ctime: string
  size: number
}

interface CompiledIdentity {
  provider: string
  kind: string
  /** What the configuration says, flat: region, site, api_url, tenant, client_id, scopes, role_arn, … */
  params: Record<string, string>
  /** Of those, what must be read from the environment first: the names of the variables. */
  env: Record<string, string>
  endpoints: Record<string, Text>
  hosts?: Text[]
  /** The parent of a derived identity. */
  via?: string
  webflowEnabled: boolean
  /** Keys that were left behind, being secrets. Whoever needs one reads the configuration itself. */
  withheld: string[]
}

interface CompiledProvider {
  params: Record<string, string>
  env: Record<string, string>
  endpoints: Record<string, Text>
  hosts?: Text[]
  methods?: string[]
  redirect?: { host?: string; ports?: number[]; path?: string }
  withheld: string[]
}

export interface CompiledConfig extends Stamp {
  v: number
  default?: string
  identities: Record<string, CompiledIdentity>
  providers: Record<string, CompiledProvider>
  keyring: 'auto' | 'keychain' | 'file' | 'memory'
}

const NO_FILE: Stamp = { mtime: '0', ctime: '0', size: 0 }

export function compileConfig(config: Config, stamp: Stamp = NO_FILE): CompiledConfig {
  const { identities = {}, providers = {}, keyring } = config.auth ?? {}
  const flagged = Object.keys(identities).find((name) => identities[name]!.default)
  const chosen = config.default ?? flagged
  return {
    v: COMPILED_VERSION,
    ...stamp,
    ...(chosen === undefined ? {} : { default: chosen }),
    identities: mapped(identities, compileIdentity),
    providers: mapped(providers, compileProvider),
    keyring: keyring?.type === 'system' ? 'keychain' : (keyring?.type ?? 'auto'),
  }
}

function compileIdentity(identity: Identity): CompiledIdentity {
  const { credentials = {}, via } = identity
  const secret = { ...credentials, client_secret: identity.client_secret }
  return {
    provider: identity.provider ?? providerOf(identity.kind),
    kind: identity.kind,
    ...split(identityParams(identity)),
    endpoints: { ...identity.endpoints },
    ...(identity.hosts && { hosts: identity.hosts }),
    ...(via?.identity !== undefined && { via: via.identity }),
    webflowEnabled: credentials.webflow_enabled ?? true,
    withheld: SECRETS.filter((key) => secret[key] !== undefined),
  }
}

const SECRETS = ['access_key_id', 'secret_access_key', 'security_token', 'client_secret'] as const

function compileProvider(provider: Provider): CompiledProvider {
  return {
    ...split({ ...clientParams(provider), title: provider.title, env: provider.env }),
    endpoints: { ...provider.endpoints },
    ...(provider.hosts && { hosts: provider.hosts }),
    ...(provider.methods && { methods: provider.methods }),
    ...(provider.redirect && { redirect: provider.redirect }),
    withheld: provider.client_secret === undefined ? [] : ['client_secret'],
  }
}

function split(values: Record<string, Text | undefined>): Pick<CompiledIdentity, 'params' | 'env'> {
  const params: Record<string, string> = {}
  const env: Record<string, string> = {}
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === 'string') params[key] = value
    else if (value !== undefined) env[key] = value.env
  }
  return { params, env }
}

/** Without a prototype, so that `identities['toString']` is nobody. */
function mapped<From, To>(
  from: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  const entries = Object.entries(from).map(([name, value]) => [name, change(value)])
  return Object.assign(Object.create(null), Object.fromEntries(entries))
}

/** `undefined`: the caller takes the slow way. No configuration at all is an empty one, and nothing else is read. */
export function readCompiled(configFile: string, compiledFile: string): CompiledConfig | undefined {
  try {
    const stat = statOf(configFile)
    if (stat === undefined) return compileConfig({})
    const compiled: CompiledConfig = JSON.parse(readOwn(compiledFile))
    const stamp = stampOf(stat)
    const current =
      compiled.v === COMPILED_VERSION &&
      (Object.keys(stamp) as (keyof Stamp)[]).every((key) => compiled[key] === stamp[key])
    if (!current) return undefined
    const same = <T>(value: T) => value
    return {
      ...compiled,
      identities: mapped(compiled.identities, same),
      providers: mapped(compiled.providers, same),
    }
  } catch {
    return undefined
  }
}

/** `undefined`: there is none. Without throwing, which would cost more than the rest of it. */
function statOf(file: string): BigIntStats | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
  // To newer Nodes a path below a file is no entry, too; to us it is a mistake.
  if (!stat && statSync(dirname(file), { throwIfNoEntry: false })?.isFile()) throw new Error('below a file')
  return stat
}

/** The copy says where tokens are sent, so one that another user could have written is not read. */
function readOwn(file: string): string {
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

export function stampOf(stat: BigIntStats): Stamp {
  return { mtime: String(stat.mtimeNs), ctime: String(stat.ctimeNs), size: Number(stat.size) }
}

/** A file changed this short a time ago could change again within the same tick of the file system's clock. */
const SETTLED_NS = 100_000_000n

/** Saves time and nothing else, so whatever goes wrong here, is nobody's trouble. False: not written. */
export function writeCompiled(compiledFile: string, compiled: CompiledConfig): boolean {
  const age = BigInt(Date.now()) * 1_000_000n - BigInt(compiled.mtime)
  if (compiled.mtime === NO_FILE.mtime || age < SETTLED_NS) return false
  const temporary = `${compiledFile}.${process.pid}.tmp`
  const folder = dirname(compiledFile)
  try {
    // No more than one: `recursive` goes round for ever where a folder takes no other (autofs, /proc).
    if (!statSync(folder, { throwIfNoEntry: false })) mkdirSync(folder, 0o700)
    rmSync(temporary, { force: true })
    writeFileSync(temporary, JSON.stringify(compiled), { mode: 0o600, flag: 'wx' })
    renameSync(temporary, compiledFile)
    return true
  } catch {
    removeQuietly(temporary)
    return false
  }
}

function removeQuietly(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // Left behind, 0600 and without secrets.
  }
}

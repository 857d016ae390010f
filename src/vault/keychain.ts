/**
 * The operating system's keychain, which holds one 32-byte key and nothing else. Every call has a time limit
 * that ends it. On Linux a call is a socket, which is closed, or a child process, which is killed: the native
 * library connects to the bus in its constructor, and that cannot be interrupted.
 */
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { findBusSockets } from './dbus.ts'
import { readSecret, writeSecret } from './freedesktop-secrets.ts'
import { findFirst, loadFirst } from './native.ts'

export interface KeychainOptions {
  /** Milliseconds per call when a person must be asked. Default: 2.5 s, as for every other call. */
  limit?: number | undefined
  /** Called 2 s after the question to a person: the keychain may be waiting for its password. */
  onSlow?: (() => void) | undefined
}

const LIMIT = 2_500
const SLOW = 2_000
const SERVICE = 'daypass'

/** Reads an item. Returns undefined where the keychain has no such item. */
export async function readKeychain(account: string, patience?: KeychainOptions): Promise<string | undefined> {
  return askKeychain({ account }, patience)
}

export async function writeKeychain(
  account: string,
  text: string,
  patience?: KeychainOptions,
): Promise<void> {
  await askKeychain({ account, text }, patience)
}

/** With `text`, the request writes it. */
interface Request {
  account: string
  text?: string
}

async function askKeychain(request: Request, patience: KeychainOptions = {}): Promise<string | undefined> {
  const began = Date.now()
  const limit = startLimit(patience)
  try {
    return await Promise.race([askOnce(request, limit), limit.over])
  } catch (error) {
    throw isDaypassError(error) ? error : createKeychainError(error, Date.now() - began)
  } finally {
    limit.stop()
  }
}

interface Limit {
  signal: AbortSignal
  /** Rejects when the time limit is over. */
  over: Promise<never>
  /** Starts the longer limit, because a person is asked. */
  extend(): void
  stop(): void
}

function startLimit({ limit = LIMIT, onSlow }: KeychainOptions): Limit {
  const clock = new AbortController()
  const timers: NodeJS.Timeout[] = []
  const endAfter = (time: number) => {
    timers.push(setTimeout(() => clock.abort(createSilentKeychainError(time)), time))
  }
  const stop = () => timers.splice(0).forEach(clearTimeout)
  endAfter(LIMIT)
  const over = new Promise<never>((_, reject) => {
    clock.signal.addEventListener('abort', () => reject(clock.signal.reason), { once: true })
  })
  return {
    signal: clock.signal,
    over,
    extend: () => {
      if (limit > LIMIT) {
        stop()
        endAfter(limit)
      }
      if (onSlow) timers.push(setTimeout(onSlow, SLOW))
    },
    stop,
  }
}

async function askOnce(request: Request, limit: Limit): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    limit.extend()
    return askNative(request)
  }
  const { DBUS_SESSION_BUS_ADDRESS: address, DISPLAY } = process.env
  const isElsewhere = findBusSockets(process.env).length === 0 && (address || DISPLAY)
  if (isElsewhere) return askNativeChild(request, limit)
  const options = {
    service: SERVICE,
    account: request.account,
    env: process.env,
    signal: limit.signal,
    onPrompt: limit.extend,
  }
  try {
    if (request.text === undefined) return await readSecret(options)
    await writeSecret(options, request.text)
    return undefined
  } catch (error) {
    // The service requires encrypted sessions.
    if (!/NotSupported/.test(String(error))) throw error
    return askNativeChild(request, limit)
  }
}

interface KeychainEntry {
  getPassword(): Promise<string | null>
  setPassword(password: string): Promise<void>
}

interface Keyring {
  AsyncEntry: new (service: string, account: string) => KeychainEntry
}

/** The keychains of macOS and Windows are called in a thread of the library. */
async function askNative({ account, text }: Request): Promise<string | undefined> {
  const found = loadFirst([...listPlatformPackages(), '@napi-rs/keyring'])
  if (found === undefined) throw createMissingPackageError()
  const entry = new (found.loaded as Keyring).AsyncEntry(SERVICE, account)
  if (text === undefined) return (await entry.getPassword()) ?? undefined
  await entry.setPassword(text)
  return undefined
}

/** The store is fixed: otherwise the library falls back to the kernel's keyring, which a reboot empties. */
const CHILD = `
const { AsyncEntry } = require(process.argv[1])
const entry = new AsyncEntry(${JSON.stringify(SERVICE)}, process.argv[2], { linux: { store: 'secret-service' } })
const answer = process.argv[3] === 'write'
  ? entry.setPassword(require('node:fs').readFileSync(0, 'utf8'))
  : entry.getPassword()
answer.then((text) => process.stdout.write(JSON.stringify({ text })),
  (error) => process.stdout.write(JSON.stringify({ error: String(error && error.message) })))
`

/** For a bus without a socket, and for services that the D-Bus client does not support. */
async function askNativeChild(
  { account, text }: Request,
  { signal, extend }: Limit,
): Promise<string | undefined> {
  const { spawn } = await import('node:child_process')
  const library = findFirst([...listPlatformPackages(), '@napi-rs/keyring'])
  if (library === undefined) throw createMissingPackageError()
  extend()
  return new Promise((resolve, reject) => {
    const words = ['-e', CHILD, library, account, text === undefined ? 'read' : 'write']
    const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' }
    const child = spawn(process.execPath, words, {
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
      signal,
      killSignal: 'SIGKILL',
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(text ?? '')
    child.on('error', reject)
    child.on('close', () => {
      const answer =
        output === ''
          ? { error: 'the keychain failed' }
          : (JSON.parse(output) as { text?: string | null; error?: string })
      if (answer.error === undefined) resolve(answer.text ?? undefined)
      else reject(new Error(answer.error))
    })
  })
}

const createMissingPackageError = () =>
  new DaypassError('keychain', 'the part that speaks to the keychain is not installed', {
    hint: 'npm install @napi-rs/keyring, or set DAYPASS_STORE=file for a new vault',
  })

/** Lists the packages that hold the binary. The loader package needs 3 ms to find the same one. */
function listPlatformPackages(): string[] {
  const { platform, arch } = process
  const endings = platform === 'linux' ? ['-gnu', '-musl'] : platform === 'win32' ? ['-msvc'] : ['']
  return endings.map((ending) => `@napi-rs/keyring-${platform}-${arch}${ending}`)
}

const REASONS: [pattern: RegExp, what: string, hint: string][] = [
  [
    /did not receive a reply|timed? ?out/i,
    'the keychain does not answer',
    'look for a window that asks for its password, or restart it: systemctl --user restart gnome-keyring-daemon',
  ],
  [
    /lock|dismissed|prompt/i,
    'the keychain is locked',
    'unlock it (log in at the desktop, or: gnome-keyring-daemon --unlock), then try again',
  ],
  [
    /serviceunknown|not provided by any/i,
    'no keychain runs in this session',
    'start one, then try again: gnome-keyring-daemon, KWallet, KeePassXC',
  ],
  [
    /enoent|econnrefused|closed the connection|dbus|d-bus|zbus|session bus|autolaunch|no such file/i,
    'no keychain can be reached from here: there is no D-Bus session',
    'run it in your desktop session, or pass DBUS_SESSION_BUS_ADDRESS on to it',
  ],
  [
    /denied|not allowed|cancel/i,
    'the keychain refused us',
    'allow daypass in the window of the keychain, then try again',
  ],
]

/** Some calls have their own limit, which is shorter than ours. */
function createKeychainError(cause: unknown, waited: number): DaypassError {
  const said = String((cause as Error | undefined)?.message)
  const reason = REASONS.find(([pattern]) => pattern.test(said))
  if (reason === REASONS[0]) return createSilentKeychainError(waited, cause)
  const [, what, hint] = reason ?? [
    '',
    'the keychain failed',
    'the same with DAYPASS_DEBUG=1 shows what it said',
  ]
  return new DaypassError('keychain', what, { hint, cause })
}

function createSilentKeychainError(limit: number, cause?: unknown): DaypassError {
  const [, what, hint] = REASONS[0]!
  return new DaypassError(
    'keychain',
    `${what} within ${Math.round(limit / 100) / 10} s`.replace('does', 'did'),
    {
      hint,
      cause,
    },
  )
}

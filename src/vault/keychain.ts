/**
 * The operating system's keychain, which holds one 32-byte key and nothing else. Every call has a limit. An
 * unanswered unlock prompt cannot be interrupted (an AbortSignal does not help either), so the call is
 * abandoned, and a command must end with `process.exit`.
 */
import { closeSync, fstatSync, openSync, readdirSync } from 'node:fs'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { loadFirst } from './native.ts'

export interface KeychainOptions {
  /** Milliseconds per call: 2.5 s by default, 60 s where a person can unlock the keychain. */
  limit?: number | undefined
  /** Called after 2 s without a result: the keychain may be asking for its password. */
  onSlow?: (() => void) | undefined
}

const LIMIT = 2_500
const SLOW = 2_000
const SERVICE = 'daypass'

interface KeychainEntry {
  getPassword(): Promise<string | null>
  setPassword(password: string): Promise<void>
}

interface Keyring {
  AsyncEntry: new (service: string, account: string, options: object) => KeychainEntry
}

/** Reads an item. Returns undefined where the keychain has no such item. */
export async function readKeychain(account: string, patience?: KeychainOptions): Promise<string | undefined> {
  return (await callKeychain(account, (entry) => entry.getPassword(), patience)) ?? undefined
}

export async function writeKeychain(
  account: string,
  text: string,
  patience?: KeychainOptions,
): Promise<void> {
  await callKeychain(account, (entry) => entry.setPassword(text), patience)
}

async function callKeychain<T>(
  account: string,
  ask: (entry: KeychainEntry) => Promise<T>,
  { limit = LIMIT, onSlow }: KeychainOptions = {},
): Promise<T> {
  const timers: NodeJS.Timeout[] = []
  const began = Date.now()
  try {
    const answer = ask(openKeychainEntry(account))
    noteCall(answer)
    const late = new Promise<never>((_, reject) => {
      timers.push(setTimeout(() => reject(createSilentKeychainError(limit)), limit))
      if (onSlow && limit > SLOW) timers.push(setTimeout(onSlow, SLOW))
    })
    return await Promise.race([answer, late])
  } catch (error) {
    throw isDaypassError(error) ? error : createKeychainError(error, Date.now() - began)
  } finally {
    timers.forEach(clearTimeout)
  }
}

let pendingCalls = 0

function noteCall(answer: Promise<unknown>): void {
  const settled = () => {
    pendingCalls -= 1
    if (pendingCalls === 0) process.off('exit', abandonCalls)
  }
  if (pendingCalls === 0) process.on('exit', abandonCalls)
  pendingCalls += 1
  answer.then(settled, settled) // the call may fail long after it was abandoned
}

/**
 * Makes abandoned calls fail at exit. The process waits for its threads, and the thread of such a call waits
 * for a person. It checks its socket once per second: when a file replaces the socket, the call fails. No
 * other code uses sockets at this point.
 */
function abandonCalls(): void {
  try {
    for (const handle of process.platform === 'linux' ? readdirSync('/proc/self/fd').map(Number) : []) {
      if (handle > 2 && isSocket(handle)) replaceWithFile(handle)
    }
  } catch {
    // Then the process ends when the prompt does.
  }
}

function isSocket(handle: number): boolean {
  try {
    return fstatSync(handle).isSocket()
  } catch {
    return false // the handle of the folder itself, which was open only while it was read
  }
}

/** Opens a file under the same number: the system assigns the lowest free one. */
function replaceWithFile(handle: number): void {
  closeSync(handle)
  while (openSync('/dev/null', 'r') !== handle);
}

/** The store is fixed: otherwise the library falls back to the kernel's keyring, which a reboot empties. */
function openKeychainEntry(account: string): KeychainEntry {
  const { AsyncEntry } = loadKeyring()
  return new AsyncEntry(SERVICE, account, { linux: { store: 'secret-service' } })
}

function loadKeyring(): Keyring {
  const found = loadFirst([...listPlatformPackages(), '@napi-rs/keyring'])
  if (found !== undefined) return found.loaded as Keyring
  throw new DaypassError('keychain', 'the part that speaks to the keychain is not installed', {
    hint: 'npm install @napi-rs/keyring, or set DAYPASS_STORE=file for a new vault',
  })
}

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
    /dbus|d-bus|zbus|session bus|autolaunch|serviceunknown|no such file/i,
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

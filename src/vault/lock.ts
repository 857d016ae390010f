/**
 * A lock for one process at a time on this machine. The kernel releases it when its holder dies, so no lock
 * is judged stale, and none is taken from a suspended laptop. The lock file is never deleted: a process that
 * waits for a deleted file would hold a lock that no other process sees.
 */
import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { makeFolder } from './atomic.ts'
import { createDiskError, getErrno } from './disk-error.ts'
import { createLockOpener, type LockFile, type LockKind, type OpenLock } from './lock-kinds.ts'
import { readOwnFile } from './read-file.ts'

const DEFAULT_TIMEOUT = 30_000
const KINDS: readonly LockKind[] = ['native', 'sqlite']

export interface Holder {
  pid: number
  purpose: string
  since: number
}

export interface LockOptions {
  /** Milliseconds to wait. */
  patience?: number | undefined
  /** The kinds to try, best first; for tests. */
  kinds?: readonly LockKind[] | undefined
}

const openers = new Map<LockKind, OpenLock | undefined>()

function getLockOpener(kind: LockKind): OpenLock | undefined {
  if (!openers.has(kind)) openers.set(kind, createLockOpener(kind))
  return openers.get(kind)
}

/** Returns the lock kind of this system; undefined where nothing can be renewed safely. For `doctor`. */
function findLockKind(kinds: readonly LockKind[] = KINDS): LockKind | undefined {
  return kinds.find((kind) => getLockOpener(kind) !== undefined)
}

/** Runs `work` while holding the lock file at `path` (`….lock`). Throws `lock` when the wait is over. */
export async function runExclusively<T>(
  path: string,
  purpose: string,
  work: () => Promise<T>,
  { patience = DEFAULT_TIMEOUT, kinds = KINDS }: LockOptions = {},
): Promise<T> {
  const file = await acquireLock(path, kinds, patience)
  try {
    noteHolder(path, purpose)
    return await work()
  } finally {
    // Before the release: afterwards the note belongs to the next holder.
    forgetHolder(path)
    file.close()
  }
}

/** Tries once, without waiting. Returns the lock, or what is known of its holder. */
export function tryHold(path: string, purpose: string): { release(): void } | { holder: Holder | undefined } {
  const file = openLockFile(path, KINDS)
  let isHeld = false
  try {
    // A file that was just deleted locks nothing. The next attempt opens its replacement.
    isHeld = tryTakeLock(file, path) && file.isAt(path)
    if (!isHeld) return { holder: readHolder(path) }
  } finally {
    if (!isHeld) file.close()
  }
  noteHolder(path, purpose)
  return {
    release() {
      forgetHolder(path)
      file.close()
    },
  }
}

/**
 * Opens and locks the file. A file deleted during the wait locks nothing, so its replacement is locked then.
 */
async function acquireLock(path: string, kinds: readonly LockKind[], patience: number): Promise<LockFile> {
  const deadline = performance.now() + patience
  for (;;) {
    const file = openLockFile(path, kinds)
    try {
      await waitForLock(file, path, patience, deadline)
      if (file.isAt(path)) return file
    } catch (error) {
      file.close()
      throw error
    }
    file.close()
  }
}

function openLockFile(path: string, kinds: readonly LockKind[]): LockFile {
  const kind = findLockKind(kinds)
  if (kind === undefined) {
    throw new DaypassError('lock', 'this system has no lock that is safe to renew a session under', {
      hint: 'npm install fs-native-extensions, or run daypass with Node 22.13 or newer',
    })
  }
  makeFolder(dirname(path))
  try {
    return getLockOpener(kind)!(path)
  } catch (error) {
    throw createDiskError(error, 'lock', path)
  }
}

/** Polls, because a blocking wait has no limit and cannot be cancelled. Jitter spreads the waiters. */
async function waitForLock(file: LockFile, path: string, patience: number, deadline: number): Promise<void> {
  while (!tryTakeLock(file, path)) {
    const left = deadline - performance.now()
    if (left <= 0) throw createLockTimeoutError(path, patience)
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, 5 + Math.random() * 20)))
  }
}

function tryTakeLock(file: LockFile, path: string): boolean {
  try {
    return file.take()
  } catch (error) {
    if (isDaypassError(error)) throw error
    throw new DaypassError('lock', `${path} cannot be locked: the system said ${getErrno(error) ?? 'no'}`, {
      hint: 'set DAYPASS_HOME to a folder on a local disk',
      cause: error,
    })
  }
}

function buildHolderPath(path: string): string {
  return path.replace(/\.lock$/, '.holder')
}

/**
 * Writes the holder into a second file, because the lock file must stay empty. It serves error messages only,
 * so a full disk is no error.
 */
function noteHolder(path: string, purpose: string): void {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
  const holder: Holder = { pid: process.pid, purpose, since: Date.now() }
  try {
    const handle = openSync(
      buildHolderPath(path),
      O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK,
      0o600,
    )
    try {
      writeSync(handle, JSON.stringify(holder))
    } finally {
      closeSync(handle)
    }
  } catch {
    // A waiting process then reports "another daypass".
  }
}

function forgetHolder(path: string): void {
  try {
    rmSync(buildHolderPath(path), { force: true })
  } catch {
    // A file that cannot be removed does not prevent the next lock.
  }
}

function createLockTimeoutError(path: string, patience: number): DaypassError {
  const holder = readHolder(path)
  const who = holder === undefined ? '' : ` (${describeHolder(holder)})`
  const waited = patience < 1000 ? `${patience} ms` : `${Math.round(patience / 1000)} s`
  return new DaypassError(
    'lock',
    `another daypass${who} holds ${basename(path, '.lock')}; gave up after ${waited}`,
    { hint: holder === undefined ? 'try again' : `try again, or end that process: kill ${holder.pid}` },
  )
}

function describeHolder({ pid, purpose, since }: Holder): string {
  return `pid ${pid}, ${purpose}, for ${Math.max(0, Math.round((Date.now() - since) / 1000))} s`
}

function readHolder(path: string): Holder | undefined {
  try {
    const said = JSON.parse(readOwnFile(buildHolderPath(path)) ?? '') as Holder
    return typeof said.pid === 'number' && typeof said.purpose === 'string' ? said : undefined
  } catch {
    return undefined
  }
}

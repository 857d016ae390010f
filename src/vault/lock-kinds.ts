/**
 * Two locks that the kernel releases when their holder dies. On Linux (and, by its documentation, Windows)
 * they exclude each other: the native lock covers exactly the bytes that SQLite locks for an EXCLUSIVE
 * transaction, and open-file-description locks conflict with SQLite's process locks. SQLite must find the
 * file empty, so it is never written to.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats } from 'node:fs'
import { getErrno } from './disk-error.ts'
import { loadFirst } from './native.ts'

/** An open lock file. Closing it releases the lock. */
export interface LockFile {
  take(): boolean
  /** Returns whether the file at this path is still the opened one. */
  isAt(path: string): boolean
  close(): void
}

export type OpenLock = (path: string) => LockFile
export type LockKind = 'native' | 'sqlite'

/** SQLite's PENDING byte, RESERVED byte and 510 SHARED bytes: https://www.sqlite.org/src/file/src/os.h */
const OFFSET = 0x40000000
const LENGTH = 512

/** macOS has only `flock`, which locks whole files (fs-native-extensions, src/apple.c). */
const RANGE: [offset: number, length: number] = process.platform === 'darwin' ? [0, 0] : [OFFSET, LENGTH]

const SQLITE_BUSY = 5

const OPENERS: Partial<Record<LockKind, () => OpenLock | undefined>> = {
  native: createNativeOpener,
  sqlite: createSqliteOpener,
}

/** Returns undefined where this system does not support the kind. */
export function createLockOpener(kind: LockKind): OpenLock | undefined {
  return OPENERS[kind]?.()
}

type TryLock = (handle: number, offset: number, length: number, how?: unknown) => boolean | undefined

function createNativeOpener(): OpenLock | undefined {
  // Loads the addon directly: the package's own loader needs 10 ms to find it.
  const addon = `fs-native-extensions/prebuilds/${process.platform}-${process.arch}/fs-native-extensions.node`
  const found = loadFirst([addon, 'fs-native-extensions'])
  if (found === undefined) return undefined
  const { tryLock } = found.loaded as { tryLock: TryLock }
  // The addon requires its fourth argument, `exclusive`; the package expects options there, or nothing.
  const how = found.from === addon ? true : undefined
  return (path) => {
    const { O_RDWR, O_CREAT, O_NOFOLLOW = 0 } = constants
    const handle = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600)
    return {
      take: () => takeUnlessRefused(() => tryLock(handle, ...RANGE, how) !== false, isHeldElsewhere),
      isAt: (path) => isSameFile(fstatSync(handle), path),
      close: () => closeSync(handle),
    }
  }
}

function isSameFile(opened: Stats, path: string): boolean {
  const there = lstatSync(path, { throwIfNoEntry: false })
  return there !== undefined && there.ino === opened.ino && there.dev === opened.dev
}

interface Database {
  exec(sql: string): void
  close(): void
}

function createSqliteOpener(): OpenLock | undefined {
  const sqlite = loadQuietly(() => process.getBuiltinModule?.('node:sqlite')) as
    | { DatabaseSync: new (path: string) => Database }
    | undefined
  if (sqlite === undefined) return undefined
  return (path) => {
    createEmptyFile(path)
    const opened = lstatSync(path)
    // SQLite would follow the link.
    if (opened.isSymbolicLink()) throw Object.assign(new Error('a symbolic link'), { code: 'ELOOP' })
    const database = new sqlite.DatabaseSync(path)
    return {
      take: () => takeUnlessRefused(() => beginExclusive(database), isBusy),
      isAt: (path) => isSameFile(opened, path),
      close: () => database.close(),
    }
  }
}

function beginExclusive(database: Database): true {
  database.exec('BEGIN EXCLUSIVE')
  return true
}

/**
 * Creates the file, because SQLite would make it readable by all. An existing file is not opened: closing it
 * would release our own lock.
 */
function createEmptyFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (getErrno(error) !== 'EEXIST') throw error
  }
}

function takeUnlessRefused(take: () => boolean, isRefusal: (error: unknown) => boolean): boolean {
  try {
    return take()
  } catch (error) {
    if (isRefusal(error)) return false
    throw error
  }
}

function isHeldElsewhere(error: unknown): boolean {
  return getErrno(error) === 'EAGAIN'
}

function isBusy(error: unknown): boolean {
  return (Number((error as { errcode?: number }).errcode) & 0xff) === SQLITE_BUSY
}

/** Hides the warning of Node 22 that SQLite is experimental. Other warnings, and later ones, are shown. */
function loadQuietly<T>(load: () => T): T {
  const { emitWarning } = process
  process.emitWarning = (...said: unknown[]) => {
    if (!String(said[0]).includes('SQLite')) Reflect.apply(emitWarning, process, said)
  }
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}

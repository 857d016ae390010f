/**
 * Two locks that the kernel releases with their holder. On Linux (and, by its documentation, Windows) they
 * exclude each other: the native one takes exactly the bytes of the lock file that SQLite locks for an
 * EXCLUSIVE transaction, and open-file-description locks conflict with the process locks that SQLite takes.
 * SQLite must find the file empty, so nothing is ever written into it.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats } from 'node:fs'
import { getErrno } from './disk-error.ts'
import { loadFirst } from './native.ts'

/** An open lock file. Closing it releases. */
export interface LockFile {
  take(): boolean
  /** Whether the file at that path still is the one that was opened. */
  isAt(path: string): boolean
  close(): void
}

export type OpenLock = (path: string) => LockFile
export type LockKind = 'native' | 'sqlite'

/** SQLite's PENDING byte, RESERVED byte and 510 SHARED bytes: https://www.sqlite.org/src/file/src/os.h */
const OFFSET = 0x40000000
const LENGTH = 512

/** macOS has `flock` there, which knows whole files only (fs-native-extensions, src/apple.c). */
const RANGE: [offset: number, length: number] = process.platform === 'darwin' ? [0, 0] : [OFFSET, LENGTH]

const SQLITE_BUSY = 5

const OPENERS: Partial<Record<LockKind, () => OpenLock | undefined>> = {
  native: createNativeOpener,
  sqlite: createSqliteOpener,
}

/** `undefined`: this system does not have it. */
export function createLockOpener(kind: LockKind): OpenLock | undefined {
  return OPENERS[kind]?.()
}

type TryLock = (handle: number, offset: number, length: number, how?: unknown) => boolean | undefined

function createNativeOpener(): OpenLock | undefined {
  // The addon itself: the package's own loader takes 10 ms to find it.
  const addon = `fs-native-extensions/prebuilds/${process.platform}-${process.arch}/fs-native-extensions.node`
  const found = loadFirst([addon, 'fs-native-extensions'])
  if (found === undefined) return undefined
  const { tryLock } = found.loaded as { tryLock: TryLock }
  // The bare addon wants its fourth argument, `exclusive`; the package wants options there, or nothing.
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
    // SQLite would follow it.
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

/** SQLite would make it readable by all. An existing one is not opened: closing it would drop our own lock. */
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

/** Node 22 warns that SQLite is experimental when it is loaded. Other warnings pass, and so do later ones. */
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

/**
 * Files that are whole or not there, and that survive a power cut: temporary file in the same folder, synced,
 * renamed, folder synced. A spent refresh token that is lost is a lost login.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DaypassError } from '../core/errors.ts'
import { createDiskError, getErrno } from './disk-error.ts'
import { makeFolders } from './make-folder.ts'
import { MAX_FILE_SIZE } from './read-file.ts'

const { O_WRONLY, O_RDONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = constants
const WINDOWS = process.platform === 'win32'

const TEMPORARY = /^\.tmp-(\d+)-[0-9a-f]+-(.+)$/
/** A process id means nothing in another container, so a file must be old as well before it is swept. */
const STALE = 60 * 60 * 1000

/** Space on the disk that is ours until it is released, or written to: what a `write` that fails has written stays there. */
export interface Room {
  write(text: string): void
  release(): void
}

/** Whose a file is, and who may read it. */
export type Ownership = Pick<Stats, 'mode' | 'uid' | 'gid'>

/** 0600, and ours; `as` is for the files of other tools, which stay whose they were. */
export function writeFileDurably(path: string, text: string, as?: Ownership): void {
  const room = reserveRoom(path, Buffer.byteLength(text), as)
  try {
    room.write(text)
  } finally {
    room.release()
  }
}

/** Takes `bytes` bytes of disk for what will be at `path`. The folder is made where it is missing. */
export function reserveRoom(path: string, bytes: number, as?: Ownership): Room {
  const folder = dirname(path)
  makeFolder(folder)
  const temporary = join(folder, `.tmp-${process.pid}-${randomBytes(6).toString('hex')}-${basename(path)}`)
  let handle: number | undefined
  const close = () => {
    const open = handle
    handle = undefined
    if (open !== undefined) closeSync(open)
  }
  const release = () => {
    ignoreErrors(close)
    ignoreErrors(() => rmSync(temporary, { force: true }))
  }
  const write = (text: string) => {
    if (handle === undefined) throw new Error('room already used')
    let isWritten = false
    try {
      const bytes = encodeWithinLimit(text, path)
      writeAll(handle, bytes)
      isWritten = true
      ftruncateSync(handle, bytes.length)
      fsyncSync(handle)
      close()
      rename(temporary, path)
      syncFolder(folder)
    } catch (error) {
      if (isWritten) ignoreErrors(close)
      else release()
      throw createDiskError(error, 'write', path)
    }
    ignoreErrors(() => deleteStaleFiles(path))
  }
  try {
    handle = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    if (as !== undefined) copyOwnership(handle, as)
    // Noise, because a file system that compresses or leaves holes keeps no room for zeros.
    writeAll(handle, randomBytes(bytes))
    fsyncSync(handle)
  } catch (error) {
    release()
    throw createDiskError(error, 'write', path)
  }
  return { write, release }
}

function copyOwnership(handle: number, { mode, uid, gid }: Ownership): void {
  if (WINDOWS) return
  const own = fstatSync(handle)
  // Only root can; anybody else has the file from now on, as after any editor that renames.
  if (own.uid !== uid || own.gid !== gid) ignoreErrors(() => fchownSync(handle, uid, gid))
  fchmodSync(handle, mode & 0o777)
}

/** For tidying up: what went well before is done, and what went wrong is worth more than this. */
function ignoreErrors(deed: () => void): void {
  try {
    deed()
  } catch {
    // It is in nobody's way, and swept when it is old.
  }
}

/** False: there was nothing. */
export function removeDurably(path: string): boolean {
  try {
    unlinkSync(path)
    syncFolder(dirname(path))
    return true
  } catch (error) {
    if (getErrno(error) === 'ENOENT') return false
    throw createDiskError(error, 'remove', path)
  }
}

function encodeWithinLimit(text: string, path: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length <= MAX_FILE_SIZE) return bytes
  throw new DaypassError('vault', `cannot write ${path}: more than 8 MiB`, {
    hint: 'this is more than any credential needs; look at what the server sent',
  })
}

function writeAll(handle: number, bytes: Buffer): void {
  let written = 0
  while (written < bytes.length) {
    written += writeSync(handle, bytes, written, bytes.length - written, written)
  }
}

/** Windows refuses while a virus scanner or another reader has the file open; that passes. */
export function rename(from: string, to: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      renameSync(from, to)
      return
    } catch (error) {
      const passes = WINDOWS && ['EPERM', 'EBUSY', 'EACCES'].includes(getErrno(error) ?? '')
      if (!passes || attempt === 8) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, attempt * 10)
    }
  }
}

/** A rename or a deletion is on disk only when its folder is. */
export function syncFolder(folder: string): void {
  if (WINDOWS) return
  const handle = openSync(folder, O_RDONLY)
  try {
    fsyncSync(handle)
  } catch (error) {
    // Some network file systems cannot sync a folder; there is nothing better to do there.
    if (!['EINVAL', 'ENOTSUP', 'EISDIR', 'EBADF'].includes(getErrno(error) ?? '')) throw error
  } finally {
    closeSync(handle)
  }
}

export function makeFolder(folder: string): void {
  try {
    const first = makeFolders(folder)
    if (first !== undefined) syncFolder(dirname(first))
  } catch (error) {
    throw createDiskError(error, 'make the folder', folder)
  }
}

/** The temporary files of whatever was to be at `path`. */
export function listTemporaryFiles(path: string): string[] {
  return readdirSync(dirname(path))
    .filter((file) => TEMPORARY.exec(file)?.[2] === basename(path))
    .map((file) => join(dirname(path), file))
}

/**
 * Removes what processes left that died between reserving and renaming; of other files only where nothing can be
 * rescued from it. After the renaming: until then, what was rescued lies in nothing but such a file.
 */
function deleteStaleFiles(path: string): void {
  const folder = dirname(path)
  for (const file of readdirSync(folder)) {
    const [, owner, target] = TEMPORARY.exec(file) ?? []
    if (owner === undefined || target === undefined) continue
    const others = target !== basename(path) && lstatSync(join(folder, target), { throwIfNoEntry: false })
    if (!others && isStale(join(folder, file), Number(owner)))
      ignoreErrors(() => rmSync(join(folder, file), { force: true }))
  }
}

function isStale(path: string, owner: number): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined || Date.now() - stat.mtimeMs < STALE) return false
  try {
    process.kill(owner, 0)
    return false
  } catch (error) {
    return getErrno(error) === 'ESRCH'
  }
}

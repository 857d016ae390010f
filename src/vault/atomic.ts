/**
 * Writes files that are complete or absent, and that survive a power failure: a temporary file in the same
 * folder is synced and renamed, then the folder is synced. A lost refresh token is a lost login.
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
/** Milliseconds. Process ids mean nothing in another container, so a file must be old to be deleted. */
const STALE = 60 * 60 * 1000

/**
 * Disk space that is reserved until it is released or written to. The bytes of a failed `write` stay there.
 */
export interface Room {
  write(text: string): void
  release(): void
}

/** Mode and owner of a file. */
export type Ownership = Pick<Stats, 'mode' | 'uid' | 'gid'>

/**
 * Writes a file of mode 0600 with our own user as owner. `as` keeps mode and owner of another tool's file.
 */
export function writeFileDurably(path: string, text: string, as?: Ownership): void {
  const room = reserveRoom(path, Buffer.byteLength(text), as)
  try {
    room.write(text)
  } finally {
    room.release()
  }
}

/** Reserves `bytes` bytes of disk for the file at `path`. Makes the folder where it is missing. */
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
    // Random bytes, because a file system that compresses or leaves holes reserves no space for zeros.
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
  // Only root can change the owner. Without root the file is ours, as after any editor that renames.
  if (own.uid !== uid || own.gid !== gid) ignoreErrors(() => fchownSync(handle, uid, gid))
  fchmodSync(handle, mode & 0o777)
}

/** Runs cleanup. Its failure must not hide the result or the error of the main work. */
function ignoreErrors(deed: () => void): void {
  try {
    deed()
  } catch {
    // A remaining file does no harm and is deleted once it is old.
  }
}

/** Removes a file and syncs its folder. Returns false where it did not exist. */
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

/** Retries on Windows, which refuses while a virus scanner or another reader has the file open. */
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

/** Syncs the folder: a rename or deletion is durable only after that. */
export function syncFolder(folder: string): void {
  if (WINDOWS) return
  const handle = openSync(folder, O_RDONLY)
  try {
    fsyncSync(handle)
  } catch (error) {
    // Some network file systems cannot sync a folder, and there is no substitute.
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

/** Lists the temporary files for the file at `path`. */
export function listTemporaryFiles(path: string): string[] {
  return readdirSync(dirname(path))
    .filter((file) => TEMPORARY.exec(file)?.[2] === basename(path))
    .map((file) => join(dirname(path), file))
}

/**
 * Deletes files of processes that died between reserving and renaming. A file for another target is deleted
 * only where that target does not exist. Runs after the rename: until then, a recovered record may exist only
 * in such a file.
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

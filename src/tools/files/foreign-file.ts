/** Reads and writes a file of another tool: follows links, keeps owner and mode for its readers. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DaypassError, isDaypassError } from '../../core/errors.ts'
import { type Ownership, removeDurably, writeFileDurably } from '../../vault/atomic.ts'
import { createDiskError, getErrno } from '../../vault/disk-error.ts'

/** Far above any configuration that a person writes. */
const MAX_FOREIGN_SIZE = 1024 * 1024

export interface ForeignFile {
  /** As the person named it. */
  path: string
  /** The end of all links, which is read and written. */
  target: string
  /** Empty where there is no file. */
  text: string
  /** Absent where there is no file yet. */
  ownership?: Ownership
  /** False for `/dev/null` and similar files, which are empty and are never written. */
  writable: boolean
}

export function readForeignFile(path: string): ForeignFile {
  try {
    const target = followLinks(path)
    const handle = openIfPresent(target)
    if (handle === undefined) return { path, target, text: '', writable: true }
    try {
      return { path, target, ...readContent(handle, path) }
    } finally {
      closeSync(handle)
    }
  } catch (error) {
    throw translateDiskError(error, 'read', path)
  }
}

/** Writes the file atomically. A new file gets 0600, a new folder 0700. */
export function writeForeignFile({ path, target, ownership, writable }: ForeignFile, text: string): void {
  if (!writable) throw createUnusableFileError(path, 'it is not a file')
  if (Buffer.byteLength(text) > MAX_FOREIGN_SIZE)
    throw createUnusableFileError(path, 'it would become larger than 1 MiB')
  try {
    writeFileDurably(target, text, ownership)
  } catch (error) {
    throw translateDiskError(error, 'write', path)
  }
}

export function removeForeignFile({ path, target }: ForeignFile): void {
  try {
    removeDurably(target)
  } catch (error) {
    throw translateDiskError(error, 'remove', path)
  }
}

const MOST_LINKS = 40

/** Follows links without `realpath`, which fails where the last link points to a missing file. */
function followLinks(path: string, links = MOST_LINKS): string {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
  if (!isLink) return resolve(path)
  if (links === 0) throw createUnusableFileError(path, 'its symbolic links go round in a circle')
  return followLinks(resolve(realpathSync(dirname(path)), readlinkSync(path)), links - 1)
}

function openIfPresent(path: string): number | undefined {
  const { O_RDONLY, O_NONBLOCK = 0 } = constants
  try {
    // Avoids blocking on a FIFO in the file's place.
    return openSync(path, O_RDONLY | O_NONBLOCK)
  } catch (error) {
    if (getErrno(error) === 'ENOENT') return undefined
    throw error
  }
}

function readContent(handle: number, path: string): Pick<ForeignFile, 'text' | 'writable' | 'ownership'> {
  const stat = fstatSync(handle)
  if (stat.isDirectory()) throw createUnusableFileError(path, 'it is a folder')
  if (!stat.isFile()) return { text: '', writable: false }
  if (stat.size > MAX_FOREIGN_SIZE) throw createUnusableFileError(path, 'it is larger than 1 MiB')
  const bytes = readFileSync(handle)
  const text = bytes.toString('utf8')
  if (!Buffer.from(text).equals(bytes)) throw createUnusableFileError(path, 'it is not UTF-8')
  return { text, writable: true, ownership: { mode: stat.mode, uid: stat.uid, gid: stat.gid } }
}

function createUnusableFileError(path: string, why: string): DaypassError {
  return new DaypassError('vault', `${path} cannot be used: ${why}`, { hint: `look at it: ls -lL ${path}` })
}

/** Translates a disk error without the advice for our own files, because this path is fixed. */
export function translateDiskError(error: unknown, deed: string, path: string): DaypassError {
  const ours = createDiskError(error, deed, path)
  if (!ours.hint?.includes('DAYPASS_HOME')) return ours
  return new DaypassError('vault', ours.message, {
    hint: `look at its permissions: ls -ld ${dirname(path)} ${path}`,
    cause: isDaypassError(error) ? error.cause : error,
  })
}

import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
} from 'node:fs'
import { DaypassError } from '../core/errors.ts'
import { createDiskError, getErrno } from './disk-error.ts'

/**
 * Far above any record, and more than what a server can answer (1 MiB) becomes when it is sealed beside what was kept
 * before; keeps a stranger's file from filling the memory.
 */
export const MAX_FILE_SIZE = 8 * 1024 * 1024

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
const OTHERS_MODE = 0o077

export type Report = (message: string) => void

/**
 * Reads one of our own files. Refused: a symbolic link, anything that is not a file, a file of another user.
 * Looser permissions than 0600 are mended and reported. Everything is decided on the open handle, so nothing
 * can be exchanged between the look and the reading. `undefined`: there is no such file.
 */
export function readOwnFile(
  path: string,
  report: Report = () => {},
  largest = MAX_FILE_SIZE,
): string | undefined {
  const handle = openOwnFile(path)
  if (handle === undefined) return undefined
  try {
    const { size } = inspectOwnFile(handle, path, report, largest)
    return readAll(handle, size)
  } catch (error) {
    throw createDiskError(error, 'read', path)
  } finally {
    closeSync(handle)
  }
}

function openOwnFile(path: string): number | undefined {
  try {
    // Where the system has no O_NOFOLLOW the look before has to do.
    if (O_NOFOLLOW === 0 && lstatSync(path).isSymbolicLink())
      throw createRefusedFileError(path, 'it is a symbolic link')
    // A FIFO in the file's place would hang a blocking open.
    return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (getErrno(error) === 'ENOENT') return undefined
    if (getErrno(error) === 'ELOOP') throw createRefusedFileError(path, 'it is a symbolic link', error)
    throw createDiskError(error, 'read', path)
  }
}

function inspectOwnFile(handle: number, path: string, report: Report, largest: number): Stats {
  const stat = fstatSync(handle)
  if (!stat.isFile()) throw createRefusedFileError(path, 'it is not a file')
  if (stat.size > largest) throw createRefusedFileError(path, 'it is larger than any file of ours')
  if (process.platform === 'win32') return stat
  if (stat.uid !== process.getuid?.()) throw createRefusedFileError(path, 'it belongs to another user')
  if ((stat.mode & OTHERS_MODE) !== 0) restrictPermissions(handle, path, stat.mode, report)
  return stat
}

function restrictPermissions(handle: number, path: string, mode: number, report: Report): void {
  const was = (mode & 0o777).toString(8).padStart(4, '0')
  try {
    fchmodSync(handle, 0o600)
    report(`${path} could be read by others (${was}); it is 0600 now`)
  } catch {
    report(`${path} can be read by others (${was}), and this file system does not let us change that`)
  }
}

function readAll(handle: number, size: number): string {
  const bytes = Buffer.alloc(size)
  let read = 0
  while (read < size) {
    const more = readSync(handle, bytes, read, size - read, read)
    if (more === 0) break
    read += more
  }
  return bytes.toString('utf8', 0, read)
}

function createRefusedFileError(path: string, why: string, cause?: unknown): DaypassError {
  return new DaypassError('vault', `${path} is refused: ${why}`, {
    hint: `look at it: ls -l ${path}`,
    cause,
  })
}

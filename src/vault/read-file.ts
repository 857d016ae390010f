import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs'
import { DaypassError } from '../core/errors.ts'
import { assertPrivateFile, type Report } from '../trust/file-trust.ts'
import { createDiskError, getErrno } from './disk-error.ts'

export type { Report }

/**
 * Far above any record, and more than what a server can answer (1 MiB) becomes when it is sealed beside what was kept
 * before. It limits the memory that a foreign file can take.
 */
export const MAX_FILE_SIZE = 8 * 1024 * 1024

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants

/**
 * Reads one of our own files. Refuses a symbolic link, anything that is not a regular file, and a file of
 * another user. Corrects and reports permissions wider than 0600. All checks use the open handle, so the file
 * cannot be exchanged between the check and the read. Returns undefined where there is no such file.
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
    // Where the system has no O_NOFOLLOW, this earlier check replaces it.
    if (O_NOFOLLOW === 0 && lstatSync(path).isSymbolicLink())
      throw createRefusedFileError(path, 'it is a symbolic link')
    // Opening a FIFO without O_NONBLOCK would hang.
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
  assertPrivateFile(handle, path, stat, report)
  return stat
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

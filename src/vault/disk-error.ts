import { dirname } from 'node:path'
import { DaypassError, isDaypassError } from '../core/errors.ts'

const PERMISSION_HINT = 'give daypass a folder of its own with DAYPASS_HOME, or mend the permissions'

const ERROR_TEXTS: Record<string, [what: string, hint: string]> = {
  ENOSPC: ['the disk is full', 'free some space and try again; nothing was lost'],
  EDQUOT: ['the disk quota is used up', 'free some space and try again; nothing was lost'],
  EROFS: ['the file system is read-only', 'make it writable, or set DAYPASS_HOME to a folder that is'],
  EACCES: ['permission denied', PERMISSION_HINT],
  EPERM: ['permission denied', PERMISSION_HINT],
  ENOTDIR: ['part of the path is not a folder', 'move the file that is in the way, or set DAYPASS_HOME'],
  ENOENT: ['its folder is not there, and cannot be made', 'set DAYPASS_HOME to a folder of your own'],
  ENAMETOOLONG: ['the path is too long', 'set DAYPASS_HOME to a shorter one'],
  EFBIG: ['files may grow no larger here', 'raise the limit, then try again: ulimit -f unlimited'],
  EEXIST: ['something else is in its place', 'move what is in the way, or set DAYPASS_HOME'],
  EISDIR: ['a folder is in its place', 'move the folder that is in the way'],
  ELOOP: ['it is a symbolic link', 'replace the link by the file itself, or remove it'],
  EMFILE: ['too many files are open', 'close other programs, or raise `ulimit -n`'],
}

/** Converts a system error to a DaypassError. `deed` is a verb such as `write`, `read` or `lock`. */
export function createDiskError(error: unknown, deed: string, path: string): DaypassError {
  if (isDaypassError(error)) return error
  const code = String((error as NodeJS.ErrnoException | undefined)?.code ?? 'unknown')
  const [what, hint] = ERROR_TEXTS[code] ?? [`the system said ${code}`, `look at ${dirname(path)}`]
  return new DaypassError('vault', `cannot ${deed} ${path}: ${what}`, { hint, cause: error })
}

export function getErrno(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}

export function createNoRecordError(name: string): DaypassError {
  return new DaypassError('not_found', `there is no record of \`${name}\``, { advice: { verb: 'list' } })
}

/**
 * The audit log: one line of JSON for each credential that is returned, without any secret. A failure here is
 * never an error for the caller. Every `token` runs this code, so it loads nothing.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readlinkSync,
  type Stats,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { makeFolders } from '../vault/make-folder.ts'

/** The facts of a request that the caller knows. */
export interface AuditRequest {
  verb: string
  identity: string
  /** Who receives the credential, where known: a host, or the name of a program. */
  audience?: string | undefined
}

/** One line of the log. */
export interface AuditEntry extends AuditRequest {
  /** Time in ISO 8601. */
  at: string
  pid: number
  /** The parent process and its program. */
  ppid: number
  parent?: string | undefined
  cwd?: string | undefined
}

/** Bytes. A longer file becomes the older one and replaces the previous older file. */
export const MAX_AUDIT_SIZE = 1_000_000
/**
 * Bytes. A file that is longer than the limit by this much could not be rotated; the next attempt comes when
 * it has grown by the limit again.
 */
const SPARE = 65_536

const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants

type Env = Readonly<Record<string, string | undefined>>

export const isAuditOff = (env: Env) => env.DAYPASS_AUDIT?.toLowerCase() === 'off'

/** Appends a line. Returns true where the file is too long and should be rotated. Never throws. */
export function appendAudit(path: string, asking: AuditRequest, env: Env): boolean {
  if (isAuditOff(env)) return false
  try {
    const line = Buffer.from(`${JSON.stringify(createAuditEntry(asking))}\n`)
    const written = writeAuditLine(path, line)
    // No links: the opened file was rotated and then replaced, and the line was lost with it.
    const { size } = written.nlink > 0 ? written : writeAuditLine(path, line)
    return size >= MAX_AUDIT_SIZE && size % MAX_AUDIT_SIZE < SPARE
  } catch {
    return false
  }
}

function createAuditEntry({ verb, identity, audience }: AuditRequest): AuditEntry {
  return {
    at: formatNow(),
    verb,
    identity,
    audience,
    pid: process.pid,
    ppid: process.ppid,
    parent:
      process.platform === 'linux'
        ? ignoreFailure(() => readlinkSync(`/proc/${process.ppid}/exe`))
        : undefined,
    cwd: ignoreFailure(() => process.cwd()),
  }
}

/** Formats part by part: a process's first `toISOString` takes 0.2 ms, half the time of this call. */
function formatNow(): string {
  const now = new Date()
  const two = (part: number) => (part < 10 ? `0${part}` : part)
  const day = `${now.getUTCFullYear()}-${two(now.getUTCMonth() + 1)}-${two(now.getUTCDate())}`
  return `${day}T${two(now.getUTCHours())}:${two(now.getUTCMinutes())}:${two(now.getUTCSeconds())}Z`
}

/** Another user's process is not readable, and the working folder may be deleted. */
function ignoreFailure(deed: () => string): string | undefined {
  try {
    return deed()
  } catch {
    return undefined
  }
}

/** Writes the line with one call, so the system does not mix it with lines of other processes. */
function writeAuditLine(path: string, line: Buffer): Stats {
  const handle = openAuditFile(path)
  try {
    const { mode } = assertOwnFile(fstatSync(handle))
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) fchmodSync(handle, 0o600)
    writeSync(handle, line)
    return fstatSync(handle)
  } finally {
    closeSync(handle)
  }
}

function openAuditFile(path: string): number {
  // Follows no link, and does not wait at a pipe without a reader.
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK
  try {
    return openSync(path, flags, 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    makeFolders(dirname(path))
    return openSync(path, flags, 0o600)
  }
}

function assertOwnFile(stat: Stats): Stats {
  if (stat.isFile() && (process.getuid === undefined || stat.uid === process.getuid())) return stat
  throw new Error('somebody else has a file there')
}

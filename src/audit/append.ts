/**
 * The record of who asked for which credential: one line of JSON for each that is handed out, and no secret. It is never
 * in anybody's way: what goes wrong here is nobody's error. On the warm path, so it loads nothing.
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

/** What is known of an asking where it is answered. */
export interface AuditRequest {
  verb: string
  identity: string
  /** For whom, where that is known: a host, or the name of a program. */
  audience?: string | undefined
}

/** A line. */
export interface AuditEntry extends AuditRequest {
  /** ISO 8601. */
  at: string
  pid: number
  /** The process that started ours, and its program. */
  ppid: number
  parent?: string | undefined
  cwd?: string | undefined
}

/** In bytes. Then it becomes the older file, and the one that was is gone. */
export const MAX_AUDIT_SIZE = 1_000_000
/** Past the limit this much, nobody could make it the older one; that is tried again when it has doubled. */
const SPARE = 65_536

const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants

type Env = Readonly<Record<string, string | undefined>>

export const isAuditOff = (env: Env) => env.DAYPASS_AUDIT?.toLowerCase() === 'off'

/** True: the file has become too long, and whoever has time makes it the older one. */
export function appendAudit(path: string, asking: AuditRequest, env: Env): boolean {
  if (isAuditOff(env)) return false
  try {
    const line = Buffer.from(`${JSON.stringify(createAuditEntry(asking))}\n`)
    const written = writeAuditLine(path, line)
    // What was opened became the older one, and was replaced as such: the line went with it.
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

/** Part by part: the first `toISOString` of a process takes 0.2 ms, which is half of what all of this takes. */
function formatNow(): string {
  const now = new Date()
  const two = (part: number) => (part < 10 ? `0${part}` : part)
  const day = `${now.getUTCFullYear()}-${two(now.getUTCMonth() + 1)}-${two(now.getUTCDate())}`
  return `${day}T${two(now.getUTCHours())}:${two(now.getUTCMinutes())}:${two(now.getUTCSeconds())}Z`
}

/** Another user's process does not tell, and a folder may be gone. */
function ignoreFailure(deed: () => string): string | undefined {
  try {
    return deed()
  } catch {
    return undefined
  }
}

/** One write at the end, which the system mixes with nobody else's. */
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
  // Neither a link to elsewhere, nor a pipe that nobody reads.
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

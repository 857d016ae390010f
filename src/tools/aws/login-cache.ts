/**
 * Reads and writes the sessions of `aws login`, one file each, named after their principal. The AWS CLI and
 * every SDK renew them there, some in place and all without a lock, so a read may see half a file.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DaypassError, isDaypassError } from '../../core/errors.ts'
import { listTemporaryFiles, removeDurably, reserveRoom } from '../../vault/atomic.ts'
import { quarantine } from '../../vault/disk.ts'
import { getErrno } from '../../vault/disk-error.ts'
import { type Report, readOwnFile } from '../../vault/read-file.ts'
import { translateDiskError } from '../files/foreign-file.ts'
import { formatLoginSession, getPrincipal, type LoginSession, parseLoginSession } from './login-session.ts'

/** Returns the file of a session. `login_session` in the profile is the principal's ARN. */
export function resolveLoginSessionPath(folder: string, loginSession: string): string {
  return join(folder, `${createHash('sha256').update(loginSession, 'utf8').digest('hex')}.json`)
}

export interface ReadOptions {
  /** Called for a file with looser permissions than 0600, which are then repaired. */
  report?: Report | undefined
  /** Only for tests. */
  sleep?: ((milliseconds: number) => Promise<unknown>) | undefined
}

/** Milliseconds, about 300 in all: longer than writing a file of 3 KB takes. */
const PAUSES = [10, 20, 40, 80, 160]

/** Reads a session. Returns undefined where there is no file. */
export async function readLoginSession(
  path: string,
  { report, sleep = waitMilliseconds }: ReadOptions = {},
): Promise<LoginSession | undefined> {
  for (const wait of [...PAUSES, undefined]) {
    const text = readSessionText(path, report)
    if (text === undefined) return undefined
    const session = parseLoginSession(text, path)
    if (session !== undefined) return session
    if (wait !== undefined) await sleep(wait)
  }
  throw new DaypassError('vault', `${path} is damaged: no whole session stands there`, {
    hint: 'log in again: aws login',
  })
}

const waitMilliseconds = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

function readSessionText(path: string, report: Report | undefined): string | undefined {
  try {
    return readOwnFile(path, report)
  } catch (error) {
    throw translateDiskError(error, 'read', path)
  }
}

/** Replaces the file atomically and syncs it. Mode 0600; a new folder gets 0700. */
export function writeLoginSession(path: string, session: LoginSession): void {
  const room = reserveLoginSession(path, session)
  try {
    room.write(session)
  } finally {
    room.release()
  }
}

export interface LoginReservation {
  /** Writes the session. On failure, it stays in a file beside it until `release`. */
  write(session: LoginSession): void
  release(): void
}

/** Bytes by which a new answer may be longer. Tokens have any length, usually 2 to 4 KB. */
const GROWTH = 16 * 1024

/** Reserves disk space for the next session: a full disk shows before the refresh token is spent. */
export function reserveLoginSession(path: string, session?: LoginSession): LoginReservation {
  const bytes = GROWTH + (session === undefined ? 0 : Buffer.byteLength(formatLoginSession(session)))
  const room = translateDiskErrors(path, () => reserveRoom(path, bytes))
  return {
    write: (renewed) => translateDiskErrors(path, () => room.write(formatLoginSession(renewed))),
    release: () => room.release(),
  }
}

function translateDiskErrors<T>(path: string, work: () => T, deed = 'write'): T {
  try {
    return work()
  } catch (error) {
    throw translateDiskError(error, deed, path)
  }
}

/** Removes the file; false where there was none. The profile keeps `login_session`, as in `aws logout`. */
export function removeLoginSession(path: string): boolean {
  const remove = () => {
    // A renewal that was killed may have left its answer there.
    for (const file of existsSync(dirname(path)) ? listTemporaryFiles(path) : []) removeDurably(file)
    return removeDurably(path)
  }
  return translateDiskErrors(path, remove, 'remove')
}

/** Moves the file aside and returns its new path. */
export async function quarantineLoginSession(path: string): Promise<string> {
  try {
    return await quarantine(path, basename(path))
  } catch (error) {
    throw translateDiskError(error, 'move', path)
  }
}

export interface ListedSession {
  path: string
  /** The ARN in the session, where it matches the file name: the `login_session` of a profile. */
  principal?: string
  session?: LoginSession
  /** Why there is no session. */
  problem?: DaypassError
}

/** Lists every session of the folder; unreadable ones come with their problem. */
export async function listLoginSessions(folder: string, options: ReadOptions = {}): Promise<ListedSession[]> {
  const files = readFolderNames(folder).filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
  const all = await Promise.all(files.sort().map((name) => readListedSession(folder, name, options)))
  return all.filter((one) => one !== undefined)
}

function readFolderNames(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (getErrno(error) === 'ENOENT') return []
    throw translateDiskError(error, 'read', folder)
  }
}

async function readListedSession(
  folder: string,
  name: string,
  options: ReadOptions,
): Promise<ListedSession | undefined> {
  const path = join(folder, name)
  try {
    const session = await readLoginSession(path, options)
    if (session === undefined) return undefined
    const principal = getPrincipal(session)
    const isItsOwn = principal !== undefined && resolveLoginSessionPath(folder, principal) === path
    return { path, session, ...(isItsOwn ? { principal } : {}) }
  } catch (error) {
    if (isDaypassError(error)) return { path, problem: error }
    throw error
  }
}

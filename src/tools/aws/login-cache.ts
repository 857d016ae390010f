/**
 * The sessions of `aws login`, one file each, named for their principal. The AWS command line and every SDK read and
 * renew them there, some of them in place and none of them under a lock: what is read may be half of a file.
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

/** `login_session` is what the profile says: the principal's ARN. */
export function resolveLoginSessionPath(folder: string, loginSession: string): string {
  return join(folder, `${createHash('sha256').update(loginSession, 'utf8').digest('hex')}.json`)
}

export interface ReadOptions {
  /** Told of a file whose permissions were looser than 0600; they are mended. */
  report?: Report | undefined
  /** For tests. */
  sleep?: ((milliseconds: number) => Promise<unknown>) | undefined
}

/** Some 300 ms in all: longer than anybody writes at a file of 3 KB. */
const PAUSES = [10, 20, 40, 80, 160]

/** `undefined`: there is no such file. */
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

/** A whole file replaces what was there, synced. 0600, and the folder 0700 where it is new. */
export function writeLoginSession(path: string, session: LoginSession): void {
  const room = reserveLoginSession(path, session)
  try {
    room.write(session)
  } finally {
    room.release()
  }
}

export interface LoginReservation {
  /** Where this fails, what was to be written lies beside the file until `release`. */
  write(session: LoginSession): void
  release(): void
}

/** What an answer may be longer than the one before: its tokens are of any length, 2 to 4 KB as a rule. */
const GROWTH = 16 * 1024

/**
 * Takes the room on disk that the session will need after its renewal: a full disk is found out before the refresh
 * token is spent, and not when the next one is lost.
 */
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

/** False: there was none. The profile keeps its `login_session`, as after `aws logout`. */
export function removeLoginSession(path: string): boolean {
  const remove = () => {
    // A renewal that was killed may have left its answer there.
    for (const file of existsSync(dirname(path)) ? listTemporaryFiles(path) : []) removeDurably(file)
    return removeDurably(path)
  }
  return translateDiskErrors(path, remove, 'remove')
}

/** Says where it lies now. */
export async function quarantineLoginSession(path: string): Promise<string> {
  try {
    return await quarantine(path, basename(path))
  } catch (error) {
    throw translateDiskError(error, 'move', path)
  }
}

export interface ListedSession {
  path: string
  /** The ARN, where the session says it and the file is named for it: what a profile's `login_session` is. */
  principal?: string
  session?: LoginSession
  /** Why there is none. */
  problem?: DaypassError
}

/** Every session in the folder, those that cannot be read with what is wrong about them. */
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

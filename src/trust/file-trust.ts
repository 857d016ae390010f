/**
 * Which files of this machine are trusted. What is obeyed (the configuration) must be writable only by us and
 * root, from the root of the file system down. What is secret (the vault, sockets) must belong to us alone.
 * Windows is not checked: its files have access lists, which Node does not read.
 */
import {
  accessSync,
  chmodSync,
  constants,
  fchmodSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  type Stats,
  statfsSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DaypassError } from '../core/errors.ts'

/** Told of permissions that were mended. */
export type Report = (message: string) => void

const GROUP_WRITE = 0o020
const OTHERS_WRITE = 0o002
const STICKY = 0o1000
const OTHERS = 0o077

/** As many as Linux follows. */
const MAX_LINKS = 40

interface Fault {
  path: string
  what: string
  /** The command that mends it. */
  mend: string
}

/**
 * Throws `refused` (exit 6) where another user could have written what stands at `path`: the file, a folder above it,
 * or a link on the way. What is not there has no fault.
 */
export function assertObeyable(path: string): void {
  if (process.platform === 'win32') return
  const fault = findFault(path)
  if (fault) throw createRefusal(fault, 'not obeyed')
}

function createRefusal({ path, what, mend }: Fault, verdict: 'refused' | 'not obeyed'): DaypassError {
  return new DaypassError('refused', `${path} is ${verdict}: it ${what}`, {
    hint: `look at what it holds, then: ${mend}`,
  })
}

function findFault(path: string): Fault | undefined {
  const wanted = resolve(path).split('/').filter(Boolean)
  let links = 0
  let at = '/'
  for (let stat: Stats | undefined = lstatSync('/'); ; ) {
    const fault = findOwnFault(at, stat)
    if (fault) return fault
    const name = wanted.shift()
    if (name === undefined) return undefined
    const next = name === '..' ? dirname(at) : join(at, name)
    stat = statEntry(next)
    if (stat === undefined) return undefined
    if (stat.isSymbolicLink()) {
      links += 1
      if (links > MAX_LINKS) return { path: next, what: 'leads in a circle', mend: `rm ${quote(next)}` }
      // The mode of a link means nothing, and whose it is says who wrote it.
      if (!isTrusted(stat)) return createOwnerFault(next, stat)
      const target = readlinkSync(next)
      wanted.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'))
      if (target.startsWith('/')) at = '/'
      stat = lstatSync(at)
    } else at = next
  }
}

function findOwnFault(path: string, stat: Stats): Fault | undefined {
  if (!isTrusted(stat)) return createOwnerFault(path, stat)
  // In a sticky folder, others add files, and take away none of ours.
  const isSticky = stat.isDirectory() && (stat.mode & STICKY) !== 0
  const bits = isSticky ? 0 : listWritableBits(stat)
  if (bits === 0 || isWithoutModes(path) || isReadOnly(path)) return undefined
  const who = bits & OTHERS_WRITE ? 'every user' : 'its group'
  const mode = bits & OTHERS_WRITE ? 'go-w' : 'g-w'
  return { path, what: `can be written by ${who}`, mend: `chmod ${mode} ${quote(path)}` }
}

/** Of the mode's bits, those that let other people write. */
function listWritableBits({ mode, gid }: Stats): number {
  const others = mode & OTHERS_WRITE
  return others | (mode & GROUP_WRITE && !isOwnGroup(gid) ? GROUP_WRITE : 0)
}

const createOwnerFault = (path: string, { uid }: Stats): Fault => ({
  path,
  what: `belongs to another user (uid ${uid})`,
  mend: process.getuid?.() === 0 ? `chown root ${quote(path)}` : `sudo chown $(id -u) ${quote(path)}`,
})

/** Folders alone may belong to the overflow uid: the files of every unmapped user do, an attacker's included. */
function isTrusted(stat: Stats): boolean {
  if (stat.uid === process.getuid?.() || stat.uid === 0) return true
  return stat.uid === OVERFLOW_UID && stat.isDirectory() && isRootUnmapped()
}

/** The uid that a user namespace shows for users that it does not map. */
const OVERFLOW_UID = 65_534

/** Returns true in a user namespace of one user (flatpak, bubblewrap), where `/` and `/home` have the overflow uid. */
function isRootUnmapped(): boolean {
  const maps = tryOrUndefined(() => readFileSync('/proc/self/uid_map', 'utf8')) ?? ''
  const ranges = maps.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  const isMapped = (uid: number) =>
    ranges.some(([from = 0, , length = 0]) => uid >= from && uid < from + length)
  return maps !== '' && !isMapped(0) && !isMapped(OVERFLOW_UID)
}

/** Returns true for a group without other members: that of root, and the user's own (`umask 002` of Debian, Red Hat). */
function isOwnGroup(gid: number): boolean {
  if (gid === 0) return true
  // On macOS most users are in one group, and the files do not list them.
  if (process.platform === 'darwin') return false
  const groups = readTable('/etc/group').filter(([, , id]) => Number(id) === gid)
  const users = readTable('/etc/passwd')
  const mine = process.getuid?.()
  const names = groups.flatMap(([, , , members = '']) => members.split(',').filter(Boolean))
  const byName = names.map((name) => Number(users.find(([user]) => user === name)?.[2] ?? Number.NaN))
  const primary = users.filter(([, , , group]) => Number(group) === gid).map(([, , uid]) => Number(uid))
  const members = [...byName, ...primary]
  if (members.length > 0) return members.every((uid) => uid === mine || uid === 0)
  // A directory server has members that the files do not list. Where we are one of them, so may others be; by
  // convention, a private group has the number of its user.
  const isMember = gid === process.getgid?.() || process.getgroups?.().includes(gid)
  return isMember || groups.length === 0 ? gid === mine : true
}

const readTable = (path: string) =>
  (tryOrUndefined(() => readFileSync(path, 'utf8')) ?? '').split('\n').map((line) => line.split(':'))

/** A mount that takes no writing: a ConfigMap of Kubernetes is a 0777 folder on one. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS'
  }
}

/** `statfs(2)` types whose modes are made up: FAT, exFAT, NTFS (two drivers), 9P, CIFS, SMB2, and the drives of WSL 1. */
const WITHOUT_MODES: ReadonlySet<number> = new Set([
  0x4d44, 0x2011bab0, 0x5346544e, 0x7366746e, 0x01021997, 0xff534d42, 0xfe534d42, 0x53464846,
])

function isWithoutModes(path: string): boolean {
  const type = tryOrUndefined(() => statfsSync(path).type)
  return type !== undefined && WITHOUT_MODES.has(type >>> 0)
}

/**
 * A folder of secrets belongs to us, and is 0700. Looser reading is mended and told; what others could write is refused,
 * for it may have been written. Links on the way to it are followed. False: it is not there.
 */
export function assertPrivateFolder(folder: string, report: Report = () => undefined): boolean {
  const stat = tryOrUndefined(() => statSync(folder, { throwIfNoEntry: false }))
  if (stat === undefined || process.platform === 'win32') return stat !== undefined
  assertOwn(folder, stat)
  if ((stat.mode & OTHERS) === 0 || isWithoutModes(folder)) return true
  try {
    chmodSync(folder, 0o700)
    report(`${folder} was open to others; it is 0700 now`)
  } catch {
    report(`${folder} is open to others, and cannot be closed to them`)
  }
  return true
}

/** The same for a secret file, 0600, judged on its open handle. */
export function assertPrivateFile(handle: number, path: string, stat: Stats, report: Report): void {
  if (process.platform === 'win32') return
  assertOwn(path, stat)
  if ((stat.mode & OTHERS) === 0 || isWithoutModes(path)) return
  const was = (stat.mode & 0o777).toString(8).padStart(4, '0')
  try {
    fchmodSync(handle, 0o600)
    report(`${path} could be read by others (${was}); it is 0600 now`)
  } catch {
    report(`${path} can be read by others (${was}), and this file system does not let us change that`)
  }
}

function assertOwn(path: string, stat: Stats): void {
  if (stat.uid !== process.getuid?.()) throw createRefusal(createOwnerFault(path, stat), 'refused')
  const fault = findOwnFault(path, stat)
  if (fault) throw createRefusal(fault, 'refused')
}

const statEntry = (path: string) => tryOrUndefined(() => lstatSync(path, { throwIfNoEntry: false }))

const quote = (path: string) => (/^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`)

function tryOrUndefined<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

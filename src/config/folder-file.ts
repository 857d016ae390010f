/**
 * `.daypass.yaml`: names the identity of a folder and nothing else, because folders come from strangers.
 * Every `token` reads it, so the usual single line is read without a YAML parser.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { assertIdentityName, isIdentityName } from '../core/names.ts'

const FOLDER_FILE = '.daypass.yaml'

const MAX_FOLDER_FILE_SIZE = 16 * 1024
const LINE = /^identity:[ \t]+(["']?)([A-Za-z0-9][A-Za-z0-9._@-]{0,63})\1[ \t]*(?:[ \t]#.*)?$/

interface FoundFolderFile {
  file: string
  text: string
}

export interface FolderSearch {
  found?: FoundFolderFile
  /** Files that were ignored, with the reason. */
  warnings: string[]
}

/**
 * Reads the one-line form. Returns undefined where the YAML parser is needed; the file may still be valid.
 */
export function parseFolderLine(text: string): string | undefined {
  const lines = text.split(/\r?\n/).filter((line) => !/^[ \t]*(#.*)?$/.test(line))
  const name = lines.length === 1 ? LINE.exec(lines[0]!)?.[2] : undefined
  // YAML reads these as boolean or null, not as text.
  return name === undefined || /^(true|false|null)$/i.test(name) ? undefined : name
}

export async function parseFolderFile(text: string, file: string): Promise<{ identity: string }> {
  const simple = parseFolderLine(text)
  if (simple !== undefined) return { identity: simple }
  const { parseFolderYaml: checkFolderText } = await import('./folder-yaml.ts')
  return checkFolderText(text, file)
}

/**
 * Searches from `cwd` up to the root; the nearest file of our own user wins. `uid` is undefined on systems
 * without owners.
 */
export function findFolderFile(cwd: string, uid: number | undefined): FolderSearch {
  const warnings: string[] = []
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const file = join(folder, FOLDER_FILE)
    const stat = tryLstat(file)
    const fault = stat && (findTrustFault(stat, uid) ?? findFolderFault(folder, uid))
    if (fault !== undefined) warnings.push(`${file} is ignored: ${fault}`)
    else if (stat !== undefined) return { found: { file, text: readTrusted(file, uid) }, warnings }
    if (dirname(folder) === folder) return { warnings }
  }
}

/** A folder that cannot be searched counts as having no file. */
function tryLstat(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function findTrustFault(stat: Stats, uid: number | undefined): string | undefined {
  if (!stat.isFile()) return 'it is not a regular file'
  return uid !== undefined && stat.uid !== uid ? 'it belongs to another user' : undefined
}

/** The owner of a folder can replace any file in it. */
function findFolderFault(folder: string, uid: number | undefined): string | undefined {
  const stat = tryLstat(folder)
  return uid !== undefined && stat?.uid !== uid ? 'its folder belongs to another user' : undefined
}

/** Checks the open file again, because it may have been replaced after the first check. */
function readTrusted(file: string, uid: number | undefined): string {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
  let fd: number | undefined
  try {
    fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    const stat = fstatSync(fd)
    const fault =
      findTrustFault(stat, uid) ?? (stat.size > MAX_FOLDER_FILE_SIZE ? 'it is larger than 16 KiB' : undefined)
    if (fault !== undefined) throw createFolderError(file, fault)
    return readFileSync(fd, 'utf8')
  } catch (cause) {
    if (isDaypassError(cause)) throw cause
    throw createFolderError(file, (cause as NodeJS.ErrnoException).code ?? 'unknown reason', cause)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function createFolderError(file: string, why: string, cause?: unknown): DaypassError {
  return new DaypassError('configuration', `${file} cannot be used: ${why}`, {
    hint: (command) =>
      `name the identity with --identity, or write the file anew: ${command({ verb: 'use', args: ['--here'], identity: 'NAME' })}`,
    cause,
  })
}

/** Writes the identity and keeps comments where the file has the usual form. Returns the path. */
export function writeFolderFile(cwd: string, name: string): string {
  const file = join(resolve(cwd), FOLDER_FILE)
  const line = `identity: ${quoteName(assertIdentityName(name))}`
  const stat = tryLstat(file)
  const uid = process.getuid?.()
  const fault = stat && findTrustFault(stat, uid)
  if (fault !== undefined) throw createFolderError(file, fault)
  const before = stat === undefined ? '' : readTrusted(file, uid)
  const keeps = parseFolderLine(before) !== undefined
  replaceFile(file, keeps ? before.replace(/^identity:[^#\r\n]*?(?=[ \t]+#|\r?$)/m, line) : `${line}\n`)
  return file
}

/** Quotes names that YAML would not read as text. */
function quoteName(name: string): string {
  return isIdentityName(name) && !/^(true|false|null)$/i.test(name) ? name : `"${name}"`
}

function replaceFile(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' })
    renameSync(temporary, file)
  } catch (cause) {
    rmSync(temporary, { force: true })
    throw createFolderError(file, (cause as NodeJS.ErrnoException).code ?? 'unknown reason', cause)
  }
}

/**
 * What daypass has written into the files of other tools, so that it can take exactly that away again: each entry
 * one change of one file, with what stood there before. 0600, because what stood there may have been a secret.
 */
import { DaypassError } from '../../core/errors.ts'
import { removeDurably, writeFileDurably } from '../../vault/atomic.ts'
import { runExclusively } from '../../vault/lock.ts'
import { readOwnFile } from '../../vault/read-file.ts'
import { applyEdits, type Edit, hashText, invertEdits } from './edits.ts'
import { type ForeignFile, readForeignFile, removeForeignFile, writeForeignFile } from './foreign-file.ts'

export interface LedgerEntry {
  /** `aws`, `git`, `docker`, … */
  tool: string
  identity: string
  /** The file itself, past all links. */
  file: string
  /** What in it is meant, in the tool's own words: a profile, a host, a context. */
  place: string
  /** There was no file before. */
  created: boolean
  /** By the text before. */
  edits: readonly Edit[]
  /** SHA-256 of the text after: while it holds, nothing else has changed. */
  sum: string
}

/** `restored`: the very bytes of before. `removed`: only what was ours, others have changed it since. `gone`: nothing was left. */
export interface UndoResult {
  tool: string
  identity: string
  file: string
  place: string
  outcome: 'restored' | 'removed' | 'gone'
  /** What else became of the file, a line each. */
  notes?: readonly string[]
}

/**
 * Takes an entry's edits back in a text that has changed since; the same text where nothing of it is left. `note` is
 * told what a person should know of it.
 */
export type UndoText = (text: string, entry: LedgerEntry, note: (line: string) => void) => string

export function readLedger(path: string): LedgerEntry[] {
  const text = readOwnFile(path)
  if (text === undefined) return []
  const entries = parseLedger(text)
  if (entries !== undefined) return entries
  throw new DaypassError(
    'vault',
    `${path} is damaged: it says what was written into the files of other tools`,
    {
      hint: `move it away and try again: mv ${path} ${path}.damaged`,
    },
  )
}

function parseLedger(text: string): LedgerEntry[] | undefined {
  try {
    const said = JSON.parse(text) as { v?: unknown; entries?: unknown }
    return said.v === 1 && Array.isArray(said.entries) && said.entries.every(isEntry)
      ? said.entries
      : undefined
  } catch {
    return undefined
  }
}

function isEntry(said: unknown): said is LedgerEntry {
  if (typeof said !== 'object' || said === null) return false
  const { created, edits, ...texts } = said as Record<string, unknown>
  const areTexts = ['tool', 'identity', 'file', 'place', 'sum'].every(
    (name) => typeof texts[name] === 'string',
  )
  return areTexts && typeof created === 'boolean' && Array.isArray(edits) && edits.every(isEdit)
}

function isEdit(said: unknown): said is Edit {
  const { at, before, after } = (said ?? {}) as Record<string, unknown>
  return Number.isSafeInteger(at) && typeof before === 'string' && typeof after === 'string'
}

function writeLedger(path: string, entries: readonly LedgerEntry[]): void {
  if (entries.length === 0) removeDurably(path)
  else writeFileDurably(path, `${JSON.stringify({ v: 1, entries }, null, 1)}\n`)
}

/** One daypass at a time among all that keep this ledger. */
export function runWithLedger<T>(path: string, purpose: string, work: () => Promise<T>): Promise<T> {
  return runExclusively(`${path.replace(/\.json$/, '')}.lock`, purpose, work)
}

export type FileChange = Pick<LedgerEntry, 'tool' | 'identity' | 'place' | 'edits'>

/**
 * Changes a file, and remembers it. Remembered first: killed in between, there is a note of something that never was,
 * which `undo` finds gone; the other way round there would be something that nobody takes away again.
 */
export function changeFile(ledger: string, file: ForeignFile, change: FileChange): void {
  if (change.edits.length === 0) return
  const before = readLedger(ledger)
  const text = applyEdits(file.text, change.edits)
  const created = file.ownership === undefined
  writeLedger(ledger, [...before, { ...change, file: file.target, created, sum: hashText(text) }])
  try {
    writeForeignFile(file, text)
  } catch (error) {
    writeLedger(ledger, before)
    throw error
  }
}

/**
 * Takes away what was written where `isMeant`, the latest first. An entry is forgotten when its file is as it should
 * be; what cannot be read or written stays, and is thrown. Empty: there is nothing to undo.
 */
export function undoChanges(
  ledger: string,
  isMeant: (entry: LedgerEntry) => boolean,
  undoText: UndoText,
): UndoResult[] {
  const meant = readLedger(ledger).filter(isMeant).reverse()
  return meant.map((entry) => {
    const notes: string[] = []
    const outcome = undoEntry(entry, (text, it) => undoText(text, it, (line) => notes.push(line)))
    writeLedger(ledger, removeEntry(readLedger(ledger), entry))
    const { tool, identity, file, place } = entry
    return { tool, identity, file, place, outcome, ...(notes.length > 0 && { notes }) }
  })
}

const removeEntry = (entries: LedgerEntry[], gone: LedgerEntry) => {
  const text = JSON.stringify(gone)
  return entries.filter((entry) => JSON.stringify(entry) !== text)
}

function undoEntry(
  entry: LedgerEntry,
  undoText: (text: string, entry: LedgerEntry) => string,
): UndoResult['outcome'] {
  const file = readForeignFile(entry.file)
  if (file.ownership === undefined) return 'gone'
  const isAsWritten = hashText(file.text) === entry.sum
  const text = isAsWritten ? applyEdits(file.text, invertEdits(entry.edits)) : undoText(file.text, entry)
  if (text === file.text) return 'gone'
  if (entry.created && text === '') removeForeignFile(file)
  else writeForeignFile(file, text)
  return isAsWritten ? 'restored' : 'removed'
}

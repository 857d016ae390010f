/**
 * Records what daypass wrote into files of other tools, so that it can undo exactly that. Each entry is one
 * change of one file with the earlier text. Mode 0600, because that text may be a secret.
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
  /** The path of the file after all links. */
  file: string
  /** The entry in the file, in the tool's terms: a profile, a host, a context. */
  place: string
  /** There was no file before. */
  created: boolean
  /** Offsets are in the text before the change. */
  edits: readonly Edit[]
  /** SHA-256 of the text after the change. If it still matches, the file has not changed since. */
  sum: string
}

/** `restored`: the exact earlier bytes. `removed`: our part only. `gone`: nothing was left to undo. */
export interface UndoResult {
  tool: string
  identity: string
  file: string
  place: string
  outcome: 'restored' | 'removed' | 'gone'
  /** Further messages about the file, a line each. */
  notes?: readonly string[]
}

/**
 * Undoes an entry in a text that has changed since. Returns the same text where nothing of the entry is left.
 * `note` gets messages for the person.
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

/** Runs `work` while no other daypass uses this ledger. */
export function runWithLedger<T>(path: string, purpose: string, work: () => Promise<T>): Promise<T> {
  return runExclusively(`${path.replace(/\.json$/, '')}.lock`, purpose, work)
}

export type FileChange = Pick<LedgerEntry, 'tool' | 'identity' | 'place' | 'edits'>

/**
 * Records a change, then writes the file. If the process is killed in between, `undo` finds nothing to
 * remove. In the other order, a change would stay that no record names.
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
 * Undoes the changes that `isMeant` selects, latest first. Forgets an entry once its file is restored; keeps
 * the others and throws. Empty: there is nothing to undo.
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

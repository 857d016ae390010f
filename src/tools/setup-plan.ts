/** Runs and undoes `setup` for any tool: writes the file and keeps the ledger. */
import type { Edit } from './files/edits.ts'
import { type ForeignFile, readForeignFile } from './files/foreign-file.ts'
import {
  changeFile,
  type LedgerEntry,
  readLedger,
  runWithLedger,
  type UndoResult,
  type UndoText,
  undoChanges,
} from './files/ledger.ts'

/** The wanted entry in one file of another tool. */
export interface Setup {
  /** The tool's name in the ledger. */
  tool: string
  identity: string
  /** The entry in the file, in the tool's terms: a profile. */
  place: string
  /** The plan also needs the ledger entries for other places in the file. */
  everywhere?: true
  /** The path of the file, as shown to the person. */
  path: string
  /** Plans from the text alone, so that a dry run gives the same plan. `ours`: our earlier entries there. */
  plan(file: ForeignFile, ours: readonly LedgerEntry[]): Plan
}

export interface Plan {
  place: string
  path: string
  /** Empty: nothing to change. */
  edits: readonly Edit[]
  /** For `--dry-run`. Empty: nothing would change. */
  diff: string
  /** One line each. */
  warnings: readonly string[]
}

/** Returns what {@link applySetup} would do now. Writes and locks nothing. */
export function previewSetup(setup: Setup, ledger: string): Plan {
  return planSetup(setup, readForeignFile(setup.path), ledger)
}

/** Writes the entry, unless the file already has it. */
export function applySetup(setup: Setup, ledger: string): Promise<Plan> {
  return runWithLedger(ledger, 'setup', async () => {
    const file = readForeignFile(setup.path)
    const plan = planSetup(setup, file, ledger)
    const { tool, identity, place } = setup
    changeFile(ledger, file, { tool, identity, place, edits: plan.edits })
    return plan
  })
}

function planSetup(setup: Setup, file: ForeignFile, ledger: string): Plan {
  const isOwnEntry = ({ tool, file: path, place }: LedgerEntry) =>
    tool === setup.tool && path === file.target && (setup.everywhere || place === setup.place)
  return setup.plan(file, readLedger(ledger).filter(isOwnEntry))
}

/** Selects what is undone; undefined members match everything. */
export interface UndoFilter {
  place?: string | undefined
  identity?: string | undefined
}

/** Undoes what was written for a tool. Empty: there is nothing to undo. */
export function undoSetup(
  ledger: string,
  tool: string,
  { place, identity }: UndoFilter,
  undoText: UndoText,
): Promise<UndoResult[]> {
  const isMeant = (entry: LedgerEntry) =>
    entry.tool === tool &&
    (place === undefined || entry.place === place) &&
    (identity === undefined || entry.identity === identity)
  return runWithLedger(ledger, 'setup', async () => undoChanges(ledger, isMeant, undoText))
}

/** `setup` of any tool, done and undone: the file written, the ledger kept. */
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

/** What is to stand in one file of another tool. */
export interface Setup {
  /** As the ledger has it. */
  tool: string
  identity: string
  /** What in the file is meant, in the tool's own words: a profile. */
  place: string
  /** What was written for other places in the file is its business, too. */
  everywhere?: true
  /** The file, as the person knows it. */
  path: string
  /** Decided from the text alone, so that a dry run decides the same. `ours`: what was written there before. */
  plan(file: ForeignFile, ours: readonly LedgerEntry[]): Plan
}

export interface Plan {
  place: string
  path: string
  /** Empty: it is all there already. */
  edits: readonly Edit[]
  /** For `--dry-run`. Empty: nothing would change. */
  diff: string
  /** One line each. */
  warnings: readonly string[]
}

/** What {@link applySetup} would do now. Nothing is written, nothing is locked. */
export function previewSetup(setup: Setup, ledger: string): Plan {
  return planSetup(setup, readForeignFile(setup.path), ledger)
}

/** Writes it. Where it is there already as it should be, nothing is written. */
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

/** What is to be taken away; what is not said does not matter. */
export interface UndoFilter {
  place?: string | undefined
  identity?: string | undefined
}

/** Takes away what was written for a tool. Empty: there is nothing to undo. */
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

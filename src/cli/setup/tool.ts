import { join } from 'node:path'
import type { DaypassError } from '../../core/errors.ts'
import type { Header } from '../../core/types.ts'
import type { Definition } from '../../identity/definition.ts'
import type { UndoText } from '../../tools/files/ledger.ts'
import type { Plan, Setup } from '../../tools/setup-plan.ts'
import type { CommandContext } from '../output/result.ts'

export interface SetupFlags {
  /** Name of the entry that is written: a profile. */
  as?: string | undefined
  loginSession?: boolean | undefined
  force?: boolean | undefined
  dryRun?: boolean | undefined
  undo?: boolean | undefined
}

export interface SetupTarget {
  identity: string
  definition: Definition
  header: Header | undefined
  flags: SetupFlags
}

export interface SetupTool {
  /** What is written, as the first word of a sentence: `Profile`. */
  thing: string
  /** Flags that only this tool has. */
  flags?: readonly (keyof SetupFlags)[]
  /** Why it cannot use the credential of the environment, which has no name. */
  ofTheEnvironment: DaypassError
  /** Returns why it cannot use this identity, or undefined if it can. */
  refuses(identity: string, definition: Definition): DaypassError | undefined
  setup(world: CommandContext, wanted: SetupTarget): Setup
  /** Returns whether the written entry starts daypass, which then has to find the vault. */
  startsDaypass(flags: SetupFlags): boolean
  undo: UndoText
  /** Runs after the entry was written. */
  afterSetup?(world: CommandContext, wanted: SetupTarget): Promise<void>
  /** Runs for each identity after its entry was removed. */
  afterUndo?(world: CommandContext, identity: string): Promise<void>
  /** Returns one line for each thing to know about the entry, and how to try it. */
  formatAdvice(plan: Plan, wanted: SetupTarget): readonly string[]
}

/** Builds the command that every tool runs. Paths are absolute, because the tool may have another PATH. */
export const buildOwnCommand = (...words: string[]) => [process.execPath, process.argv[1]!, ...words]

/** Returns the file that records what was written. */
export const resolveLedgerPath = ({ paths }: Pick<CommandContext, 'paths'>) =>
  join(paths.stateDir, 'setup.json')

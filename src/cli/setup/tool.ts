import { join } from 'node:path'
import type { DaypassError } from '../../core/errors.ts'
import type { Header } from '../../core/types.ts'
import type { Definition } from '../../identity/definition.ts'
import type { UndoText } from '../../tools/files/ledger.ts'
import type { Plan, Setup } from '../../tools/setup-plan.ts'
import type { CommandContext } from '../output/result.ts'

export interface SetupFlags {
  /** Name of what is written: a profile. */
  as?: string | undefined
  loginSession?: boolean | undefined
  force?: boolean | undefined
  dryRun?: boolean | undefined
  undo?: boolean | undefined
}

/** The identity that the tool is to use. */
export interface SetupTarget {
  identity: string
  definition: Definition
  header: Header | undefined
  flags: SetupFlags
}

/** A tool whose configuration `setup` writes. */
export interface SetupTool {
  /** What is written there, as it begins a sentence: `Profile`. */
  thing: string
  /** Flags that mean nothing to the others. */
  flags?: readonly (keyof SetupFlags)[]
  /** Why it cannot use the credential of the environment, which has no name. */
  ofTheEnvironment: DaypassError
  /** Why it cannot use this identity; `undefined`: it can. */
  refuses(identity: string, definition: Definition): DaypassError | undefined
  setup(world: CommandContext, wanted: SetupTarget): Setup
  /** What is written starts daypass, which then has to find the vault. */
  startsDaypass(flags: SetupFlags): boolean
  undo: UndoText
  /** When it is written. */
  afterSetup?(world: CommandContext, wanted: SetupTarget): Promise<void>
  /** When it is taken away again, of each identity. */
  afterUndo?(world: CommandContext, identity: string): Promise<void>
  /** A line each: what to know of what was written, how to try it. */
  formatAdvice(plan: Plan, wanted: SetupTarget): readonly string[]
}

/** What every tool runs. Absolute, because whoever starts it may have another PATH than we. */
export const buildOwnCommand = (...words: string[]) => [process.execPath, process.argv[1]!, ...words]

/** Where it is noted what was written. */
export const resolveLedgerPath = ({ paths }: Pick<CommandContext, 'paths'>) =>
  join(paths.stateDir, 'setup.json')

import type { CommonFlags } from './flags.ts'
import type { BareContext, CommandContext, CommandResult } from './output/result.ts'

/** What `main` gives the verbs: it creates the context from the flags and takes the result. */
export interface Runner {
  version: string
  /** The words after `--` of `exec`. */
  command?: readonly string[]
  run(
    flags: CommonFlags,
    verb: string,
    work: (world: CommandContext) => Promise<CommandResult>,
  ): Promise<void>
  /** Runs a verb that needs no vault. */
  runBare(
    flags: CommonFlags,
    verb: string,
    work: (world: BareContext) => CommandResult | Promise<CommandResult>,
  ): Promise<void>
}

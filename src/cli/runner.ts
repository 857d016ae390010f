import type { CommonFlags } from './flags.ts'
import type { BareContext, CommandContext, CommandResult } from './output/result.ts'

/** What `main` gives the verbs: a world made of the flags, and a place for the answer. */
export interface Runner {
  version: string
  /** What stands behind `--` of `exec`. */
  command?: readonly string[]
  run(
    flags: CommonFlags,
    verb: string,
    work: (world: CommandContext) => Promise<CommandResult>,
  ): Promise<void>
  /** For a verb that needs no vault. */
  runBare(
    flags: CommonFlags,
    verb: string,
    work: (world: BareContext) => CommandResult | Promise<CommandResult>,
  ): Promise<void>
}

import type { ConfigWorld } from './commands/config.ts'
import type { CommonFlags } from './flags.ts'
import type { Answer, World } from './output/result.ts'

/** What `main` gives the program: a world made of the flags, and a place for the answer. */
export interface Runner {
  version: string
  /** What stands behind `--` of `exec`. */
  command?: readonly string[]
  run(flags: CommonFlags, verb: string, work: (world: World) => Promise<Answer>): Promise<void>
  runConfig(flags: CommonFlags, work: (world: ConfigWorld) => Answer | Promise<Answer>): Promise<void>
  runDemo(flags: CommonFlags): Promise<void>
}

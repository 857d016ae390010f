import { DaypassError } from '../../core/errors.ts'
import { environmentWith } from '../../outputs/env.ts'
import { runProgram } from '../../platform/run-program.ts'
import type { Answer, World } from '../answer.ts'
import { handOutChanges } from '../credential.ts'

export interface ExecOptions {
  minTtl?: string | undefined
  tenant?: string | undefined
}

/** The program writes for itself, and its exit code is ours. */
export async function exec(
  world: World,
  selected: string | undefined,
  command: readonly string[] | undefined,
  { minTtl, tenant }: ExecOptions,
): Promise<Answer> {
  if (command === undefined || command.length === 0) throw noCommand(selected)
  const changes = await handOutChanges(world, selected, minTtl, tenant)
  // A Ctrl-C that a renewal had to be deaf to counts now: nobody would wait for the program.
  world.signal.throwIfAborted()
  const { env, surroundings } = world.host
  return { code: await runProgram(command, environmentWith(changes, env, surroundings().platform)) }
}

const noCommand = (selected: string | undefined) =>
  new DaypassError('usage', 'no program was given to run', {
    hint: `daypass exec ${selected === undefined ? '' : '[identity] '}-- CMD`,
  })

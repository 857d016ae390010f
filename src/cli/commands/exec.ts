import { DaypassError } from '../../core/errors.ts'
import { environmentWith } from '../../formats/env.ts'
import { runProgram } from '../../platform/run-program.ts'
import { handOutChanges } from '../hand-out.ts'
import type { Answer, World } from '../output/result.ts'
import { openEndpoint } from '../serve/exec-endpoint.ts'

export interface ExecOptions {
  minTtl?: string | undefined
  tenant?: string | undefined
  endpoint?: boolean | undefined
}

/** The program writes for itself, and its exit code is ours. */
export async function exec(
  world: World,
  selected: string | undefined,
  command: readonly string[] | undefined,
  { minTtl, tenant, endpoint }: ExecOptions,
): Promise<Answer> {
  if (command === undefined || command.length === 0) throw noCommand(selected)
  if (endpoint && minTtl !== undefined) throw twoWays()
  const { changes, close } = endpoint
    ? await openEndpoint(world, selected, tenant)
    : { changes: await handOutChanges(world, selected, minTtl, tenant), close: undefined }
  try {
    // A Ctrl-C that a renewal had to be deaf to counts now: nobody would wait for the program.
    world.signal.throwIfAborted()
    const { env, surroundings } = world.host
    return { code: await runProgram(command, environmentWith(changes, env, surroundings().platform)) }
  } finally {
    await close?.()
  }
}

const twoWays = () =>
  new DaypassError('usage', 'an endpoint renews by itself: --min-ttl does not go with it', {
    hint: 'leave out --min-ttl',
  })

const noCommand = (selected: string | undefined) =>
  new DaypassError('usage', 'no program was given to run', {
    hint: `daypass exec ${selected === undefined ? '' : '[identity] '}-- CMD`,
  })

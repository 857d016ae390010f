import { DaypassError } from '../../core/errors.ts'
import { applyEnvChanges } from '../../formats/env.ts'
import { runProgram } from '../../platform/run-program.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { obtainEnvChanges } from '../hand-out.ts'
import type { CommandContext, CommandResult } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { openExecEndpoint } from '../serve/exec-endpoint.ts'
import { TOKEN } from '../token-flags.ts'

export const createExecCommand = ({ run, command }: Runner) =>
  createVerbCommand('exec')
    .description('run a program with the credential in its environment')
    .usage('[identity] [options] -- CMD...')
    .argument('[identity]', 'which')
    .option(TOKEN.minTtl.flags, TOKEN.minTtl.about)
    .option('--tenant <tenant>', 'the tenant, instead of the one in force')
    .option('--endpoint', 'give it an address of this machine that always has a good credential')
    .addHelpText('after', HELP)
    .action((identity, flags) =>
      run(flags, 'exec', (world) => runExec(world, resolveSelected(identity, flags), command, flags)),
    )

const HELP = `
Its exit code is that of the program: 128+n when signal n ended it, 127 when there is no such program,
126 when it cannot be run. Ctrl-C and other signals reach the program.`

interface ExecOptions {
  minTtl?: string | undefined
  tenant?: string | undefined
  endpoint?: boolean | undefined
}

/** Runs a program with the credential. It writes to the terminal itself; its exit code is ours. */
async function runExec(
  world: CommandContext,
  selected: string | undefined,
  command: readonly string[] | undefined,
  { minTtl, tenant, endpoint }: ExecOptions,
): Promise<CommandResult> {
  if (command === undefined || command.length === 0) throw createNoCommandError(selected)
  if (endpoint && minTtl !== undefined) throw createMinTtlError()
  const { changes, close } = endpoint
    ? await openExecEndpoint(world, selected, tenant)
    : { changes: await obtainEnvChanges(world, selected, minTtl, tenant), close: undefined }
  try {
    // A Ctrl-C during a renewal was postponed and takes effect here, before the program starts.
    world.signal.throwIfAborted()
    const { env, detectRuntimeEnvironment } = world.host
    return {
      code: await runProgram(command, applyEnvChanges(changes, env, detectRuntimeEnvironment().platform)),
    }
  } finally {
    await close?.()
  }
}

const createMinTtlError = () =>
  new DaypassError('usage', 'an endpoint renews by itself: --min-ttl does not go with it', {
    hint: 'leave out --min-ttl',
  })

const createNoCommandError = (selected: string | undefined) =>
  new DaypassError('usage', 'no program was given to run', {
    advice: {
      verb: 'exec',
      identity: selected === undefined ? undefined : '[identity]',
      flags: ['--', 'CMD'],
    },
  })

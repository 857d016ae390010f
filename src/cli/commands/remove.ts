import { DaypassError } from '../../core/errors.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { pickIdentity } from '../login/picker.ts'
import { buildLogoutJson, type CommandContext, type CommandResult, formatJson } from '../output/result.ts'
import type { Runner } from '../runner.ts'

export const createRemoveCommand = ({ run }: Runner) =>
  createVerbCommand('remove')
    .description('delete an identity altogether')
    .argument('[identity]', 'which')
    .option('-y, --yes', 'do not ask')
    .action((identity, flags) =>
      run(flags, 'remove', (world) => runRemove(world, resolveSelected(identity, flags), flags)),
    )

async function runRemove(
  world: CommandContext,
  named: string | undefined,
  flags: { yes?: boolean | undefined },
): Promise<CommandResult> {
  const { daypass, host, json } = world
  const identity = named ?? (await pickIdentity(world, 'remove'))
  if (!flags.yes) await confirmRemoval(world, identity)
  const outcome = await daypass.remove(identity)
  const { revocation } = outcome
  const revoked = revocation.outcome === 'revoked' ? ', and revoked it at the server' : ''
  host.terminal.say(
    `Removed ${identity}${revoked}.${outcome.wasDefault ? ' It was the default; there is none now.' : ''}`,
  )
  if (revocation.outcome === 'failed') host.terminal.warn(`it could not be revoked: ${revocation.why}`)
  return json ? { out: formatJson(buildLogoutJson(outcome)) } : {}
}

async function confirmRemoval({ host }: CommandContext, identity: string): Promise<void> {
  if (!host.terminal.interactive) {
    throw new DaypassError('usage', `removing ${identity} has to be confirmed`, {
      advice: { verb: 'remove', identity, flags: ['--yes'] },
    })
  }
  if (await host.terminal.confirm(`Remove ${identity} altogether?`)) return
  throw new DaypassError('cancelled', `${identity} was left as it was`)
}

import { writeFolderFile } from '../../config/folder-file.ts'
import { DaypassError } from '../../core/errors.ts'
import { stripUnsafeCharacters } from '../../core/text.ts'
import { getWorkingFolder } from '../../platform/paths.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { pickIdentity } from '../login/picker.ts'
import { type CommandContext, type CommandResult, formatJson } from '../output/result.ts'
import type { Runner } from '../runner.ts'

export const createUseCommand = ({ run }: Runner) =>
  createVerbCommand('use')
    .alias('switch')
    .description('make an identity the default')
    .argument('[identity]', 'which')
    .option('--here', 'for this folder and those below it, in .daypass.yaml')
    .option('--unset', 'have no default')
    .action((identity, flags) =>
      run(flags, 'use', (world) => runUse(world, resolveSelected(identity, flags), flags)),
    )

interface UseFlags {
  here?: boolean | undefined
  unset?: boolean | undefined
}

async function runUse(
  world: CommandContext,
  identity: string | undefined,
  flags: UseFlags,
): Promise<CommandResult> {
  const { daypass, host, json } = world
  if (flags.unset) {
    if (identity !== undefined || flags.here)
      throw new DaypassError('usage', '--unset stands alone', { advice: { verb: 'use', flags: ['--unset'] } })
    await daypass.use(undefined)
    host.terminal.say('There is no default now.')
    return json ? { out: formatJson({ default: null }) } : {}
  }
  const name = identity ?? (await pickIdentity(world, 'use'))
  if (flags.here) {
    await daypass.definition(name)
    const folder = getWorkingFolder()
    if (folder === undefined)
      throw new DaypassError('not_found', 'the folder that this is started in is gone', { hint: 'cd' })
    const file = writeFolderFile(folder, name)
    host.terminal.say(`${name} is the identity of this folder now (${stripUnsafeCharacters(file)}).`)
    return json ? { out: formatJson({ folder: file, identity: name }) } : {}
  }
  await daypass.use(name)
  host.terminal.say(`${name} is the default now.`)
  return json ? { out: formatJson({ default: name }) } : {}
}

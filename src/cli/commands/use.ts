import { writeFolderFile } from '../../config/folder-file.ts'
import { DaypassError } from '../../core/errors.ts'
import { workingFolder } from '../../platform/paths.ts'
import { createVerb, selected } from '../flags.ts'
import { pickIdentity } from '../login/picker.ts'
import { type Answer, jsonLine, type World } from '../output/result.ts'
import type { Runner } from '../runner.ts'

export const createUseCommand = ({ run }: Runner) =>
  createVerb('use')
    .alias('switch')
    .description('make an identity the default')
    .argument('[identity]', 'which')
    .option('--here', 'for this folder and those below it, in .daypass.yaml')
    .option('--unset', 'have no default')
    .action((identity, flags) => run(flags, 'use', (world) => use(world, selected(identity, flags), flags)))

interface UseFlags {
  here?: boolean | undefined
  unset?: boolean | undefined
}

async function use(world: World, identity: string | undefined, flags: UseFlags): Promise<Answer> {
  const { daypass, host, json } = world
  if (flags.unset) {
    if (identity !== undefined || flags.here)
      throw new DaypassError('usage', '--unset stands alone', { advice: { verb: 'use', flags: ['--unset'] } })
    await daypass.use(undefined)
    host.terminal.say('There is no default now.')
    return json ? { out: jsonLine({ default: null }) } : {}
  }
  const name = identity ?? (await pickIdentity(world, 'use'))
  if (flags.here) {
    await daypass.definition(name)
    const folder = workingFolder()
    if (folder === undefined)
      throw new DaypassError('not_found', 'the folder that this is started in is gone', { hint: 'cd' })
    const file = writeFolderFile(folder, name)
    host.terminal.say(`${name} is the identity of this folder now (${file}).`)
    return json ? { out: jsonLine({ folder: file, identity: name }) } : {}
  }
  await daypass.use(name)
  host.terminal.say(`${name} is the default now.`)
  return json ? { out: jsonLine({ default: name }) } : {}
}

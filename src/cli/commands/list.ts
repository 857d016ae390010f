import { createVerb } from '../flags.ts'
import { listIdentities } from '../output/identities.ts'
import type { Runner } from '../runner.ts'

export const createListCommand = ({ run }: Runner) =>
  createVerb('list')
    .alias('ls')
    .description('all identities, offline')
    .action((flags) => run(flags, 'list', listIdentities))

import { createVerbCommand } from '../flags.ts'
import { printIdentities } from '../output/identities.ts'
import type { Runner } from '../runner.ts'

export const createListCommand = ({ run }: Runner) =>
  createVerbCommand('list')
    .alias('ls')
    .description('all identities, offline')
    .action((flags) => run(flags, 'list', printIdentities))

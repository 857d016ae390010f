import { formatToken } from '../../formats/token.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { obtainCredential } from '../hand-out.ts'
import type { CommandContext, CommandResult } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { chooseTokenForm, TOKEN } from '../token-flags.ts'

export const createTokenCommand = ({ run }: Runner) =>
  createVerbCommand('token')
    .description('print the access token, renewed where needed')
    .argument('[identity]', 'which')
    .option(TOKEN.header.flags, TOKEN.header.about)
    .option(TOKEN.minTtl.flags, TOKEN.minTtl.about)
    .action((identity, flags) =>
      run(flags, 'token', (world) => runToken(world, resolveSelected(identity, flags), flags)),
    )

interface TokenOptions {
  header?: boolean | undefined
  minTtl?: string | undefined
}

async function runToken(
  world: CommandContext,
  selected: string | undefined,
  { header, minTtl }: TokenOptions,
): Promise<CommandResult> {
  const handed = await obtainCredential(world, selected, minTtl)
  const form = chooseTokenForm({ json: world.json, ...(header && { header }) })
  return { out: formatToken(handed.identity, handed.credential, form, handed.header?.clockOffset) }
}

import { tokenText } from '../../formats/token.ts'
import { createVerb, selected } from '../flags.ts'
import { handOut } from '../hand-out.ts'
import type { Answer, World } from '../output/result.ts'
import type { Runner } from '../runner.ts'

export const createTokenCommand = ({ run }: Runner) =>
  createVerb('token')
    .description('print the access token, renewed where needed')
    .argument('[identity]', 'which')
    .option('--header', 'as a header: Authorization: Bearer …')
    .option('--min-ttl <time>', 'what must be left of it, like 10m')
    .action((identity, flags) =>
      run(flags, 'token', (world) => token(world, selected(identity, flags), flags)),
    )

interface TokenOptions {
  header?: boolean | undefined
  minTtl?: string | undefined
}

async function token(
  world: World,
  selected: string | undefined,
  { header, minTtl }: TokenOptions,
): Promise<Answer> {
  const handed = await handOut(world, selected, minTtl)
  const form = world.json ? 'json' : header ? 'header' : 'plain'
  return { out: tokenText(handed.identity, handed.credential, form, handed.header?.clockOffset) }
}

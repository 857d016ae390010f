import { tokenText } from '../../formats/token.ts'
import { createVerb, selected } from '../flags.ts'
import { handOut } from '../hand-out.ts'
import type { Answer, World } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { TOKEN, tokenForm } from '../token-flags.ts'

export const createTokenCommand = ({ run }: Runner) =>
  createVerb('token')
    .description('print the access token, renewed where needed')
    .argument('[identity]', 'which')
    .option(TOKEN.header.flags, TOKEN.header.about)
    .option(TOKEN.minTtl.flags, TOKEN.minTtl.about)
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
  const form = tokenForm({ json: world.json, ...(header && { header }) })
  return { out: tokenText(handed.identity, handed.credential, form, handed.header?.clockOffset) }
}

import { tokenText } from '../../formats/token.ts'
import { handOut } from '../hand-out.ts'
import type { Answer, World } from '../output/result.ts'
import { tokenForm } from '../token-flags.ts'

export interface TokenOptions {
  header?: boolean | undefined
  minTtl?: string | undefined
}

export async function token(
  world: World,
  selected: string | undefined,
  { header, minTtl }: TokenOptions,
): Promise<Answer> {
  const handed = await handOut(world, selected, minTtl)
  const form = tokenForm({ json: world.json, ...(header && { header }) })
  return { out: tokenText(handed.identity, handed.credential, form, handed.header?.clockOffset) }
}

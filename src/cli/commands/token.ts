import { tokenText } from '../../formats/token.ts'
import { handOut } from '../hand-out.ts'
import type { Answer, World } from '../output/result.ts'

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
  const form = world.json ? 'json' : header ? 'header' : 'plain'
  return { out: tokenText(handed.identity, handed.credential, form, handed.header?.clockOffset) }
}

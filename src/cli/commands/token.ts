import { tokenText } from '../../outputs/token.ts'
import type { Answer, World } from '../answer.ts'
import { handOut } from '../credential.ts'

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

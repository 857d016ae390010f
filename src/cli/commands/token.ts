import { parseDuration } from '../../core/duration.ts'
import { isBound, tokenText } from '../../outputs/token.ts'
import type { Answer, World } from '../answer.ts'
import { explain } from '../answer.ts'
import { orLogIn } from './login.ts'

export interface TokenOptions {
  header?: boolean | undefined
  minTtl?: string | undefined
}

export async function token(
  world: World,
  identity: string | undefined,
  options: TokenOptions,
): Promise<Answer> {
  const { daypass, json } = world
  const minTtl = options.minTtl === undefined ? undefined : parseDuration(options.minTtl, '--min-ttl')
  const handed = await orLogIn(world, identity, () =>
    daypass.handOut(identity, minTtl === undefined ? {} : { minTtl }),
  )
  if (handed.variable) explain(world, `the token of ${handed.variable} is used`)
  const form = json ? 'json' : options.header ? 'header' : 'plain'
  if (handed.credential.kind === 'bearer' && isBound(handed.credential))
    world.host.terminal.warn(
      `the token of ${handed.identity} is bound to a key: servers refuse it without a proof`,
    )
  return { out: tokenText(handed.identity, handed.credential, form, handed.header?.clockOffset) }
}

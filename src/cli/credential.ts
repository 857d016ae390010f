import type { Handed } from '../client/credential.ts'
import { parseDuration } from '../core/duration.ts'
import { isBound } from '../outputs/token.ts'
import { type Changes, changesFor } from '../outputs/variables.ts'
import type { Provider } from '../providers/define.ts'
import { explain, type World } from './answer.ts'
import { orLogIn } from './commands/login.ts'

/** What a verb that hands out a credential says beside it. */
export async function handOut(
  world: World,
  identity: string | undefined,
  minTtl: string | undefined,
): Promise<Handed> {
  const demand = minTtl === undefined ? {} : { minTtl: parseDuration(minTtl, '--min-ttl') }
  const handed = await orLogIn(world, identity, () => world.daypass.handOut(identity, demand))
  const { identity: name, credential, variable } = handed
  if (variable)
    explain(
      world,
      credential.kind === 'keys' ? `the keys of ${variable} are used` : `the token of ${variable} is used`,
    )
  if (credential.kind === 'bearer' && isBound(credential))
    world.host.terminal.warn(`the token of ${name} is bound to a key: servers refuse it without a proof`)
  return handed
}

/** Whose variables carry the credential of the identity that is meant here, and what else they carry. */
export async function carrierOf(
  { daypass }: World,
  selected: string | undefined,
): Promise<{ provider: Provider; region?: string | undefined }> {
  const resolved = await daypass.resolve(selected)
  if ('environment' in resolved) return { provider: daypass.providers[resolved.environment.provider]! }
  const { provider, params, unsaid } = await daypass.definition(resolved.identity)
  // A default of ours is no reason to change what stands in the environment.
  return { provider, region: unsaid.includes('region') ? undefined : params.region }
}

/** The credential as changes to an environment. */
export async function handOutChanges(
  world: World,
  selected: string | undefined,
  minTtl: string | undefined,
): Promise<Changes> {
  const { credential, header } = await handOut(world, selected, minTtl)
  const { provider, region } = await carrierOf(world, selected)
  return changesFor(provider, credential, { region, clockOffset: header?.clockOffset })
}

import type { Handed } from '../client/credential.ts'
import { parseDuration } from '../core/duration.ts'
import { isBound } from '../outputs/token.ts'
import { type Changes, changesFor } from '../outputs/variables.ts'
import type { Beside, Provider } from '../providers/define.ts'
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
): Promise<{ provider: Provider } & Partial<Pick<Beside, 'params' | 'endpoints'> & { region: string }>> {
  const resolved = await daypass.resolve(selected)
  if ('environment' in resolved) return { provider: daypass.providers[resolved.environment.provider]! }
  const { provider, params, endpoints, unsaid } = await daypass.definition(resolved.identity)
  // A default of ours is no reason to change what stands in the environment.
  const region = unsaid.includes('region') ? undefined : params.region
  return { provider, params, endpoints, ...(region !== undefined && { region }) }
}

/** The credential as changes to an environment. */
export async function handOutChanges(
  world: World,
  selected: string | undefined,
  minTtl: string | undefined,
): Promise<Changes> {
  const { credential, header, whole } = await handOut(world, selected, minTtl)
  const { provider, ...beside } = await carrierOf(world, selected)
  const account = whole?.account ?? header?.account?.account
  const endpoints = { ...beside.endpoints, ...whole?.endpoints }
  return changesFor(provider, credential, {
    ...beside,
    endpoints,
    account,
    clockOffset: header?.clockOffset,
  })
}

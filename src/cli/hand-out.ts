import type { Handed } from '../client/credential.ts'
import { parseDuration } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import { isBound } from '../formats/token.ts'
import { type Changes, changesFor } from '../formats/variables.ts'
import { record } from './audit-line.ts'
import { orLogIn } from './login/on-demand.ts'
import { explain, type World } from './output/result.ts'

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
  await record(world, name)
  return handed
}

/** Whose variables carry the credential of the identity that is meant here, and what else they carry. */
export async function carrierOf(
  { daypass }: World,
  selected: string | undefined,
  tenant: string | undefined,
) {
  const { provider, params, endpoints, unsaid } = await daypass.definition(selected, inTenant(tenant))
  // A default of ours is no reason to change what stands in the environment.
  const isSaid = !unsaid.includes('region') || provider.environment.export?.regionAlways
  return { provider, params, endpoints, region: isSaid ? params.region : undefined }
}

/** The credential as changes to an environment. `tenant`: instead of the one in force. */
export async function handOutChanges(
  world: World,
  selected: string | undefined,
  minTtl: string | undefined,
  tenant: string | undefined,
): Promise<Changes> {
  // First of all: what is wrong with a tenant is no reason to log in.
  await checkTenant(world, selected, tenant)
  return changesOf(world, selected, tenant, await handOut(world, selected, minTtl))
}

export async function changesOf(
  world: World,
  selected: string | undefined,
  tenant: string | undefined,
  { credential, header, whole }: Handed,
): Promise<Changes> {
  const { provider, ...beside } = await carrierOf(world, selected, tenant)
  return changesFor(provider, credential, {
    ...beside,
    endpoints: { ...beside.endpoints, ...whole?.endpoints },
    account: whole?.account ?? header?.account?.account,
    clockOffset: header?.clockOffset,
  })
}

const inTenant = (tenant: string | undefined) => (tenant === undefined ? {} : { params: { tenant } })

export async function checkTenant(
  { daypass }: World,
  selected: string | undefined,
  tenant: string | undefined,
): Promise<void> {
  if (tenant === undefined) return
  const { title, api } = (await daypass.definition(selected, inTenant(tenant))).provider
  if (api.tenants) return
  throw new DaypassError('usage', `${title} has no tenants`, { hint: 'leave out --tenant' })
}

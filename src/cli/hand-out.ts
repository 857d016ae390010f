import type { CredentialResult } from '../client/credential.ts'
import { parseDuration } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import { isKeyBound } from '../formats/token.ts'
import { buildEnvChanges, type EnvChanges } from '../formats/variables.ts'
import { writeAuditLine } from './audit-line.ts'
import { withLogin } from './login/on-demand.ts'
import { type CommandContext, explain } from './output/result.ts'

/** Returns the credential to hand out, after a login where needed. Prints the warnings that belong to it. */
export async function obtainCredential(
  world: CommandContext,
  identity: string | undefined,
  minTtl: string | undefined,
): Promise<CredentialResult> {
  const demand = minTtl === undefined ? {} : { minTtl: parseDuration(minTtl, '--min-ttl') }
  const handed = await withLogin(world, identity, () => world.daypass.getCredential(identity, demand))
  const { identity: name, credential, variable } = handed
  if (variable)
    explain(
      world,
      credential.kind === 'keys' ? `the keys of ${variable} are used` : `the token of ${variable} is used`,
    )
  if (credential.kind === 'bearer' && isKeyBound(credential))
    world.host.terminal.warn(`the token of ${name} is bound to a key: servers refuse it without a proof`)
  await writeAuditLine(world, name)
  return handed
}

/** Returns the variables that carry the credential of the current identity, and their other values. */
export async function resolveEnvVariables(
  { daypass }: CommandContext,
  selected: string | undefined,
  tenant: string | undefined,
) {
  const { provider, params, endpoints, defaulted } = await daypass.definition(
    selected,
    buildTenantGiven(tenant),
  )
  // A default value of ours must not replace a region in the environment.
  const isSaid = !defaulted.includes('region') || provider.environment.export?.regionAlways
  return { provider, params, endpoints, region: isSaid ? params.region : undefined }
}

/** Returns the credential as changes to an environment. `tenant` replaces the one in force. */
export async function obtainEnvChanges(
  world: CommandContext,
  selected: string | undefined,
  minTtl: string | undefined,
  tenant: string | undefined,
): Promise<EnvChanges> {
  // Checked first: a wrong tenant must not start a login.
  await checkTenant(world, selected, tenant)
  return resolveEnvChanges(world, selected, tenant, await obtainCredential(world, selected, minTtl))
}

export async function resolveEnvChanges(
  world: CommandContext,
  selected: string | undefined,
  tenant: string | undefined,
  { credential, header, credentialUrl: whole }: CredentialResult,
): Promise<EnvChanges> {
  const { provider, ...beside } = await resolveEnvVariables(world, selected, tenant)
  return buildEnvChanges(provider, credential, {
    ...beside,
    endpoints: { ...beside.endpoints, ...whole?.endpoints },
    account: whole?.account ?? header?.account?.account,
    clockOffset: header?.clockOffset,
  })
}

const buildTenantGiven = (tenant: string | undefined) => (tenant === undefined ? {} : { params: { tenant } })

export async function checkTenant(
  { daypass }: CommandContext,
  selected: string | undefined,
  tenant: string | undefined,
): Promise<void> {
  if (tenant === undefined) return
  const { title, api } = (await daypass.definition(selected, buildTenantGiven(tenant))).provider
  if (api.tenants) return
  throw new DaypassError('usage', `${title} has no tenants`, { hint: 'leave out --tenant' })
}

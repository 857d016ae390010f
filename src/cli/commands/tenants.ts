import { Command } from '@commander-js/extra-typings'
import { DaypassError } from '../../core/errors.ts'
import { sanitize } from '../../core/text.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { withLogin } from '../login/on-demand.ts'
import { type CommandContext, type CommandResult, formatJson } from '../output/result.ts'
import { formatTable } from '../output/text.ts'
import type { Runner } from '../runner.ts'

/** Lists the tenants of an account and selects the one in which a token is used. */
export const createTenantsCommand = (runner: Runner) =>
  new Command('tenants')
    .description('the tenants of an account that has several')
    .addCommand(createTenantsListCommand(runner))
    .addCommand(createTenantsUseCommand(runner))

const createTenantsListCommand = ({ run }: Runner) =>
  createVerbCommand('list')
    .description('which there are, as the server says')
    .argument('[identity]', 'which')
    .option('--tenant <tenant>', 'ask within this one, instead of the one in force')
    .action((identity, flags) =>
      run(flags, 'tenants', (world) => runTenantsList(world, resolveSelected(identity, flags), flags)),
    )

const createTenantsUseCommand = ({ run }: Runner) =>
  createVerbCommand('use')
    .description('from now on, work in this one')
    .argument('<tenant>', 'its slug')
    .argument('[identity]', 'which')
    .action((tenant, identity, flags) =>
      run(flags, 'tenants', (world) => runTenantsUse(world, tenant, resolveSelected(identity, flags))),
    )

async function runTenantsList(
  world: CommandContext,
  selected: string | undefined,
  { tenant }: { tenant?: string | undefined },
): Promise<CommandResult> {
  const { daypass, host, json, paint } = world
  const asked = tenant === undefined ? {} : { tenant }
  const tenants = await withLogin(world, selected, () => daypass.tenants(selected, asked))
  const { name: identity, params } = await daypass.definition(selected)
  const inForce = tenant ?? params.tenant
  if (inForce !== undefined && !tenants.some(({ current }) => current))
    host.terminal.warn(`${sanitize(inForce)} is in force for ${identity}, and is not among them`)
  if (json) {
    const rows = tenants.map(({ slug, name = null, current }) => ({ slug, name, current }))
    return { out: formatJson({ identity, tenants: rows }) }
  }
  if (tenants.length === 0) {
    host.terminal.say(`The account of ${identity} has no tenants.`)
    return {}
  }
  const rows = tenants.map(({ slug, name, current }) => [
    sanitize(slug),
    sanitize(name ?? '-'),
    current ? '*' : '',
  ])
  return { out: formatTable([['TENANT', 'NAME', 'IN FORCE'], ...rows], paint) }
}

async function runTenantsUse(
  { daypass, host, json }: CommandContext,
  slug: string,
  selected: string | undefined,
): Promise<CommandResult> {
  const resolved = await daypass.resolve(selected)
  if ('environment' in resolved) throw createEnvironmentTenantError(resolved.environment.variable)
  const { identity } = resolved
  await daypass.useTenant(identity, slug)
  host.terminal.say(`${slug} is the tenant of ${identity} now.`)
  return json ? { out: formatJson({ identity, tenant: slug }) } : {}
}

const createEnvironmentTenantError = (variable: string) =>
  new DaypassError('usage', `the token of ${variable} is no identity that could have a tenant`, {
    advice: { verb: 'tenants use', args: ['SLUG'], identity: '<identity>' },
  })

import { Command } from '@commander-js/extra-typings'
import { DaypassError } from '../../core/errors.ts'
import { shown } from '../../core/text.ts'
import { createVerb, selected } from '../flags.ts'
import { orLogIn } from '../login/on-demand.ts'
import { type Answer, jsonLine, type World } from '../output/result.ts'
import { table } from '../output/text.ts'
import type { Runner } from '../runner.ts'

/** Where an account has several tenants, which one a token is used in. */
export const createTenantsCommand = (runner: Runner) =>
  new Command('tenants')
    .description('the tenants of an account that has several')
    .addCommand(createListCommand(runner))
    .addCommand(createUseCommand(runner))

const createListCommand = ({ run }: Runner) =>
  createVerb('list')
    .description('which there are, as the server says')
    .argument('[identity]', 'which')
    .option('--tenant <tenant>', 'ask within this one, instead of the one in force')
    .action((identity, flags) =>
      run(flags, 'tenants', (world) => listTenants(world, selected(identity, flags), flags)),
    )

const createUseCommand = ({ run }: Runner) =>
  createVerb('use')
    .description('from now on, work in this one')
    .argument('<tenant>', 'its slug')
    .argument('[identity]', 'which')
    .action((tenant, identity, flags) =>
      run(flags, 'tenants', (world) => useTenant(world, tenant, selected(identity, flags))),
    )

async function listTenants(
  world: World,
  selected: string | undefined,
  { tenant }: { tenant?: string | undefined },
): Promise<Answer> {
  const { daypass, host, json, paint } = world
  const asked = tenant === undefined ? {} : { tenant }
  const tenants = await orLogIn(world, selected, () => daypass.tenants(selected, asked))
  const { name: identity, params } = await daypass.definition(selected)
  const inForce = tenant ?? params.tenant
  if (inForce !== undefined && !tenants.some(({ current }) => current))
    host.terminal.warn(`${shown(inForce)} is in force for ${identity}, and is not among them`)
  if (json) {
    const rows = tenants.map(({ slug, name = null, current }) => ({ slug, name, current }))
    return { out: jsonLine({ identity, tenants: rows }) }
  }
  if (tenants.length === 0) {
    host.terminal.say(`The account of ${identity} has no tenants.`)
    return {}
  }
  const rows = tenants.map(({ slug, name, current }) => [shown(slug), shown(name ?? '-'), current ? '*' : ''])
  return { out: table([['TENANT', 'NAME', 'IN FORCE'], ...rows], paint) }
}

async function useTenant(
  { daypass, host, json }: World,
  slug: string,
  selected: string | undefined,
): Promise<Answer> {
  const resolved = await daypass.resolve(selected)
  if ('environment' in resolved) throw notOurs(resolved.environment.variable)
  const { identity } = resolved
  await daypass.useTenant(identity, slug)
  host.terminal.say(`${slug} is the tenant of ${identity} now.`)
  return json ? { out: jsonLine({ identity, tenant: slug }) } : {}
}

const notOurs = (variable: string) =>
  new DaypassError('usage', `the token of ${variable} is no identity that could have a tenant`, {
    advice: { verb: 'tenants use', args: ['SLUG'], identity: '<identity>' },
  })

import { DaypassError } from '../../core/errors.ts'
import { shown } from '../../core/text.ts'
import { type Answer, jsonLine, type World } from '../output/result.ts'
import { table } from '../output/text.ts'
import { orLogIn } from './login.ts'

export async function listTenants(
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

export async function useTenant(
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
    hint: 'daypass tenants use SLUG <identity>',
  })

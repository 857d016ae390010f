/** Where an account has several tenants: which there are, and which one is worked in. */
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { ask, unreachable } from '../oauth/http.ts'
import { refusalError, refusalOf } from '../oauth/refusal.ts'
import type { Tenant } from '../providers/define.ts'
import { configuredIdentity } from '../sources/configured.ts'
import type { Definition } from '../sources/definition.ts'
import { checkParam } from '../sources/params.ts'
import { type Context, find, said } from './context.ts'
import { fetchAs, meant } from './credential.ts'

export interface ListedTenant extends Tenant {
  /** It is the one in force. */
  current: boolean
}

/** Asks the server. `tenant`: instead of the one in force. */
export async function tenants(
  context: Context,
  selected: string | undefined,
  tenant: string | undefined,
): Promise<ListedTenant[]> {
  const definition = await meant(context, selected, tenant === undefined ? {} : { params: { tenant } })
  const { provider, endpoints, params } = definition
  if (!provider.tenants || endpoints.tenants === undefined) throw hasNone(definition)
  const headers = provider.headers?.(params) ?? {}
  const answer = await answerOf(context, definition, selected, new URL(endpoints.tenants), headers)
  const found = provider.tenants(answer)
  return found.map((one) => ({ ...one, current: one.slug === params.tenant }))
}

async function answerOf(
  context: Context,
  { name }: Definition,
  selected: string | undefined,
  url: URL,
  headers: Record<string, string>,
): Promise<unknown> {
  const port = { fetch: fetchAs(context, selected), now: context.host.now }
  const answer = await ask(port, url, { headers, redirect: 'manual' }).catch((error: unknown) => {
    throw isDaypassError(error) ? error : unreachable(url, error)
  })
  const json = parsed(answer.text)
  if (answer.status === 200 && json !== undefined) return json
  throw refused(name, { ...answer, json: Object(json) as Record<string, unknown> }, url.host)
}

function refused(name: string, answer: Parameters<typeof refusalOf>[0], host: string): DaypassError {
  const refusal = refusalOf(answer, host, { dead: [] })
  const { message, kind } = refusal
  if (answer.status === 401)
    return new DaypassError('login_required', message, { hint: `daypass login ${name}` })
  // Neither a sign-in page nor a redirect to one is trouble that passes.
  if (kind === 'passing' && answer.status >= 400) return refusalError(refusal)
  return new DaypassError('refused', message, {
    hint: 'name a tenant of yours with --tenant, or where they are listed with endpoints.tenants in config.yaml',
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const hasNone = ({ provider }: Definition) =>
  new DaypassError('usage', `${provider.title} has no tenants`, { hint: 'daypass list' })

/** Writes it into the identity's record, where a login would have written it. */
export async function useTenant(context: Context, name: string, slug: string): Promise<void> {
  const { vault, host, choices } = context
  const { definition } = await find(context, name)
  if (!definition.provider.tenants) throw hasNone(definition)
  checkParam('tenant', slug, definition.provider.params.tenant)
  const identity = said(context, name)
  if (identity && configuredIdentity(name, identity, host.env).params?.tenant !== undefined) {
    const place = choices.locate?.(['auth', 'identities', name, 'tenant']) ?? 'the configuration'
    throw new DaypassError(
      'configuration',
      `the tenant of ${name} stands in ${place}, which counts for more`,
      {
        hint: 'change it there, or take it out there',
      },
    )
  }
  await vault.exclusive(name, 'tenants', async () => {
    const entry = await vault.read(name)
    if (!entry) throw nothingKept(name, slug)
    const { header } = entry
    await vault.write({ ...entry, header: { ...header, params: { ...header.params, tenant: slug } } })
  })
}

const nothingKept = (name: string, slug: string) =>
  new DaypassError('login_required', `${name} needs a login: nothing is kept for it`, {
    hint: `daypass login ${name} --tenant ${slug}`,
  })

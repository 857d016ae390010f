/** Parameters that are still missing when a login begins: from the environment, from another tool, from the person. */
import { DaypassError } from '../core/errors.ts'
import { inWords } from '../core/localized-text.ts'
import type { Header, Host, Method } from '../core/types.ts'
import type { Definition, Given } from '../identity/definition.ts'
import { checkParam, variableOf } from '../identity/params.ts'
import type { Param } from '../providers/param.ts'
import { type Context, definitionOf } from './context.ts'

export async function askParams(
  context: Context,
  definition: Definition,
  layers: { header: Header | undefined; given: Given | undefined },
  method: Method | undefined,
): Promise<Definition> {
  const { provider, name, unsaid } = definition
  const filled: Record<string, string> = {}
  for (const param of unsaid) {
    const about = provider.params[param]!
    const value =
      variableOf(param, about, context.host.env) ??
      (await elsewhere(context, about, { proposed: definition.params[param], method }))
    if (value !== undefined) filled[param] = value
  }
  const given = { ...layers.given, params: { ...filled, ...layers.given?.params } }
  for (const [param, value] of Object.entries(given.params)) checkParam(param, value, provider.params[param])
  return Object.keys(filled).length === 0
    ? definition
    : definitionOf(context, name, provider, { ...layers, given })
}

interface Asking {
  proposed: string | undefined
  method: Method | undefined
}

async function elsewhere({ host }: Context, about: Param, asking: Asking): Promise<string | undefined> {
  const found = about.externalDefault && (await host.externalDefault?.(about.externalDefault))
  if (found) return found
  const isAsked = asking.method === undefined || (about.askFor?.includes(asking.method) ?? true)
  if (!about.ask || !isAsked || !host.terminal.interactive) return undefined
  return about.oneOf ? chosen(host, about) : typed(host, about, asking.proposed)
}

async function typed(host: Host, { ask }: Param, proposed: string | undefined): Promise<string | undefined> {
  return (await host.terminal.ask(inWords(ask!, host), proposed)).trim() || undefined
}

async function chosen(host: Host, { ask, oneOf = [], labels = {} }: Param): Promise<string> {
  const options = oneOf.map((value) => ({ value, label: inWords(labels[value] ?? value, host) }))
  return orCancelled(await host.terminal.choose(inWords(ask!, host), options))
}

export function orCancelled<T>(answer: T | undefined): T {
  if (answer !== undefined) return answer
  throw new DaypassError('cancelled', 'cancelled')
}

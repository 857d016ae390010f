/** Asks for parameters that a login still lacks: in the environment, another tool, then the person. */
import { DaypassError } from '../core/errors.ts'
import { localize } from '../core/localized-text.ts'
import type { Header, Host, Method } from '../core/types.ts'
import type { Definition, DefinitionLayers, DefinitionOverrides } from '../identity/definition.ts'
import { assertParam, findEnvParam } from '../identity/params.ts'
import type { Param } from '../providers/param.ts'
import { buildDefinition, type Context } from './context.ts'

export async function askMissingParams(
  context: Context,
  definition: Definition,
  layers: {
    header: Header | undefined
    given: DefinitionOverrides | undefined
    ambient: DefinitionLayers['ambient']
  },
  method: Method | undefined,
): Promise<Definition> {
  const { provider, name, defaulted: unsaid } = definition
  const filled: Record<string, string> = {}
  for (const param of unsaid) {
    const about = provider.params[param]!
    const value =
      findEnvParam(param, about, context.host.env) ??
      (await resolveMissingParam(context, about, { proposed: definition.params[param], method }))
    if (value !== undefined) filled[param] = value
  }
  const given = { ...layers.given, params: { ...filled, ...layers.given?.params } }
  for (const [param, value] of Object.entries(given.params)) assertParam(param, value, provider.params[param])
  return Object.keys(filled).length === 0
    ? definition
    : buildDefinition(context, name, provider, { ...layers, given })
}

interface ParamQuestion {
  proposed: string | undefined
  method: Method | undefined
}

async function resolveMissingParam(
  { host }: Context,
  about: Param,
  asking: ParamQuestion,
): Promise<string | undefined> {
  const found = about.externalDefault && (await host.externalDefault?.(about.externalDefault))
  if (found) return found
  const isAsked = asking.method === undefined || (about.askFor?.includes(asking.method) ?? true)
  if (!about.ask || !isAsked || !host.terminal.interactive) return undefined
  return about.oneOf ? askParamChoice(host, about) : askParamText(host, about, asking.proposed)
}

async function askParamText(
  host: Host,
  { ask }: Param,
  proposed: string | undefined,
): Promise<string | undefined> {
  return (await host.terminal.ask(localize(ask!, host), proposed)).trim() || undefined
}

async function askParamChoice(host: Host, { ask, oneOf = [], labels = {} }: Param): Promise<string> {
  const options = oneOf.map((value) => ({ value, label: localize(labels[value] ?? value, host) }))
  return assertAnswered(await host.terminal.choose(localize(ask!, host), options))
}

export function assertAnswered<T>(answer: T | undefined): T {
  if (answer !== undefined) return answer
  throw new DaypassError('cancelled', 'cancelled')
}

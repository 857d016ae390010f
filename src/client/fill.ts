/** Parameters that nobody gave when a login begins: from the environment, from another tool, from the person. */
import type { Header } from '../core/types.ts'
import type { Param } from '../providers/define.ts'
import type { Definition, Given } from '../sources/definition.ts'
import { checkParam, variableOf } from '../sources/params.ts'
import { type Context, definitionOf } from './context.ts'

export async function fill(
  context: Context,
  definition: Definition,
  layers: { header: Header | undefined; given: Given | undefined },
): Promise<Definition> {
  const { provider, name, unsaid } = definition
  const filled: Record<string, string> = {}
  for (const param of unsaid) {
    const about = provider.params[param]!
    const value =
      variableOf(param, about, context.host.env) ??
      (await elsewhere(context, about, definition.params[param]))
    if (value !== undefined) filled[param] = value
  }
  const given = { ...layers.given, params: { ...filled, ...layers.given?.params } }
  for (const [param, value] of Object.entries(given.params)) checkParam(param, value, provider.params[param])
  return Object.keys(filled).length === 0
    ? definition
    : definitionOf(context, name, provider, { ...layers, given })
}

async function elsewhere(
  { host }: Context,
  about: Param,
  proposed: string | undefined,
): Promise<string | undefined> {
  const found = about.elsewhere && (await host.elsewhere?.(about.elsewhere))
  if (found) return found
  if (!about.ask || !host.terminal.interactive) return undefined
  return (await host.terminal.ask(about.ask, proposed)).trim() || undefined
}

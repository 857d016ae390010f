import { DaypassError, formatCommand } from '../../core/errors.ts'

/** Returns the tool of that name. Throws `usage` where the verb does not know it. */
export function getTool<T>(tools: Readonly<Record<string, T>>, name: string, verb: string): T {
  if (Object.hasOwn(tools, name)) return tools[name]!
  const known = Object.keys(tools)
  throw new DaypassError('usage', `${formatCommand({ verb })} knows no tool ${JSON.stringify(name)}`, {
    hint: `it knows ${known.join(', ')}`,
  })
}

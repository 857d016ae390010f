import { DaypassError } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import type { Host } from '../core/types.ts'
import type { Param } from '../providers/param.ts'
import type { Provider } from '../providers/provider.ts'

/** Throws `usage` for a value that is not allowed. Some parameters become part of a host name. */
export function assertParam(param: string, value: string, { like, oneOf }: Partial<Param> = {}): void {
  if ((like?.pattern.test(value) ?? true) && (oneOf?.includes(value) ?? true)) return
  const expected = oneOf ? oneOf.join(' or ') : `something like ${like!.example}`
  // An address may hold a password, so it is not quoted.
  const given = /:\S*@/.test(value) ? '' : `, not ${sanitize(JSON.stringify(value))}`
  throw new DaypassError('usage', `${param} is to be ${expected}${given}`, {
    advice: { verb: 'login', flags: ['--help'] },
  })
}

/** Returns the value that the environment gives a parameter. Throws `usage` where it is not allowed. */
export function findEnvParam(param: string, about: Param, env: Host['env']): string | undefined {
  const value = about.env?.map((name) => env[name]?.trim()).find(Boolean)
  if (value !== undefined) assertParam(param, value, about)
  return value
}

/** Returns all parameters that the environment gives. */
export function listEnvParams({ params }: Provider, env: Host['env']): Record<string, string> {
  const said = Object.entries(params).map(([param, about]) => [param, findEnvParam(param, about, env)])
  return Object.fromEntries(said.filter(([, value]) => value !== undefined)) as Record<string, string>
}

import { isDaypassError } from '../../core/errors.ts'
import type { World } from '../output/result.ts'
import { afterOneLogin } from './single-flight.ts'
import { printLogin } from './summary.ts'

/** With a person at the terminal, a verb that needs a login starts it and goes on. */
export async function orLogIn<T>(
  world: World,
  selected: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { host, daypass } = world
    const canAsk = host.terminal.interactive && !host.surroundings().ci
    if (!isDaypassError(error, 'login_required') || !canAsk) throw error
    const resolved = await daypass.resolve(selected).catch(() => undefined)
    if (!resolved || !('identity' in resolved)) throw error
    host.terminal.say(`${error.message}.`)
    return afterOneLogin(world, await firstOf(world, resolved.identity), work, async () =>
      printLogin(world, await daypass.login(resolved.identity, { signal: world.signal })),
    )
  }
}

/** Of a derived identity: the one at the end of its chain, which is logged in to. */
export async function firstOf(world: World, identity: string): Promise<string> {
  let definition = await definitionIfReadable(world, identity)
  while (definition?.parent) definition = definition.parent.definition
  return definition?.name ?? identity
}

/** An unreadable record does not keep anyone from logging in again. */
export function definitionIfReadable({ daypass }: World, name: string) {
  return daypass.definition(name).catch((error: unknown) => {
    if (isDaypassError(error, 'vault')) return undefined
    throw error
  })
}

import { isDaypassError, isUnreadableRecord } from '../../core/errors.ts'
import type { CommandContext } from '../output/result.ts'
import { shareLogin } from './single-flight.ts'
import { printLogin } from './summary.ts'

/** With a person at the terminal, a verb that needs a login starts it and goes on. */
export async function withLogin<T>(
  world: CommandContext,
  selected: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { host, daypass } = world
    const canAsk = host.terminal.interactive && !host.detectRuntimeEnvironment().ci
    if (!isDaypassError(error, 'login_required') || !canAsk) throw error
    const resolved = await daypass.resolve(selected).catch(() => undefined)
    if (!resolved || !('identity' in resolved)) throw error
    host.terminal.say(`${error.message}.`)
    return shareLogin(world, await findRootIdentity(world, resolved.identity), work, async () =>
      printLogin(world, await daypass.login(resolved.identity, { signal: world.signal })),
    )
  }
}

/** Of a derived identity: the one at the end of its chain, which is logged in to. */
export async function findRootIdentity(world: CommandContext, identity: string): Promise<string> {
  let definition = await readDefinitionIfReadable(world, identity)
  while (definition?.parent) definition = definition.parent.definition
  return definition?.name ?? identity
}

/** An unreadable record does not keep anyone from logging in again. */
export function readDefinitionIfReadable({ daypass }: CommandContext, name: string) {
  return daypass.definition(name).catch((error: unknown) => {
    if (isUnreadableRecord(error)) return undefined
    throw error
  })
}

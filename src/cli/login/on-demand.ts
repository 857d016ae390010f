import { isDaypassError, isUnreadableRecord } from '../../core/errors.ts'
import type { CommandContext } from '../output/result.ts'
import { shareLogin } from './single-flight.ts'
import { printLogin } from './summary.ts'

/** Starts a login where a verb needs one and a person is at the terminal, then runs the verb again. */
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

/** Returns the identity at the end of the chain of a derived identity, which is the one to log in to. */
export async function findRootIdentity(world: CommandContext, identity: string): Promise<string> {
  let definition = await readDefinitionIfReadable(world, identity)
  while (definition?.parent) definition = definition.parent.definition
  return definition?.name ?? identity
}

/** Returns undefined where the record cannot be read, so that a new login still works. */
export function readDefinitionIfReadable({ daypass }: CommandContext, name: string) {
  return daypass.definition(name).catch((error: unknown) => {
    if (isUnreadableRecord(error)) return undefined
    throw error
  })
}

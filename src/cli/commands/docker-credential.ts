import type { Ask } from '../../client/for-host.ts'
import { placeOf } from '../../client/hosts.ts'
import { DaypassError, isDaypassError } from '../../core/errors.ts'
import { dockerAnswer, NOT_FOUND, nameAtDocker, readServer } from '../../formats/docker-credential.ts'
import { readInput } from '../../platform/read-input.ts'
import { record } from '../audit-line.ts'
import { createVerb, selected } from '../flags.ts'
import { type Answer, inOneLine, jsonLine, type World } from '../output/result.ts'
import type { Runner } from '../runner.ts'

export const createDockerCredentialCommand = ({ run }: Runner) =>
  createVerb('docker-credential')
    .description('answer docker, which asks for the credential of a registry')
    .argument('<operation>', 'get, store, erase or list')
    .addHelpText('after', HELP)
    .action((operation, flags) => {
      const who = selected(undefined, flags)
      return run({ ...flags, input: false }, 'docker-credential', (world) =>
        dockerCredential(world, operation, who),
      )
    })

const HELP = `
docker calls it, as docker-credential-daypass: see \`daypass setup docker\`. It answers for the registries
of your identities and no other.`

/** Started by docker, which shows stdout where the exit code is 1. */
async function dockerCredential(
  world: World,
  operation: string,
  selected: string | undefined,
): Promise<Answer> {
  try {
    return await answer(world, operation, selected)
  } catch (error) {
    if (!isDaypassError(error)) throw error
    if (error.code !== 'login_required') return { out: inOneLine(error), code: 1 }
    // Without one, docker gets at least what is public.
    world.host.terminal.warn(inOneLine(error))
    return { out: NOT_FOUND, code: 1 }
  }
}

async function answer(world: World, operation: string, selected: string | undefined): Promise<Answer> {
  const { daypass } = world
  if (operation === 'list') return { out: jsonLine(namesOf(await daypass.offeredFor('docker'))) }
  const said = (await readInput(process.stdin)).trim()
  if (operation === 'get') return get(world, said, selected)
  if (operation === 'store') throw keepsNone()
  // Whoever is logged in to daypass is so for more than this registry.
  if (operation === 'erase') return {}
  throw new DaypassError('usage', `there is no operation ${JSON.stringify(operation)}`, {
    hint: 'it is one of get, store, erase and list',
  })
}

async function get(world: World, server: string, selected: string | undefined): Promise<Answer> {
  const { protocol, host } = readServer(server)
  const place = placeOf(protocol, host)
  const ask: Ask | undefined = place && { use: 'docker', place, selected }
  const found = ask && (await world.daypass.handOutFor(ask))
  if (!ask || found?.credential.kind !== 'bearer') return { out: NOT_FOUND, code: 1 }
  const out = dockerAnswer(server, found.user, found.credential)
  await record(world, found.identity, ask.place.host)
  return { out }
}

const namesOf = (offered: readonly { host: string; user: string }[]) =>
  Object.fromEntries(offered.map(({ host, user }) => [nameAtDocker(host), user]))

const keepsNone = () =>
  new DaypassError(
    'usage',
    'daypass keeps no passwords of registries: it hands out tokens of its own logins',
    {
      hint: (command) => `${command({ verb: 'login' })}, or take the registry out of credHelpers`,
    },
  )

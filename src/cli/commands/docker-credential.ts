import type { HostRequest } from '../../client/for-host.ts'
import { parseHostUrl } from '../../client/hosts.ts'
import { DaypassError, isDaypassError } from '../../core/errors.ts'
import {
  formatDockerCredential,
  formatRegistryName,
  NOT_FOUND,
  parseServer,
} from '../../formats/docker-credential.ts'
import { readInput } from '../../platform/read-input.ts'
import { writeAuditLine } from '../audit-line.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { type CommandContext, type CommandResult, formatInOneLine, formatJson } from '../output/result.ts'
import type { Runner } from '../runner.ts'

export const createDockerCredentialCommand = ({ run }: Runner) =>
  createVerbCommand('docker-credential')
    .description('answer docker, which asks for the credential of a registry')
    .argument('<operation>', 'get, store, erase or list')
    .addHelpText('after', HELP)
    .action((operation, flags) => {
      const who = resolveSelected(undefined, flags)
      return run({ ...flags, input: false }, 'docker-credential', (world) =>
        runDockerCredential(world, operation, who),
      )
    })

const HELP = `
docker calls it, as docker-credential-daypass: see \`daypass setup docker\`. It answers for the registries
of your identities and no other.`

/** Answers docker, which shows stdout where the exit code is 1. */
async function runDockerCredential(
  world: CommandContext,
  operation: string,
  selected: string | undefined,
): Promise<CommandResult> {
  try {
    return await runDockerOperation(world, operation, selected)
  } catch (error) {
    if (!isDaypassError(error)) throw error
    if (error.code !== 'login_required') return { out: formatInOneLine(error), code: 1 }
    // Without a credential docker can still read what is public.
    world.host.terminal.warn(formatInOneLine(error))
    return { out: NOT_FOUND, code: 1 }
  }
}

async function runDockerOperation(
  world: CommandContext,
  operation: string,
  selected: string | undefined,
): Promise<CommandResult> {
  const { daypass } = world
  if (operation === 'list')
    return { out: formatJson(buildRegistryList(await daypass.listHostCredentials('docker'))) }
  const said = (await readInput(process.stdin)).trim()
  if (operation === 'get') return getDockerCredential(world, said, selected)
  if (operation === 'store') throw createNoStoreError()
  // A login to daypass serves more than this registry, so it stays.
  if (operation === 'erase') return {}
  throw new DaypassError('usage', `there is no operation ${JSON.stringify(operation)}`, {
    hint: 'it is one of get, store, erase and list',
  })
}

async function getDockerCredential(
  world: CommandContext,
  server: string,
  selected: string | undefined,
): Promise<CommandResult> {
  const { protocol, host } = parseServer(server)
  const place = parseHostUrl(protocol, host)
  const ask: HostRequest | undefined = place && { use: 'docker', place, selected }
  const found = ask && (await world.daypass.getHostCredential(ask))
  if (!ask || found?.credential.kind !== 'bearer') return { out: NOT_FOUND, code: 1 }
  const out = formatDockerCredential(server, found.user, found.credential)
  await writeAuditLine(world, found.identity, ask.place.host)
  return { out }
}

const buildRegistryList = (offered: readonly { host: string; user: string }[]) =>
  Object.fromEntries(offered.map(({ host, user }) => [formatRegistryName(host), user]))

const createNoStoreError = () =>
  new DaypassError(
    'usage',
    'daypass keeps no passwords of registries: it hands out tokens of its own logins',
    {
      hint: (command) => `${command({ verb: 'login' })}, or take the registry out of credHelpers`,
    },
  )

import type { HostRequest } from '../../client/for-host.ts'
import { parseHostUrl } from '../../client/hosts.ts'
import { isDaypassError } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { type Attributes, formatGitCredential, parseAttributes } from '../../formats/git-credential.ts'
import { readInput } from '../../platform/read-input.ts'
import { writeAuditLine } from '../audit-line.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { type CommandContext, type CommandResult, formatInOneLine } from '../output/result.ts'
import type { Runner } from '../runner.ts'

export const createGitCredentialCommand = ({ run }: Runner) =>
  createVerbCommand('git-credential')
    .description('answer git, which asks for a user and a password')
    .argument('<operation>', 'get, store or erase')
    .addHelpText('after', HELP)
    .action((operation, flags) => {
      const who = resolveSelected(undefined, flags)
      return run({ ...flags, input: false }, 'git-credential', (world) =>
        runGitCredential(world, operation, who),
      )
    })

const HELP = `
git calls it, and talks to it over standard input and output: see \`daypass setup git\`. It answers for the
hosts of your identities and no other; also as git-credential-daypass.`

/**
 * Answers git, which owns the terminal. No output with exit code 0: git asks another helper or the person.
 */
async function runGitCredential(
  world: CommandContext,
  operation: string,
  selected: string | undefined,
): Promise<CommandResult> {
  // Newer versions of git may have more operations; those are ignored.
  if (!['get', 'store', 'erase'].includes(operation)) return {}
  const asked = parseAttributes(await readInput(process.stdin))
  // Our credential is already stored, and a credential from another source is not ours to store.
  const ask = operation === 'store' ? undefined : parseHostRequest(asked, selected)
  if (!ask) return {}
  try {
    return operation === 'get'
      ? await getGitCredential(world, ask, asked)
      : await eraseGitCredential(world, ask, asked)
  } catch (error) {
    if (!isDaypassError(error, 'login_required')) throw error
    world.host.terminal.warn(formatInOneLine(error))
    return {}
  }
}

function parseHostRequest(asked: Attributes, selected: string | undefined): HostRequest | undefined {
  const getAttribute = (name: string) => asked.get(name)?.[0] ?? ''
  const place = parseHostUrl(getAttribute('protocol'), getAttribute('host'))
  return place && { use: 'git', place, selected, user: getAttribute('username') || undefined }
}

async function getGitCredential(
  world: CommandContext,
  ask: HostRequest,
  asked: Attributes,
): Promise<CommandResult> {
  const found = await world.daypass.getHostCredential(ask)
  if (found?.credential.kind !== 'bearer') return {}
  const { credential, header, user, isFixed } = found
  const out = formatGitCredential(credential, { user, isFixed, asked, clockOffset: header?.clockOffset })
  await writeAuditLine(world, found.identity, ask.place.host)
  return { out }
}

/** Handles git's `erase` after a 401, so that git gets another token next time. */
async function eraseGitCredential(
  { daypass }: CommandContext,
  ask: HostRequest,
  asked: Attributes,
): Promise<CommandResult> {
  const sent = asked.get('credential')?.[0] ?? asked.get('password')?.[0]
  if (sent) await daypass.renewHostCredential(ask, new Secret(sent))
  return {}
}

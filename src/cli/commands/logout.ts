import type { LogoutOptions, LogoutOutcome } from '../../client/logout.ts'
import { EXIT, formatCommand, getExitCode, isDaypassError } from '../../core/errors.ts'
import { isIdentityName } from '../../core/names.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { pickIdentity } from '../login/picker.ts'
import { buildLogoutJson, type CommandContext, type CommandResult, formatJson } from '../output/result.ts'
import type { Runner } from '../runner.ts'

export const createLogoutCommand = ({ run }: Runner) =>
  createVerbCommand('logout')
    .description('end a login: revoke it at the server, remove it here')
    .argument('[identity]', 'which')
    .option('--all', 'every login')
    .option('--local-only', 'ask nothing of the server')
    .option('--dry-run', 'only say what would be done')
    .action((identity, flags) =>
      run(flags, 'logout', (world) => runLogout(world, resolveSelected(identity, flags), flags)),
    )

interface LogoutFlags extends LogoutOptions {
  all?: boolean | undefined
}

async function runLogout(
  world: CommandContext,
  identity: string | undefined,
  flags: LogoutFlags,
): Promise<CommandResult> {
  if (flags.all) return logoutAll(world, flags)
  const { daypass, host, json } = world
  const outcome = await daypass.logout(identity ?? (await pickIdentity(world, 'logout')), flags)
  host.terminal.say(flags.dryRun ? formatLogoutPreview(outcome) : formatLogout(outcome))
  return json ? { out: formatJson({ identities: [buildLogoutJson(outcome)] }) } : {}
}

/** Logs out every stored login; static keys are no login. A failure does not stop the others. */
async function logoutAll(
  { daypass, host, json }: CommandContext,
  flags: LogoutFlags,
): Promise<CommandResult> {
  const { identities, problems } = await daypass.list()
  const names = identities
    .filter(({ header }) => header?.key && header.method !== 'keys')
    .map(({ row }) => row.name)
  const outcomes: LogoutOutcome[] = []
  let code = problems.length > 0 ? EXIT.vault : 0
  for (const { name, problem } of problems)
    host.terminal.warn(
      `${name}: ${problem}${isIdentityName(name) ? `   (${formatCommand({ verb: 'remove', identity: name })})` : ''}`,
    )
  for (const name of names) {
    try {
      const outcome = await daypass.logout(name, flags)
      outcomes.push(outcome)
      host.terminal.say(flags.dryRun ? formatLogoutPreview(outcome) : formatLogout(outcome))
    } catch (error) {
      if (!isDaypassError(error)) throw error
      host.terminal.warn(`${name}: ${error.message}`)
      code = getExitCode(error)
    }
  }
  if (names.length === 0 && problems.length === 0) host.terminal.say('Nobody is logged in.')
  return { code, ...(json && { out: formatJson({ identities: outcomes.map(buildLogoutJson) }) }) }
}

function formatLogout(outcome: LogoutOutcome): string {
  const { wasDefault, dropped, derivedFrom: madeFrom } = outcome
  return [
    madeFrom === undefined ? formatRevocation(outcome) : formatDropped(outcome.identity, madeFrom),
    dropped && `What was made from it is gone, too: ${dropped.join(', ')}.`,
    wasDefault && 'It was the default; there is none now.',
  ]
    .filter(Boolean)
    .join('\n')
}

const formatDropped = (identity: string, from: string) =>
  `Dropped the credential of ${identity}. It is made anew from ${from} when it is asked for; to end that: ${formatCommand({ verb: 'logout', identity: from })}`

function formatRevocation({ identity, revocation, endless }: LogoutOutcome): string {
  const end = endless ? 'it is revoked there' : 'it expires'
  return {
    revoked: `Logged out of ${identity}: its token was revoked at the server and removed here.`,
    unsupported: `Logged out of ${identity}: removed here. The server has no way to revoke it; it stays valid there until ${end}.`,
    skipped: `Logged out of ${identity}: removed here only. It stays valid at the server until ${end}.`,
    none: `${identity} was not logged in.`,
    failed: `Logged out of ${identity}: removed here, but not revoked at the server${'why' in revocation ? ` (${revocation.why})` : ''}. It may stay valid until ${end}.`,
  }[revocation.outcome]
}

function formatLogoutPreview({ identity, revocation, wasDefault }: LogoutOutcome): string {
  const would = {
    revoked: `${identity} would be revoked at the server and removed here.`,
    unsupported: `${identity} would be removed here; the server has no way to revoke it.`,
    skipped: `${identity} would be removed here only.`,
    none: `${identity} is not logged in.`,
    failed: '',
  }[revocation.outcome]
  return wasDefault ? `${would} It is the default.` : would
}

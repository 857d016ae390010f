import type { RefreshOutcome } from '../../client/refresh.ts'
import { formatDuration } from '../../core/duration.ts'
import { DaypassError, getExitCode } from '../../core/errors.ts'
import { computeTimeLeft } from '../../core/freshness.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { type CommandContext, type CommandResult, formatJson } from '../output/result.ts'
import type { Runner } from '../runner.ts'

export const createRefreshCommand = ({ run }: Runner) =>
  createVerbCommand('refresh')
    .description('renew now, if it is stale')
    .argument('[identity]', 'which')
    .option('--force', 'even if it is fresh')
    .option('--all', 'every login')
    .action((identity, flags) =>
      run(flags, 'refresh', (world) => runRefresh(world, resolveSelected(identity, flags), flags)),
    )

interface RefreshFlags {
  all?: boolean | undefined
  force?: boolean | undefined
}

/** Prints a line for each identity. Exit code 0 only if all succeed, else the code of the first failure. */
async function runRefresh(
  world: CommandContext,
  identity: string | undefined,
  flags: RefreshFlags,
): Promise<CommandResult> {
  const { daypass, host, json } = world
  const names = flags.all ? await listRenewable(world) : [await resolveIdentityName(world, identity)]
  const outcomes = await Promise.all(
    names.map((name) => daypass.refresh(name, { force: flags.force ?? false })),
  )
  if (!flags.all && outcomes[0]?.error) throw outcomes[0].error
  for (const outcome of outcomes) {
    if (outcome.error) host.terminal.warn(formatFailure(outcome))
    else host.terminal.say(formatSuccess(outcome, daypass.now()))
  }
  if (names.length === 0) host.terminal.say('There is nothing to renew.')
  const failed = outcomes.find(({ error }) => error)
  return {
    code: failed ? getExitCode(failed.error) : 0,
    ...(json && { out: formatJson({ identities: outcomes.map(buildRefreshJson) }) }),
  }
}

async function listRenewable({ daypass }: CommandContext): Promise<string[]> {
  const { identities } = await daypass.list()
  return identities.filter(({ header }) => header?.key && header.renewable).map(({ row }) => row.name)
}

async function resolveIdentityName(
  { daypass }: CommandContext,
  identity: string | undefined,
): Promise<string> {
  const resolved = await daypass.resolve(identity)
  if ('identity' in resolved) return resolved.identity
  throw new DaypassError('usage', `the token of ${resolved.environment.variable} is not ours to renew`, {
    advice: { verb: 'refresh', identity: '<identity>' },
  })
}

function formatSuccess({ identity, outcome, header }: RefreshOutcome, now: number): string {
  const left =
    header?.expiresAt === undefined ? '' : ` (${formatDuration(computeTimeLeft(header, now))} left)`
  if (outcome === 'nothing_to_renew') return `${identity}: nothing to renew.`
  if (outcome === 'renewed') return `${identity}: renewed${left}.`
  return `${identity}: still fresh${left}; --force renews it all the same.`
}

function formatFailure({ identity, error }: RefreshOutcome): string {
  const message = error!.message.startsWith(identity) ? error!.message : `${identity}: ${error!.message}`
  return error!.hint ? `${message}   (${error!.hint})` : message
}

const buildRefreshJson = ({ identity, outcome, error }: RefreshOutcome) => ({
  name: identity,
  outcome,
  ...(error && {
    error: { code: error.code, message: error.message, ...(error.hint && { hint: error.hint }) },
  }),
})

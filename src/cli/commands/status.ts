import type { Listed } from '../../client/list.ts'
import { EXIT, isDaypassError } from '../../core/errors.ts'
import { sanitize } from '../../core/text.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { printIdentities } from '../output/identities.ts'
import { type CommandContext, type CommandResult, formatJson } from '../output/result.ts'
import {
  formatAccount,
  formatExpiry,
  formatMethod,
  formatSession,
  formatSheet,
  formatState,
  formatStore,
} from '../output/text.ts'
import type { Runner } from '../runner.ts'

export const createStatusCommand = ({ run }: Runner) =>
  createVerbCommand('status')
    .description('whether it can be used, and for how long, offline; exit 4 if a login is needed')
    .argument('[identity]', 'which; all, when not given')
    .option('--check', 'ask the server')
    .action((identity, flags) =>
      run(flags, 'status', (world) => runStatus(world, resolveSelected(identity, flags), flags)),
    )

interface StatusFlags {
  check?: boolean | undefined
}

/** Works offline, unless `--check`. Exit code 0 if usable, 4 if a login is needed. */
async function runStatus(
  world: CommandContext,
  identity: string | undefined,
  flags: StatusFlags,
): Promise<CommandResult> {
  if (identity !== undefined) return showIdentity(world, await findListedIdentity(world, identity), flags)
  const { identities, problems, envOverride: standIn } = await world.daypass.list()
  const active = identities.find(({ row }) => row.active)
  const checked = active && flags.check && !standIn ? await checkListedIdentity(world, active) : active
  const all = await printIdentities(world)
  if (standIn) return { ...all, code: 0 }
  if (!active) return { ...all, code: problems.length > 0 ? EXIT.vault : EXIT.login_required }
  return { ...all, code: computeStatusCode(checked!) }
}

const computeStatusCode = ({ row }: Listed) =>
  row.state === 'valid' || row.state === 'stale' ? 0 : EXIT.login_required

async function findListedIdentity({ daypass }: CommandContext, identity: string): Promise<Listed> {
  const { identities } = await daypass.list()
  const listed = identities.find(({ row }) => row.name === identity)
  return listed ?? daypass.status(identity)
}

async function showIdentity(
  world: CommandContext,
  listed: Listed,
  flags: StatusFlags,
): Promise<CommandResult> {
  const { json, paint } = world
  const checked = flags.check ? await checkListedIdentity(world, listed) : listed
  if (json) return { out: formatJson({ identities: [checked.row] }), code: computeStatusCode(checked) }
  return { out: formatStatus(checked, paint, world.host.now()), code: computeStatusCode(checked) }
}

function formatStatus(listed: Listed, paint: CommandContext['paint'], now: number): string {
  const { row } = listed
  const marks = [row.default && 'default', row.active && 'active'].filter(Boolean).join(', ')
  return [
    `${paint('bold', row.name)} (${row.kind})${marks ? ` [${marks}]` : ''}`,
    formatSheet(
      [
        ['state', formatState(listed, paint)],
        ['account', formatAccount(listed)],
        ['principal', row.principal && sanitize(row.principal)],
        ['tenant', row.tenant],
        ['api', listed.header?.params.api_url],
        ['region', row.region],
        ['expires', formatExpiry(listed)],
        ['login lasts', formatSession(listed, now)],
        ['obtained by', formatMethod(row.method)],
        ['kept in', formatStore(row.store)],
        ['logins lost', formatLostLogins(row)],
      ],
      paint,
    ),
  ].join('\n')
}

const formatLostLogins = ({ lost_renewals: lost }: Listed['row']) =>
  lost === 0 ? undefined : `${lost}, with the answer to a renewal`

/** Asks the server: renews a stale credential and reads whose it is. */
async function checkListedIdentity(world: CommandContext, listed: Listed): Promise<Listed> {
  const { daypass } = world
  const { name } = listed.row
  if (listed.row.store === 'environment') return listed
  try {
    await daypass.check(name)
    return daypass.status(name)
  } catch (error) {
    if (!isDaypassError(error, 'login_required')) throw error
    return { ...listed, row: { ...listed.row, state: 'login_required' }, why: error.message }
  }
}

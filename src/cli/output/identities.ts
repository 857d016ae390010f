import type { Listed } from '../../client/list.ts'
import { formatDuration } from '../../core/duration.ts'
import { formatCommand } from '../../core/errors.ts'
import { sanitize } from '../../core/text.ts'
import { type CommandContext, type CommandResult, formatJson } from './result.ts'
import { formatTable } from './text.ts'

/** Prints all identities, offline: the answer of `list`, and of `status` without a name. */
export async function printIdentities(world: CommandContext): Promise<CommandResult> {
  const { daypass, host, json, paint } = world
  const { identities, problems, envOverride: standIn } = await daypass.list()
  for (const { name, problem } of problems) host.terminal.warn(`${name}: ${problem}`)
  if (standIn)
    host.terminal.say(`${standIn.variable} is set, and is used instead of ${standIn.identity} here.`)
  if (json) return { out: formatJson({ identities: identities.map(({ row }) => row) }) }
  if (identities.length === 0) {
    if (problems.length > 0) return {}
    host.terminal.say(`Nobody is logged in. To begin: ${formatCommand({ verb: 'login' })}`)
    return {}
  }
  return { out: formatTable([HEAD, ...identities.map(formatListRow)], paint) }
}

const HEAD = ['NAME', 'KIND', 'ACCOUNT', 'STATE', 'LEFT', 'DEFAULT', 'ACTIVE']

function formatListRow({ row, timeLeft }: Listed): string[] {
  const left = row.expires_at === null || timeLeft <= 0 ? '-' : formatDuration(timeLeft)
  const formatMark = (yes: boolean) => (yes ? '*' : '')
  const state = row.state.replace('_', ' ')
  return [
    row.name,
    row.kind,
    sanitize(row.account ?? '-'),
    state,
    left,
    formatMark(row.default),
    formatMark(row.active),
  ]
}

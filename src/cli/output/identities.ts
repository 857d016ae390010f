import type { Listed } from '../../client/list.ts'
import { formatDuration } from '../../core/duration.ts'
import { formatCommand } from '../../core/errors.ts'
import { shown } from '../../core/text.ts'
import { type Answer, jsonLine, type World } from './result.ts'
import { table } from './text.ts'

/** All identities, offline: the answer of `list`, and of a `status` of no one in particular. */
export async function listIdentities(world: World): Promise<Answer> {
  const { daypass, host, json, paint } = world
  const { identities, problems, standIn } = await daypass.list()
  for (const { name, problem } of problems) host.terminal.warn(`${name}: ${problem}`)
  if (standIn)
    host.terminal.say(`${standIn.variable} is set, and is used instead of ${standIn.identity} here.`)
  if (json) return { out: jsonLine({ identities: identities.map(({ row }) => row) }) }
  if (identities.length === 0) {
    if (problems.length > 0) return {}
    host.terminal.say(`Nobody is logged in. To begin: ${formatCommand({ verb: 'login' })}`)
    return {}
  }
  return { out: table([HEAD, ...identities.map(cells)], paint) }
}

const HEAD = ['NAME', 'KIND', 'ACCOUNT', 'STATE', 'LEFT', 'DEFAULT', 'ACTIVE']

function cells({ row, timeLeft }: Listed): string[] {
  const left = row.expires_at === null || timeLeft <= 0 ? '-' : formatDuration(timeLeft)
  const mark = (yes: boolean) => (yes ? '*' : '')
  const state = row.state.replace('_', ' ')
  return [row.name, row.kind, shown(row.account ?? '-'), state, left, mark(row.default), mark(row.active)]
}

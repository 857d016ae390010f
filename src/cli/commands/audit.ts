import { type AuditEntry, isAuditOff } from '../../audit/append.ts'
import { readAudit } from '../../audit/read.ts'
import { formatTime, parseDuration } from '../../core/duration.ts'
import { formatCommand } from '../../core/errors.ts'
import { sanitize } from '../../core/text.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { type CommandContext, type CommandResult, formatJson } from '../output/result.ts'
import { formatTable } from '../output/text.ts'
import type { Runner } from '../runner.ts'

export const createAuditCommand = ({ run }: Runner) =>
  createVerbCommand('audit')
    .description('who asked for which credential on this machine')
    .argument('[identity]', 'of which; all, when not given')
    .option('--since <time>', 'how far back, like 1h')
    .addHelpText('after', HELP)
    .action((identity, flags) =>
      run(flags, 'audit', async (world) => runAudit(world, resolveSelected(identity, flags), flags)),
    )

const HELP = `
Each credential that is handed out is a line of audit.jsonl (daypass config path): when, by which verb, of
which identity, for which host or program, to which process, in which folder; never a secret. At 1 MB the
file becomes audit.jsonl.1. With DAYPASS_AUDIT=off nothing is written down.`

interface AuditOptions {
  since?: string | undefined
}

/** Number of entries shown without `--since`. */
const LAST_ENTRIES = 50

/** Shows who asked for which credential, from the audit file. */
function runAudit(
  world: CommandContext,
  identity: string | undefined,
  { since }: AuditOptions,
): CommandResult {
  const { host, json, paint, paths } = world
  const { terminal } = host
  const from = since === undefined ? 0 : host.now() - parseDuration(since, '--since')
  const { entries: asked, unreadable } = readAudit(paths.audit, (message) => terminal.warn(message))
  const wanted = asked.filter(
    (one) => Date.parse(one.at) >= from && (identity === undefined || one.identity === identity),
  )
  if (isAuditOff(host.env)) terminal.warn('nothing is written down: DAYPASS_AUDIT is off')
  if (unreadable > 0)
    terminal.warn(`${unreadable} line${unreadable === 1 ? '' : 's'} of ${paths.audit} cannot be read`)
  if (json) return { out: formatJson({ entries: wanted.map(buildAuditEntry) }) }
  if (wanted.length === 0) {
    terminal.say('Nothing was handed out.')
    return {}
  }
  const last = since === undefined ? wanted.slice(-LAST_ENTRIES) : wanted
  const earlier = wanted.length - last.length
  if (earlier > 0)
    terminal.say(
      `The last ${LAST_ENTRIES}; ${earlier} came before: ${formatCommand({ verb: 'audit', flags: ['--since', '30d'] })}`,
    )
  return { out: formatTable([HEAD, ...last.map(formatAuditRow)], paint) }
}

const buildAuditEntry = ({
  at,
  verb,
  identity,
  audience = null,
  pid,
  ppid,
  parent = null,
  cwd = null,
}: Nullable) => ({
  ...{ at, verb, identity, audience, pid, ppid, parent, cwd },
})

type Nullable = { [Name in keyof AuditEntry]: AuditEntry[Name] | null }

const HEAD = ['TIME', 'VERB', 'IDENTITY', 'FOR', 'ASKED BY', 'IN']

const formatAuditRow = ({ at, verb, identity, audience, ppid, parent, cwd }: AuditEntry) =>
  [
    formatTime(Date.parse(at)),
    verb,
    identity,
    audience ?? '',
    parent === undefined ? `process ${ppid}` : `${parent} (${ppid})`,
    cwd ?? '',
  ].map(sanitize)

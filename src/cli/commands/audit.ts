import { type Asked, isOff } from '../../audit/append.ts'
import { readAudit } from '../../audit/read.ts'
import { isoTime, parseDuration } from '../../core/duration.ts'
import { formatCommand } from '../../core/errors.ts'
import { shown } from '../../core/text.ts'
import { createVerb, selected } from '../flags.ts'
import { type Answer, jsonLine, type World } from '../output/result.ts'
import { table } from '../output/text.ts'
import type { Runner } from '../runner.ts'

export const createAuditCommand = ({ run }: Runner) =>
  createVerb('audit')
    .description('who asked for which credential on this machine')
    .argument('[identity]', 'of which; all, when not given')
    .option('--since <time>', 'how far back, like 1h')
    .addHelpText('after', HELP)
    .action((identity, flags) =>
      run(flags, 'audit', async (world) => audit(world, selected(identity, flags), flags)),
    )

const HELP = `
Each credential that is handed out is a line of audit.jsonl (daypass config path): when, by which verb, of
which identity, for which host or program, to which process, in which folder; never a secret. At 1 MB the
file becomes audit.jsonl.1. With DAYPASS_AUDIT=off nothing is written down.`

interface AuditOptions {
  since?: string | undefined
}

/** So many are shown where nobody says since when. */
const LAST = 50

/** Who asked for which credential, as it was written down here. */
function audit(world: World, identity: string | undefined, { since }: AuditOptions): Answer {
  const { host, json, paint, paths } = world
  const { terminal } = host
  const from = since === undefined ? 0 : host.now() - parseDuration(since, '--since')
  const { asked, unreadable } = readAudit(paths.audit, (message) => terminal.warn(message))
  const wanted = asked.filter(
    (one) => Date.parse(one.at) >= from && (identity === undefined || one.identity === identity),
  )
  if (isOff(host.env)) terminal.warn('nothing is written down: DAYPASS_AUDIT is off')
  if (unreadable > 0)
    terminal.warn(`${unreadable} line${unreadable === 1 ? '' : 's'} of ${paths.audit} cannot be read`)
  if (json) return { out: jsonLine({ entries: wanted.map(whole) }) }
  if (wanted.length === 0) {
    terminal.say('Nothing was handed out.')
    return {}
  }
  const last = since === undefined ? wanted.slice(-LAST) : wanted
  const earlier = wanted.length - last.length
  if (earlier > 0)
    terminal.say(
      `The last ${LAST}; ${earlier} came before: ${formatCommand({ verb: 'audit', flags: ['--since', '30d'] })}`,
    )
  return { out: table([HEAD, ...last.map(row)], paint) }
}

const whole = ({ at, verb, identity, audience = null, pid, ppid, parent = null, cwd = null }: Nullable) => ({
  ...{ at, verb, identity, audience, pid, ppid, parent, cwd },
})

type Nullable = { [Name in keyof Asked]: Asked[Name] | null }

const HEAD = ['TIME', 'VERB', 'IDENTITY', 'FOR', 'ASKED BY', 'IN']

const row = ({ at, verb, identity, audience, ppid, parent, cwd }: Asked) =>
  [
    isoTime(Date.parse(at)),
    verb,
    identity,
    audience ?? '',
    parent === undefined ? `process ${ppid}` : `${parent} (${ppid})`,
    cwd ?? '',
  ].map(shown)

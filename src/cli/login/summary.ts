import type { LoginOutcome } from '../../client/store-login.ts'
import { formatCommand } from '../../core/errors.ts'
import { sanitize } from '../../core/text.ts'
import { type CommandContext, type CommandResult, formatJson } from '../output/result.ts'
import { formatAccount, formatExpiry, formatSession, formatSheet, formatStore } from '../output/text.ts'

/** Prints the summary to stderr. stdout stays empty, or has one object with `--json`. */
export async function printLogin(world: CommandContext, outcome: LoginOutcome): Promise<CommandResult> {
  const { daypass, host, json, paintError } = world
  const listed = await daypass.status(outcome.header.name)
  const { row } = listed
  const provider = daypass.providers[row.provider]
  const account = formatAccount(listed)
  host.terminal.say(
    [
      `${paintError('green', '✓')} Logged in to ${provider?.title ?? row.provider}${account ? ` as ${account}` : ''}`,
      formatSheet(
        [
          ['identity', `${row.name} (${row.kind})`],
          ['principal', row.principal && sanitize(row.principal)],
          ['region', row.region],
          ['tenant', row.tenant],
          ['api', outcome.header.params.api_url],
          ['expires', formatExpiry(listed)],
          ['login lasts', formatSession(listed, host.now())],
          ['kept in', formatStore(row.store ?? outcome.store)],
          ['default', formatDefault(outcome.default, row.name)],
        ],
        paintError,
      ),
    ].join('\n'),
  )
  return json ? { out: formatJson({ ...row, default: outcome.default !== 'no' }) } : {}
}

const formatDefault = (outcome: LoginOutcome['default'], identity: string) =>
  ({
    made: 'yes, from now on',
    already: 'yes, as before',
    no: `no; to make it so: ${formatCommand({ verb: 'use', identity })}`,
  })[outcome]

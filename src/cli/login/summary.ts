import type { LoginOutcome } from '../../client/store-login.ts'
import { formatCommand } from '../../core/errors.ts'
import { shown } from '../../core/text.ts'
import { type Answer, jsonLine, type World } from '../output/result.ts'
import { accountWords, expiryWords, sessionWords, sheet, storeWords } from '../output/text.ts'

/** The summary goes to stderr; stdout stays empty, or has one object with `--json`. */
export async function printLogin(world: World, outcome: LoginOutcome): Promise<Answer> {
  const { daypass, host, json, paintError } = world
  const listed = await daypass.status(outcome.header.name)
  const { row } = listed
  const provider = daypass.providers[row.provider]
  const account = accountWords(listed)
  host.terminal.say(
    [
      `${paintError('green', '✓')} Logged in to ${provider?.title ?? row.provider}${account ? ` as ${account}` : ''}`,
      sheet(
        [
          ['identity', `${row.name} (${row.kind})`],
          ['principal', row.principal && shown(row.principal)],
          ['region', row.region],
          ['tenant', row.tenant],
          ['api', outcome.header.params.api_url],
          ['expires', expiryWords(listed)],
          ['login lasts', sessionWords(listed, host.now())],
          ['kept in', storeWords(row.store ?? outcome.store)],
          ['default', defaultWords(outcome.default, row.name)],
        ],
        paintError,
      ),
    ].join('\n'),
  )
  return json ? { out: jsonLine({ ...row, default: outcome.default !== 'no' }) } : {}
}

const defaultWords = (outcome: LoginOutcome['default'], identity: string) =>
  ({
    made: 'yes, from now on',
    already: 'yes, as before',
    no: `no; to make it so: ${formatCommand({ verb: 'use', identity })}`,
  })[outcome]

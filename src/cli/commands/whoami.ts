import { formatDuration } from '../../core/duration.ts'
import { DaypassError, formatCommand } from '../../core/errors.ts'
import { sanitize } from '../../core/text.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { type CommandContext, type CommandResult, formatJson } from '../output/result.ts'
import { formatSheet } from '../output/text.ts'
import type { Runner } from '../runner.ts'

export const createWhoamiCommand = ({ run }: Runner) =>
  createVerbCommand('whoami')
    .description('who is logged in, offline')
    .argument('[identity]', 'which')
    .action((identity, flags) =>
      run(flags, 'whoami', (world) => runWhoami(world, resolveSelected(identity, flags))),
    )

const SOON = 30_000

/** Shows the account offline, as far as the login learned it. */
async function runWhoami(
  { daypass, host, json, paint }: CommandContext,
  identity: string | undefined,
): Promise<CommandResult> {
  const resolved = await daypass.resolve(identity)
  if ('environment' in resolved) throw createUnknownAccountError(resolved.environment.variable)
  const { row, header, timeLeft } = await daypass.status(resolved.identity)
  if (row.state === 'login_required' || row.state === 'expired') {
    throw new DaypassError('login_required', `${row.name} needs a login`, {
      advice: { verb: 'login', identity: row.name },
    })
  }
  if (timeLeft < SOON) {
    const next = header?.renewable
      ? 'the next use renews it'
      : `then: ${formatCommand({ verb: 'login', identity: row.name })}`
    host.terminal.warn(`${row.name} expires in ${formatDuration(timeLeft)}; ${next}`)
  }
  const person = header?.account
  const name_of_person = person?.nameOfPerson ?? null
  const email = person?.email ?? null
  if (json) return { out: formatJson({ ...row, name_of_person, email }) }
  const lines = [
    ['identity', `${row.name} (${row.kind})`],
    ['name', name_of_person],
    ['e-mail', email],
    ['account', row.account],
    ['tenant', row.tenant],
    ['principal', row.principal],
  ] as const
  return {
    out: formatSheet(
      lines.map(([label, value]) => [label, value && sanitize(value)]),
      paint,
    ),
  }
}

const createUnknownAccountError = (variable: string) =>
  new DaypassError('usage', `the token of ${variable} does not say whose it is`, {
    advice: { verb: 'whoami', identity: '<identity>' },
  })

import { formatDuration } from '../../core/duration.ts'
import { DaypassError, formatCommand } from '../../core/errors.ts'
import { shown } from '../../core/text.ts'
import { createVerb, selected } from '../flags.ts'
import { type Answer, jsonLine, type World } from '../output/result.ts'
import { sheet } from '../output/text.ts'
import type { Runner } from '../runner.ts'

export const createWhoamiCommand = ({ run }: Runner) =>
  createVerb('whoami')
    .description('who is logged in, offline')
    .argument('[identity]', 'which')
    .action((identity, flags) => run(flags, 'whoami', (world) => whoami(world, selected(identity, flags))))

const SOON = 30_000

/** Offline: who it is, as far as the login found out. */
async function whoami({ daypass, host, json, paint }: World, identity: string | undefined): Promise<Answer> {
  const resolved = await daypass.resolve(identity)
  if ('environment' in resolved) throw nobodyKnows(resolved.environment.variable)
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
  if (json) return { out: jsonLine({ ...row, name_of_person, email }) }
  const lines = [
    ['identity', `${row.name} (${row.kind})`],
    ['name', name_of_person],
    ['e-mail', email],
    ['account', row.account],
    ['tenant', row.tenant],
    ['principal', row.principal],
  ] as const
  return {
    out: sheet(
      lines.map(([label, value]) => [label, value && shown(value)]),
      paint,
    ),
  }
}

const nobodyKnows = (variable: string) =>
  new DaypassError('usage', `the token of ${variable} does not say whose it is`, {
    advice: { verb: 'whoami', identity: '<identity>' },
  })

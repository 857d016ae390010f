import { DaypassError } from '../../core/errors.ts'
import type { CommandContext } from '../output/result.ts'
import { formatAccount } from '../output/text.ts'

/** Asks which identity or provider to log in to, when the command line does not say. */
export async function pickLogin({ daypass, host }: CommandContext): Promise<string> {
  if (!host.terminal.interactive) {
    throw new DaypassError('usage', 'no provider and no identity was named', {
      hint: (command) =>
        `${command({ verb: 'login', args: ['PROVIDER'] })}, where PROVIDER is one of ${Object.keys(daypass.providers).join(', ')}`,
    })
  }
  const { identities } = await daypass.list()
  const again = identities
    .filter(({ row }) => row.store !== 'environment')
    .map((one) => ({ value: one.row.name, label: one.row.name, hint: formatAccount(one) ?? one.row.kind }))
  const fresh = Object.values(daypass.providers).map(({ id, title }) => ({
    value: id,
    label: title,
    hint: `new: ${id}`,
  }))
  return assertChosen(await host.terminal.choose('Log in to', [...again, ...fresh]))
}

const QUESTIONS = {
  logout: 'Log out of',
  remove: 'Remove altogether',
  use: 'Use as the default',
} as const

/** Asks for an identity; the active one is listed first. */
export async function pickIdentity(
  { daypass, host }: CommandContext,
  verb: keyof typeof QUESTIONS,
): Promise<string> {
  if (!host.terminal.interactive) {
    throw new DaypassError('usage', 'no identity was named', {
      advice: { verb, identity: '<identity>' },
    })
  }
  const { identities } = await daypass.list()
  const kept = identities.filter(({ row }) => row.store !== 'environment')
  if (kept.length === 0)
    throw new DaypassError('not_found', 'there is no identity', { advice: { verb: 'login' } })
  const ordered = [...kept].sort((a, b) => Number(b.row.active) - Number(a.row.active))
  const options = ordered.map((one) => ({
    value: one.row.name,
    label: one.row.name,
    hint: formatAccount(one) ?? one.row.kind,
  }))
  return assertChosen(await host.terminal.choose(QUESTIONS[verb], options))
}

function assertChosen(value: string | undefined): string {
  if (value !== undefined) return value
  throw new DaypassError('cancelled', 'cancelled')
}

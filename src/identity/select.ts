/** Which identity is meant. Pure: the facts are gathered outside, and the network has no part in it. */
import { nearest } from '../config/nearest.ts'
import { type Advice, DaypassError } from '../core/errors.ts'

export interface Facts {
  /** `-i NAME`, or by position. */
  selected?: string | undefined
  /** `DAYPASS_IDENTITY`. */
  env?: string | undefined
  /** `.daypass.yaml` of the nearest parent folder. */
  folder?: { identity: string; file: string } | undefined
  /** `use`, else `default:` of the configuration. */
  fallback?: { identity: string; from: string } | undefined
  /** Bearer tokens of the environment, by provider. */
  environment: readonly { provider: string; variable: string }[]
  /** Every identity of the vault and the configuration. */
  known: readonly string[]
}

export type Resolved =
  | { identity: string; named: boolean; because: string }
  /** No identity: the credential of the environment itself. */
  | { environment: { provider: string; variable: string }; because: string }

/** First hit wins: selected, `DAYPASS_IDENTITY`, the folder's file, the default, the environment's credentials. */
export function whichIdentity(facts: Facts): Resolved {
  const { selected, env, folder, fallback, environment, known } = facts
  if (selected !== undefined) return { identity: selected, named: true, because: 'it was named' }
  if (env) return { identity: env, named: true, because: 'DAYPASS_IDENTITY names it' }
  if (folder) return { identity: folder.identity, named: false, because: `${folder.file} names it` }
  if (fallback)
    return { identity: fallback.identity, named: false, because: `it is the default (${fallback.from})` }
  const [first] = environment
  if (first) return { environment: first, because: `${first.variable} is set` }
  if (known.length === 0) {
    throw new DaypassError('login_required', 'nobody is logged in', { advice: { verb: 'login' } })
  }
  throw new DaypassError(
    'usage',
    `no identity was named, and there is no default; there are: ${known.join(', ')}`,
    {
      hint: (command) => `${command({ verb: 'use', identity: known[0] })}   or   -i ${known[0]}`,
    },
  )
}

/** The name that was meant when it is not known: the nearest one, where one is near. */
export function unknownIdentity(name: string, known: readonly string[]): DaypassError {
  const advice: Advice =
    known.length === 0 ? { verb: 'login', args: ['PROVIDER'], identity: name } : { verb: 'list' }
  const near = nearest(name, known)
  const message = `there is no identity ${JSON.stringify(name)}${near ? `, did you mean ${near}` : ''}`
  return new DaypassError('not_found', message, { advice })
}

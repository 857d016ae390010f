/** Which identity is meant. The sources of the facts are handed in, and the network has no part in it. */
import { findNearest } from '../config/nearest.ts'
import { type Advice, DaypassError, formatCommand } from '../core/errors.ts'
import type { Host } from '../core/types.ts'

export interface SelectionFacts {
  /** `-i NAME`, or by position. */
  selected?: string | undefined
  /** `DAYPASS_IDENTITY`. */
  env?: string | undefined
  /** `.daypass.yaml` of the nearest parent folder. */
  folder?: { identity: string; file: string } | undefined
  /** `use`, else `default:` of the configuration. */
  fallback?: { identity: string; from: string } | undefined
  /** Credentials of the environment, by provider. */
  environment: readonly { provider: string; variable: string }[]
  /** Every identity of the vault and the configuration; its provider is absent where it cannot be told. */
  known: readonly { name: string; provider?: string | undefined }[]
}

export type SelectedIdentity =
  | { identity: string; named: boolean; because: string }
  /** No identity: the credential of the environment itself. */
  | { environment: { provider: string; variable: string }; because: string }

/** Where the facts are found. Each is asked only where nothing before it names an identity. */
export interface Sources {
  selected?: string | undefined
  env: Host['env']
  folder(): SelectionFacts['folder'] | Promise<SelectionFacts['folder']>
  /** What `use` stored. */
  storedDefault(): string | undefined
  /** `default:` of the configuration. */
  configuredDefault: string | undefined
  environment(): SelectionFacts['environment']
  known(): Promise<SelectionFacts['known']>
}

/** Which identity is meant here. Never the network. */
export async function selectIdentity(sources: Sources): Promise<SelectedIdentity> {
  const { selected } = sources
  const env = sources.env.DAYPASS_IDENTITY
  // Where an identity is named, a fault in a file that would name another one is not reported.
  const isNamed = selected !== undefined || Boolean(env)
  const folder = isNamed ? undefined : await sources.folder()
  const fallback = isNamed || folder ? undefined : chooseDefault(sources)
  const name = selected ?? (env || undefined)
  const found = isNamed || folder || fallback ? [] : sources.environment()
  // Named by its provider: an identity of that name wins over it.
  const environment = isNamed ? sources.environment().filter(({ provider }) => provider === name) : found
  const isKnownNeeded = environment.length > 0 || !(isNamed || folder || fallback)
  const known = isKnownNeeded ? await sources.known() : []
  return chooseIdentity({ selected, env, folder, fallback, environment, known })
}

/** The stored default wins over the configuration's. */
export function chooseDefault({
  storedDefault,
  configuredDefault,
}: Pick<Sources, 'storedDefault' | 'configuredDefault'>): SelectionFacts['fallback'] {
  const stored = storedDefault()
  if (stored !== undefined) return { identity: stored, from: formatCommand({ verb: 'use' }) }
  return configuredDefault === undefined ? undefined : { identity: configuredDefault, from: 'config.yaml' }
}

/**
 * First hit wins: selected, `DAYPASS_IDENTITY`, the folder's file, the default, the environment's credentials. These serve
 * whoever names their provider, or where no identity of another provider is known: an exported `GITHUB_TOKEN` is not
 * what a person with one other login means.
 */
export function chooseIdentity(facts: SelectionFacts): SelectedIdentity {
  const { selected, env, folder, fallback, environment, known } = facts
  const named = selected ?? (env || undefined)
  const ofProvider = environment.find(({ provider }) => provider === named)
  if (ofProvider && known.every(({ name }) => name !== named))
    return { environment: ofProvider, because: `${ofProvider.variable} is set, and its provider was named` }
  if (selected !== undefined) return { identity: selected, named: true, because: 'it was named' }
  if (env) return { identity: env, named: true, because: 'DAYPASS_IDENTITY names it' }
  if (folder) return { identity: folder.identity, named: false, because: `${folder.file} names it` }
  if (fallback)
    return { identity: fallback.identity, named: false, because: `it is the default (${fallback.from})` }
  const first = environment.find((one) => known.every(({ provider }) => provider === one.provider))
  if (first) return { environment: first, because: `${first.variable} is set` }
  if (known.length === 0) {
    throw new DaypassError('login_required', 'nobody is logged in', { advice: { verb: 'login' } })
  }
  throw new DaypassError(
    'usage',
    `no identity was named, and there is no default; there are: ${known.map(({ name }) => name).join(', ')}`,
    {
      hint: (command) => `${command({ verb: 'use', identity: known[0]!.name })}   or   -i ${known[0]!.name}`,
    },
  )
}

/** The name that was meant when it is not known: the nearest one, where one is near. */
export function createUnknownIdentityError(name: string, known: readonly string[]): DaypassError {
  const advice: Advice =
    known.length === 0 ? { verb: 'login', args: ['PROVIDER'], identity: name } : { verb: 'list' }
  const near = findNearest(name, known)
  const message = `there is no identity ${JSON.stringify(name)}${near ? `, did you mean ${near}` : ''}`
  return new DaypassError('not_found', message, { advice })
}

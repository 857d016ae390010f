/** Chooses the identity for a command. The caller supplies the facts; the network is not used. */
import { findNearest } from '../config/nearest.ts'
import { type Advice, DaypassError, formatCommand } from '../core/errors.ts'
import type { Host } from '../core/types.ts'

export interface SelectionFacts {
  /** From `-i NAME`, or the positional argument. */
  selected?: string | undefined
  /** From `DAYPASS_IDENTITY`. */
  env?: string | undefined
  /** From `.daypass.yaml` of the nearest parent folder. */
  folder?: { identity: string; file: string } | undefined
  /** From `use`, else from `default:` of the configuration. */
  fallback?: { identity: string; from: string } | undefined
  /** Credentials of the environment, by provider. */
  environment: readonly { provider: string; variable: string }[]
  /** All identities of the vault and the configuration. Their provider is absent where it is not known. */
  known: readonly { name: string; provider?: string | undefined }[]
}

export type SelectedIdentity =
  | { identity: string; named: boolean; because: string }
  /** No identity: the environment's own credential is used. */
  | { environment: { provider: string; variable: string }; because: string }

/** Where the facts come from. Each source is read only where no earlier one names an identity. */
export interface Sources {
  selected?: string | undefined
  env: Host['env']
  folder(): SelectionFacts['folder'] | Promise<SelectionFacts['folder']>
  /** The choice of `use`. */
  storedDefault(): string | undefined
  configuredDefault: string | undefined
  environment(): SelectionFacts['environment']
  known(): Promise<SelectionFacts['known']>
}

/**
 * Chooses the identity, without the network. Throws `login_required` where there is none, `usage` where none
 * is the default.
 */
export async function selectIdentity(sources: Sources): Promise<SelectedIdentity> {
  const { selected } = sources
  const env = sources.env.DAYPASS_IDENTITY
  // When an identity is named, a fault in a file that would choose another one is not reported.
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

/** Returns the stored default, else the configured one. */
export function chooseDefault({
  storedDefault,
  configuredDefault,
}: Pick<Sources, 'storedDefault' | 'configuredDefault'>): SelectionFacts['fallback'] {
  const stored = storedDefault()
  if (stored !== undefined) return { identity: stored, from: formatCommand({ verb: 'use' }) }
  return configuredDefault === undefined ? undefined : { identity: configuredDefault, from: 'config.yaml' }
}

/**
 * Takes the first of: selected, `DAYPASS_IDENTITY`, folder file, default, environment credentials. These serve
 * a command that names their provider, or where no identity of another provider is known: an exported `GITHUB_TOKEN` is not
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

/** Creates the error of an unknown name, with the nearest known name where one is near. */
export function createUnknownIdentityError(name: string, known: readonly string[]): DaypassError {
  const advice: Advice =
    known.length === 0 ? { verb: 'login', args: ['PROVIDER'], identity: name } : { verb: 'list' }
  const near = findNearest(name, known)
  const message = `there is no identity ${JSON.stringify(name)}${near ? `, did you mean ${near}` : ''}`
  return new DaypassError('not_found', message, { advice })
}

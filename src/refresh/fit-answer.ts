/** A renewal whose answer is larger than a record takes: the refresh token is kept first, and what is left out is said. */
import { DaypassError } from '../core/errors.ts'
import type { BearerCredential, Grant } from '../core/types.ts'
import type { Vault } from '../vault/vault.ts'
import type { RenewalOutcome, RenewalSource } from './renew.ts'
import type { StoredGrant } from './renewal-journal.ts'

/** In bytes: every hand-out reads it. How a grant is renewed may be as large as any answer of a server. */
const MAX_USE_LENGTH = 1024 * 1024

/** What a credential can do without, in the order in which it is left out, and what a person calls it. */
const EXTRAS = { idToken: 'id_token', scope: 'scope' } as const satisfies Partial<
  Record<keyof BearerCredential, string>
>

/** What of a renewal can be kept, and is handed out. */
export function fitOutcome(
  { name, host, vault }: RenewalSource,
  stored: StoredGrant,
  outcome: RenewalOutcome,
): RenewalOutcome {
  if (!('entry' in outcome) || !outcome.entry.grant) return outcome
  const { header, grant } = outcome.entry
  const fitting = fitGrant(vault, grant, (what) => host.terminal.warn(`${name} was renewed without ${what}`))
  if (fitting) return { ...outcome, entry: { header, grant: fitting } }
  const error = createTooLargeError(name)
  if (!grant.refreshToken) return { failure: 'refused', error }
  return { entry: replaceRefreshToken(stored, grant), problem: outcome.problem ?? error }
}

/** The grant without what makes it too large; `undefined`: its credential alone is. */
export function fitGrant(
  vault: Pick<Vault, 'measure'>,
  grant: Grant,
  sayOmitted: (what: string) => void,
): Grant | undefined {
  const isTooLarge = () => vault.measure({ ...grant, credential }).use > MAX_USE_LENGTH
  const omitted: string[] = []
  let { credential } = grant
  for (const [field, word] of Object.entries(EXTRAS)) {
    if (!isTooLarge() || !(field in credential)) continue
    credential = { ...credential, [field]: undefined }
    omitted.push(word)
  }
  if (isTooLarge()) return undefined
  if (omitted.length === 0) return grant
  sayOmitted(`the ${omitted.join(' and ')} that the server sent: too large to be kept`)
  return { ...grant, credential }
}

/** What was held before, with the refresh token that there is now. */
export function replaceRefreshToken({ header, grant }: StoredGrant, { refreshToken }: Grant): StoredGrant {
  return { header, grant: { ...grant, ...(refreshToken && { refreshToken }) } }
}

export const createTooLargeError = (name: string) =>
  new DaypassError('vault', `what the server sent for ${name} is larger than can be kept`, {
    hint: 'look at what it puts into its access tokens',
  })

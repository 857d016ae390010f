/** Renewal of keys that an access token was exchanged for: exchanged again, the token refreshed first where too little is left of it. */
import { isDaypassError } from '../core/errors.ts'
import { isUsable } from '../core/freshness.ts'
import type { BearerCredential } from '../core/types.ts'
import { exchangeToken } from '../oauth/exchange.ts'
import { type Refusal, refusalError } from '../oauth/refusal.ts'
import type { Party } from '../oauth/server.ts'
import { renewOAuth, withTimes } from './oauth.ts'
import type { Renewed } from './renew.ts'
import type { Held, Steps } from './renewal-journal.ts'

/** Refreshes once at most: what it gets is kept before it is exchanged, so that a rotated refresh token is never lost. */
export async function renewExchanged(party: Party, held: Held, steps: Steps): Promise<Renewed> {
  const { refreshToken } = held.grant
  // Without a refresh token there is only the one access token, and whatever is left of it.
  const first = hasEnough(party, held) || !refreshToken ? await exchanged(party, held) : undefined
  if (first && !('wantsNewer' in first)) return first
  if (!refreshToken) return { failure: 'unclear', why: first!.wantsNewer.message }
  const refreshed = await renewOAuth(party, ofSource(held), steps)
  if (!('entry' in refreshed)) return refreshed
  const pair = withPair(held, refreshed.entry as Held)
  if (refreshed.problem) return { entry: pair, problem: refreshed.problem }
  await steps.keep(pair)
  const second = await exchanged(party, pair)
  return 'wantsNewer' in second ? failed(second.wantsNewer) : second
}

const sourceOf = ({ grant }: Held) => grant.source!

/** By the server's clock, as far as we know it. */
function hasEnough({ exchange, port }: Party, held: Held): boolean {
  const { clockOffset } = held.header
  return isUsable({ ...sourceOf(held), ...(clockOffset && { clockOffset }) }, port.now(), exchange!.margin)
}

/** The grant of the access token itself. */
const ofSource = ({ header, grant }: Held): Held => ({
  header,
  grant: { ...grant, credential: grant.source! },
})

/** The new pair beside the keys that there are, and their times. */
function withPair({ header, grant }: Held, { header: { sessionExpiresAt }, grant: pair }: Held): Held {
  const { sessionExpiresAt: _, ...kept } = header
  const source = pair.credential as BearerCredential
  return {
    header: { ...kept, ...(sessionExpiresAt !== undefined && { sessionExpiresAt }), renewable: true },
    grant: { ...pair, credential: grant.credential, source },
  }
}

/** Nothing is spent by it: whether the server heard of a request that was not answered, is all the same. */
async function exchanged(party: Party, held: Held): Promise<Renewed | { wantsNewer: Refusal }> {
  const { header, grant } = held
  const outcome = await exchangeToken(party, sourceOf(held).token).catch(passing)
  if ('failure' in outcome) return outcome
  if ('refusal' in outcome)
    return outcome.wantsNewer ? { wantsNewer: outcome.refusal } : failed(outcome.refusal)
  const { credential, clockOffset } = outcome
  return { entry: { header: withTimes(header, credential, clockOffset), grant: { ...grant, credential } } }
}

function passing(error: unknown): Renewed & { failure: 'passing' } {
  if (isDaypassError(error, 'network')) return { failure: 'passing', error }
  throw error
}

function failed(refusal: Refusal): Renewed {
  const { kind, message } = refusal
  if (kind === 'passing') return { failure: 'passing', error: refusalError(refusal) }
  return kind === 'refused'
    ? { failure: 'refused', error: refusalError(refusal) }
    : { failure: 'unclear', why: message }
}

/** Renews keys by exchanging their access token again, after refreshing a token that expires soon. */
import { isDaypassError } from '../core/errors.ts'
import { isUsable } from '../core/freshness.ts'
import type { BearerCredential } from '../core/types.ts'
import { exchangeToken } from '../oauth/exchange.ts'
import { createRefusalError, type Refusal } from '../oauth/refusal.ts'
import type { ClientContext } from '../oauth/server.ts'
import { applyTimes, renewOAuth } from './oauth.ts'
import type { RenewalOutcome } from './renew.ts'
import type { RenewalSteps, StoredGrant } from './renewal-journal.ts'

/** Refreshes at most once. New tokens are stored before the exchange, so none is lost. */
export async function renewExchanged(
  context: ClientContext,
  stored: StoredGrant,
  steps: RenewalSteps,
): Promise<RenewalOutcome> {
  const { refreshToken } = stored.grant
  // Without a refresh token, the only access token is used, however long it is still valid.
  const first =
    hasEnoughLeft(context, stored) || !refreshToken ? await exchangeSourceToken(context, stored) : undefined
  if (first && !('wantsNewer' in first)) return first
  if (!refreshToken) return { failure: 'unclear', why: first!.wantsNewer.message }
  const refreshed = await renewOAuth(context, selectSourceGrant(stored), steps)
  if (!('entry' in refreshed)) return refreshed
  const pair = mergeTokenPair(stored, refreshed.entry as StoredGrant)
  if (refreshed.problem) return { entry: pair, problem: refreshed.problem }
  await steps.keep(pair)
  const second = await exchangeSourceToken(context, pair)
  return 'wantsNewer' in second ? convertExchangeRefusal(second.wantsNewer) : second
}

const getSource = ({ grant }: StoredGrant) => grant.source!

/** Compares by the server's clock, as far as it is known. */
function hasEnoughLeft({ exchange, port }: ClientContext, stored: StoredGrant): boolean {
  const { clockOffset } = stored.header
  return isUsable({ ...getSource(stored), ...(clockOffset && { clockOffset }) }, port.now(), exchange!.margin)
}

/** Returns the stored grant with the access token as its credential. */
const selectSourceGrant = ({ header, grant }: StoredGrant): StoredGrant => ({
  header,
  grant: { ...grant, credential: grant.source! },
})

/** Adds the new token pair to the existing keys, and its session end to the header. */
function mergeTokenPair(
  { header, grant }: StoredGrant,
  { header: { sessionExpiresAt }, grant: pair }: StoredGrant,
): StoredGrant {
  const { sessionExpiresAt: _, ...kept } = header
  const source = pair.credential as BearerCredential
  return {
    header: { ...kept, ...(sessionExpiresAt !== undefined && { sessionExpiresAt }), renewable: true },
    grant: { ...pair, credential: grant.credential, source },
  }
}

/** An exchange spends nothing, so an unanswered one can be repeated. */
async function exchangeSourceToken(
  context: ClientContext,
  stored: StoredGrant,
): Promise<RenewalOutcome | { wantsNewer: Refusal }> {
  const { header, grant } = stored
  const outcome = await exchangeToken(context, getSource(stored).token).catch(convertNetworkError)
  if ('failure' in outcome) return outcome
  if ('refusal' in outcome)
    return outcome.wantsNewer ? { wantsNewer: outcome.refusal } : convertExchangeRefusal(outcome.refusal)
  const { credential, clockOffset } = outcome
  return { entry: { header: applyTimes(header, credential, clockOffset), grant: { ...grant, credential } } }
}

function convertNetworkError(error: unknown): RenewalOutcome & { failure: 'passing' } {
  if (isDaypassError(error, 'network')) return { failure: 'passing', error }
  throw error
}

function convertExchangeRefusal(refusal: Refusal): RenewalOutcome {
  const { kind, message } = refusal
  if (kind === 'passing') return { failure: 'passing', error: createRefusalError(refusal) }
  return kind === 'refused'
    ? { failure: 'refused', error: createRefusalError(refusal) }
    : { failure: 'unclear', why: message }
}

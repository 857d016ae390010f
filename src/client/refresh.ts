import { DaypassError, isDaypassError } from '../core/errors.ts'
import { isUsable } from '../core/freshness.ts'
import type { Header } from '../core/types.ts'
import { findConfiguredKeys } from '../identity/configured-keys.ts'
import { type Context, loadIdentity } from './context.ts'
import { renewOnce } from './credential.ts'

export interface RefreshOutcome {
  identity: string
  outcome: 'renewed' | 'fresh' | 'nothing_to_renew' | 'failed'
  header?: Header
  error?: DaypassError
}

/** Renews if stale, or always with `force`. Never throws errors of that identity; returns them. */
export async function refreshIdentity(
  context: Context,
  name: string,
  force: boolean,
): Promise<RefreshOutcome> {
  try {
    const { definition, header } = await loadIdentity(context, name)
    if (findConfiguredKeys(context.host, definition)) return { identity: name, outcome: 'nothing_to_renew' }
    const fresh = header && isUsable(header, context.host.now(), definition.provider.tokens.refresh.margin)
    if (header?.key && !header.renewable && fresh && header.loginRequired === undefined) {
      return { identity: name, outcome: 'nothing_to_renew', header }
    }
    const { entry, renewed } = await renewOnce(context, definition, { force })
    if (!renewed && !fresh) throw createNotRenewedError(name)
    return { identity: name, outcome: renewed ? 'renewed' : 'fresh', header: entry.header }
  } catch (error) {
    if (isDaypassError(error)) return { identity: name, outcome: 'failed', error }
    throw error
  }
}

/** Creates the error for a failed renewal where the old credential is still valid. */
const createNotRenewedError = (name: string) =>
  new DaypassError('network', `${name} could not be renewed; what is left of it is still good`, {
    advice: { verb: 'refresh', identity: name },
  })

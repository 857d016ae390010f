import { localize } from '../core/localized-text.ts'
import type { Host } from '../core/types.ts'
import { type Definition, findPublicClientId } from '../identity/definition.ts'

/** Help for a page of a public client that may refuse to redirect. */
export interface AccessHelp {
  /** Shown while the login waits. */
  waiting: string
  /** Shown when the time is over. */
  late: string
}

/** Returns undefined for the user's own clients, because the reason of their pages is not known. */
export function findAccessHelp(
  host: Pick<Host, 'env'>,
  { provider, params, clientId }: Definition,
): AccessHelp | undefined {
  const help =
    clientId === findPublicClientId(provider, params) ? provider.prompts.accessHelp?.(params) : undefined
  return help && { waiting: localize(help.waiting, host), late: localize(help.late, host) }
}

import { localize } from '../core/localized-text.ts'
import type { Host } from '../core/types.ts'
import { type Definition, findPublicClientId } from '../identity/definition.ts'

/** What may keep the page of a public client from redirecting. */
export interface AccessHelp {
  /** Said while the login waits. */
  waiting: string
  /** Said when the time is over. */
  late: string
}

/** Undefined for clients that are not ours: we do not know what keeps their pages from redirecting. */
export function findAccessHelp(
  host: Pick<Host, 'env'>,
  { provider, params, clientId }: Definition,
): AccessHelp | undefined {
  const help =
    clientId === findPublicClientId(provider, params) ? provider.prompts.accessHelp?.(params) : undefined
  return help && { waiting: localize(help.waiting, host), late: localize(help.late, host) }
}

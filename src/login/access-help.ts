import { inWords } from '../core/localized-text.ts'
import type { Host } from '../core/types.ts'
import { type Definition, publicClient } from '../identity/definition.ts'

/** What may keep the page of a public client from sending anybody back. Other clients have gates of their own. */
export function gateOf(host: Pick<Host, 'env'>, { provider, params, clientId }: Definition) {
  const gate = clientId === publicClient(provider, params) ? provider.prompts.accessHelp?.(params) : undefined
  return gate && { waiting: inWords(gate.waiting, host), late: inWords(gate.late, host) }
}

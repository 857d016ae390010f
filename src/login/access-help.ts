import { inWords } from '../core/localized-text.ts'
import type { Host } from '../core/types.ts'
import { type Definition, publicClient } from '../identity/definition.ts'

/** What may keep the page of a public client from redirecting. Undefined for other clients, whose pages we do not know. */
export function findAccessHelp(host: Pick<Host, 'env'>, { provider, params, clientId }: Definition) {
  const help = clientId === publicClient(provider, params) ? provider.prompts.accessHelp?.(params) : undefined
  return help && { waiting: inWords(help.waiting, host), late: inWords(help.late, host) }
}

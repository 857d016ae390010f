import { randomBytes } from 'node:crypto'
import type { Host, Listener, ListenOptions, LoopbackRequest, LoopbackResponse } from '../core/types.ts'
import { renderPlainResponse } from './callback-page.ts'

// Every page that a browser has open, and every process of the machine, can send requests to a port of ours. Only one
// that names our host and a page of ours, and that comes from us, is looked at.

type Respond = () => LoopbackResponse | Promise<LoopbackResponse>

export interface LocalPage {
  path: string
  /**
   * Pure: what would become of a request with that query. A status refuses it. A function acts on it, and is called only
   * when the peer is one of ours.
   */
  judge(query: string): number | Respond
}

export interface LocalPages extends ListenOptions {
  /** Asked at each request, so that there can be more of them later. */
  listPages(): readonly LocalPage[]
  /** Called when another user of the machine was refused. */
  onStranger(who: string): void
}

/** A flood of requests that are refused anyhow is not worth to read the tables of the kernel each time. */
const MAX_IDLE_CHECKS = 20

/** Answers a browser on this machine. Whatever is refused changes nothing. */
export async function openLocalPages(
  { listen }: Pick<Host, 'listen'>,
  { host, ports, listPages, onStranger }: LocalPages,
): Promise<Listener> {
  let port = 0
  let idleChecks = 0
  const handle = (request: LoopbackRequest) => {
    if (!isOwnHost(request.host, host, port)) return refuseRequest(421)
    const { path, query } = splitTarget(request.target)
    const page = listPages().find((each) => each.path === path)
    if (!page) return refuseRequest(404)
    if (request.method !== 'GET') return refuseRequest(405)
    const judged = query.length > MAX_QUERY_LENGTH ? 414 : page.judge(query)
    if (typeof judged === 'number' && ++idleChecks > MAX_IDLE_CHECKS) return refuseRequest(judged)
    const stranger = request.findStranger?.()
    if (stranger !== undefined) {
      onStranger(stranger)
      return refuseRequest(403)
    }
    return typeof judged === 'number' ? refuseRequest(judged) : judged()
  }
  const listener = await listen({ host, ports }, handle)
  port = listener.port
  return listener
}

const MAX_QUERY_LENGTH = 16 * 1024

/** Where a browser is sent on to another address. It cannot be guessed, so it is found only by who was told it. */
export const createStartPath = () => `/start/${randomBytes(16).toString('hex')}`

export const redirectTo = (location: string): LoopbackResponse =>
  renderPlainResponse(303, 'Go on at the address that this answer names.', { Location: location })

function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf('?')
  return mark === -1
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) }
}

/** A page that rebinds its own name to 127.0.0.1 sends its own name here. */
function isOwnHost(stated: string, host: ListenOptions['host'], port: number): boolean {
  const names = host === 'localhost' ? ['127.0.0.1', 'localhost', '[::1]'] : ['127.0.0.1']
  const own = names.flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]))
  return own.includes(stated.toLowerCase())
}

const REFUSALS: Record<number, string> = {
  400: 'This is not the answer that daypass waits for.',
  403: 'This was not sent by the user of this machine for whom daypass waits.',
  404: 'Not found.',
  405: 'Only GET is answered here.',
  409: 'This login was answered already. Return to the terminal.',
  414: 'The address is too long.',
  421: 'This is not the host that daypass listens for.',
}

function refuseRequest(status: number): LoopbackResponse {
  return renderPlainResponse(status, REFUSALS[status] ?? 'Refused.', status === 405 ? { Allow: 'GET' } : {})
}

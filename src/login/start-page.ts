import type { Host } from '../core/types.ts'
import { createDeadline } from '../oauth/deadline.ts'
import { createStartPath, openLocalPages, redirectTo } from './local-pages.ts'

export interface OneVisit {
  url: string
  /** Resolves to false when the time is over before the page was fetched. Rejects when the signal aborts. */
  visited: Promise<boolean>
  close(): Promise<void>
}

/** A page that sends one browser of this machine on to an address, once: the first person who opens that address is signed in. */
export async function openStartPageOnce(
  host: Pick<Host, 'listen' | 'now' | 'terminal'>,
  location: string,
  { limit, signal }: { limit: number; signal: AbortSignal },
): Promise<OneVisit> {
  const path = createStartPath()
  let settle: (visited: boolean) => void = () => undefined
  let isVisited = false
  const visit = () => {
    isVisited = true
    settle(true)
    return redirectTo(location)
  }
  const { port, close } = await openLocalPages(host, {
    host: '127.0.0.1',
    ports: [0],
    listPages: () => [{ path, judge: () => (isVisited ? 409 : visit) }],
    onStranger: (who) => host.terminal.warn(`a request of ${who} was refused`),
  })
  const visited = new Promise<boolean>((resolve, reject) => {
    settle = resolve
    createDeadline(host, limit).addEventListener('abort', () => resolve(false))
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  visited.catch(() => undefined)
  return { url: `http://127.0.0.1:${port}${path}`, visited, close }
}

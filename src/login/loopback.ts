import { DaypassError } from '../core/errors.ts'
import type { Host, ListenOptions } from '../core/types.ts'
import { renderOutcomePage } from './callback-page.ts'
import { createStartPath, type LocalPage, openLocalPages, redirectTo } from './local-pages.ts'

// Whatever is not the answer we wait for changes nothing: the login goes on waiting (GHSA-c73c-x77g-854r).

/** The result of a callback's parameters. `ignored` holds the reason, for debugging only. */
export type Verdict<T> = { code: T } | { error: DaypassError } | { ignored: string }

export interface LoopbackOptions<T> {
  redirect: ListenOptions & { path: string }
  /** Pure. Looks at `state` before anything else. */
  check(params: URLSearchParams): Verdict<T>
  /** The provider's title, for the page. */
  title: string
  /** Tells the person of what was refused, or is strange. Each only once, so that no stranger fills the terminal. */
  warn?: (text: string) => void
}

export interface Loopback<T> {
  /** Made of what was bound, so it cannot name another address. */
  redirectUri: string
  port: number
  /** The first right callback. Rejects with what the server answered, or when closed before. */
  received: Promise<T>
  /**
   * Opens the page that sends a browser of this machine on to the provider's address, while the login waits. That address
   * is a secret, and every user of the machine can read the command line of an opener.
   */
  openStartPage(address: string): StartPage
  /** Lets the page go that the browser has been waiting for: the tokens are kept, or they are not. */
  settle(outcome: 'kept' | 'failed'): void
  /** A page that is still held back becomes the failure page. */
  close(): Promise<void>
}

interface StartPage {
  url: string
  /** Whether the login still waits for a browser to come by. */
  isUnvisited(): boolean
}

/** Binds the listener of a browser login. The URL is built afterwards, from `redirectUri`. */
export async function openLoopback<T>(
  host: Pick<Host, 'listen'>,
  { redirect, check, title, warn: say = () => undefined }: LoopbackOptions<T>,
): Promise<Loopback<T>> {
  const received = createDeferred<T>()
  const outcome = createDeferred<'kept' | 'failed'>()
  const warned = new Set<string>()
  const warn = (text: string) => {
    if (warned.has(text)) return
    warned.add(text)
    say(text)
  }
  let taken = false

  const take = async (verdict: Exclude<Verdict<T>, { ignored: string }>) => {
    taken = true
    if ('error' in verdict) {
      received.reject(verdict.error)
      return renderOutcomePage('failed', title)
    }
    received.resolve(verdict.code)
    return renderOutcomePage(await outcome.promise, title)
  }
  const callback: LocalPage = {
    path: redirect.path,
    judge(query) {
      const verdict = checkQuery(query, check)
      if ('ignored' in verdict) return 400
      return taken ? 409 : () => take(verdict)
    },
  }
  const pages = [callback]
  const {
    port,
    close,
    passedOver = [],
  } = await openLocalPages(host, {
    ...redirect,
    listPages: () => pages,
    onStranger: (who) =>
      warn(
        `a request of ${who} was refused; the login goes on: paste the address if that was a forwarder of your own`,
      ),
  })

  for (const reason of passedOver) warn(`${reason}; this login listens on port ${port}`)

  return {
    port,
    redirectUri: `http://${redirect.host}:${port}${redirect.path}`,
    received: received.promise,
    openStartPage(address) {
      const path = createStartPath()
      const url = `http://127.0.0.1:${port}${path}`
      let visits = 0
      const visit = () => {
        visits += 1
        if (visits > 1)
          warn('the page that starts this login was fetched a second time; press Ctrl-C if that was not you')
        return redirectTo(address)
      }
      pages.push({ path, judge: () => (taken ? 409 : visit) })
      return { url, isUnvisited: () => visits === 0 && !taken }
    },
    settle: outcome.resolve,
    close() {
      taken = true
      outcome.resolve('failed')
      received.reject(new DaypassError('cancelled', 'the login was closed before the browser came back'))
      return close()
    },
  }
}

function checkQuery<T>(query: string, check: (params: URLSearchParams) => Verdict<T>): Verdict<T> {
  const params = new URLSearchParams(query)
  const repeated = findRepeatedParameter(params)
  return repeated === undefined ? check(params) : { ignored: `${repeated} was given more than once` }
}

/** RFC 6749 §3.1: "parameters MUST NOT be included more than once". It is not defined which of two counts. */
export function findRepeatedParameter(params: URLSearchParams): string | undefined {
  return ['code', 'state', 'error', 'iss'].find((name) => params.getAll(name).length > 1)
}

interface Deferred<T> {
  promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

/** The first of `resolve` and `reject` counts. No caller has to wait for it: a paste may come first. */
function createDeferred<T>(): Deferred<T> {
  let settle!: Pick<Deferred<T>, 'resolve' | 'reject'>
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  promise.catch(() => undefined)
  return { promise, ...settle }
}

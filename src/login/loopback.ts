import { DaypassError } from '../core/errors.ts'
import type { Host, ListenOptions, LoopbackRequest, LoopbackResponse } from '../core/types.ts'
import { renderOutcomePage, renderPlainResponse } from './callback-page.ts'

// Every page in a browser and every process of the machine can send requests here. A request that is not the
// expected callback changes nothing: the login continues to wait (GHSA-c73c-x77g-854r).

/** The result of a callback's parameters. `ignored` holds the reason, for debugging only. */
export type Verdict<T> = { code: T } | { error: DaypassError } | { ignored: string }

export interface LoopbackOptions<T> {
  redirect: ListenOptions & { path: string }
  /** A pure function that checks `state` first. */
  check(params: URLSearchParams): Verdict<T>
  /** The provider's title, shown on the page. */
  title: string
}

export interface Loopback<T> {
  /** Made from the bound address, so it cannot name another one. */
  redirectUri: string
  port: number
  /** The first valid callback. Rejects with the server's error, or when closed earlier. */
  received: Promise<T>
  /** Sends the page for which the browser waits: the tokens were stored, or they were not. */
  settle(outcome: 'kept' | 'failed'): void
  /** Sends the failure page to a browser that still waits. */
  close(): Promise<void>
}

const MAX_QUERY_LENGTH = 16 * 1024

/** Opens the listener of a browser login. The authorization URL is built later, from `redirectUri`. */
export async function openLoopback<T>(
  host: Pick<Host, 'listen'>,
  { redirect, check, title }: LoopbackOptions<T>,
): Promise<Loopback<T>> {
  const received = createDeferred<T>()
  const outcome = createDeferred<'kept' | 'failed'>()
  let taken = false

  const consider = async (query: string): Promise<LoopbackResponse> => {
    const verdict = checkQuery(query, check)
    if ('ignored' in verdict) return refuseRequest(400)
    if (taken) return refuseRequest(409)
    taken = true
    if ('error' in verdict) {
      received.reject(verdict.error)
      return renderOutcomePage('failed', title)
    }
    received.resolve(verdict.code)
    return renderOutcomePage(await outcome.promise, title)
  }
  let port = 0
  const handle = (request: LoopbackRequest) => {
    const asked = parseCallbackQuery(request, redirect, port)
    return typeof asked === 'number' ? refuseRequest(asked) : consider(asked)
  }
  const listener = await host.listen({ host: redirect.host, ports: redirect.ports }, handle)
  port = listener.port

  return {
    port,
    redirectUri: `http://${redirect.host}:${port}${redirect.path}`,
    received: received.promise,
    settle: outcome.resolve,
    close() {
      taken = true
      outcome.resolve('failed')
      received.reject(new DaypassError('cancelled', 'the login was closed before the browser came back'))
      return listener.close()
    },
  }
}

/** Returns the query of the callback, or the status that refuses the request. */
function parseCallbackQuery(
  request: LoopbackRequest,
  redirect: LoopbackOptions<never>['redirect'],
  port: number,
) {
  if (!isOwnHost(request.host, redirect.host, port)) return 421
  const mark = request.target.indexOf('?')
  const path = mark === -1 ? request.target : request.target.slice(0, mark)
  if (path !== redirect.path) return 404
  if (request.method !== 'GET') return 405
  const query = mark === -1 ? '' : request.target.slice(mark + 1)
  return query.length > MAX_QUERY_LENGTH ? 414 : query
}

/** Guards against DNS rebinding: a page whose name now points to 127.0.0.1 sends that name as host. */
function isOwnHost(stated: string, host: ListenOptions['host'], port: number): boolean {
  const names = host === 'localhost' ? ['127.0.0.1', 'localhost', '[::1]'] : ['127.0.0.1']
  const own = names.flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]))
  return own.includes(stated.toLowerCase())
}

function checkQuery<T>(query: string, check: (params: URLSearchParams) => Verdict<T>): Verdict<T> {
  const params = new URLSearchParams(query)
  const repeated = findRepeatedParameter(params)
  return repeated === undefined ? check(params) : { ignored: `${repeated} was given more than once` }
}

/**
 * RFC 6749 §3.1: "parameters MUST NOT be included more than once". It is unclear which of two would count.
 */
export function findRepeatedParameter(params: URLSearchParams): string | undefined {
  return ['code', 'state', 'error', 'iss'].find((name) => params.getAll(name).length > 1)
}

const REFUSALS: Record<number, string> = {
  400: 'This is not the answer that daypass waits for.',
  404: 'Not found.',
  405: 'Only GET is answered here.',
  409: 'This login was answered already. Return to the terminal.',
  414: 'The address is too long.',
  421: 'This is not the host that daypass listens for.',
}

function refuseRequest(status: number): LoopbackResponse {
  return renderPlainResponse(status, REFUSALS[status] ?? 'Refused.', status === 405 ? { Allow: 'GET' } : {})
}

interface Deferred<T> {
  promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

/**
 * The first call of `resolve` or `reject` counts. An unused rejection is no error, because a paste may win.
 */
function createDeferred<T>(): Deferred<T> {
  let settle!: Pick<Deferred<T>, 'resolve' | 'reject'>
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  promise.catch(() => undefined)
  return { promise, ...settle }
}

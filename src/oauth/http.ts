/** What every HTTP request has in common: time and size limits, the server's clock, and error messages. */
import { DaypassError } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import type { Host } from '../core/types.ts'
import { createDeadline } from './deadline.ts'

/**
 * Milliseconds per request. Shorter than the wait for a lock (30 s), and independent of the caller's abort.
 */
export const REQUEST_LIMIT = 15_000
const MAX_RESPONSE_SIZE = 1 << 20

/** Seconds. A longer lifetime is treated as no expiry. */
export const CENTURY = 100 * 366 * 86_400

export interface HttpResponse {
  status: number
  headers: Headers
  text: string
  /** When the request was sent, on our clock. */
  sentAt: number
  /** Server clock minus ours in milliseconds; 0 within the measuring error. */
  clockOffset: number
  /** `Retry-After` in milliseconds; servers send seconds or a date (RFC 9110 §10.2.3). */
  retryAfter: number | undefined
}

/** Follows no redirect, so no other host sees it. Throws as `fetch`; see {@link createUnreachableError}. */
export async function sendHttpRequest(
  port: Pick<Host, 'fetch' | 'now'>,
  url: string | URL,
  init: RequestInit,
): Promise<HttpResponse> {
  const sentAt = port.now()
  const raw = await port.fetch(url, {
    redirect: 'manual',
    ...init,
    signal: createDeadline(port, REQUEST_LIMIT),
  })
  const offset = estimateClockOffset(raw.headers.get('date'), sentAt, port.now())
  const { status, headers } = raw
  return {
    status,
    headers,
    text: await readLimited(raw),
    sentAt,
    clockOffset: offset,
    retryAfter: parseRetryAfter(headers),
  }
}

async function readLimited(raw: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (raw.body ?? []) as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > MAX_RESPONSE_SIZE)
      throw new DaypassError('network', 'the server sent an answer of more than 1 MiB')
    chunks.push(chunk)
  }
  // TextDecoder drops a byte order mark, which JSON.parse would refuse.
  return new TextDecoder().decode(Buffer.concat(chunks))
}

/** Parses `Retry-After` to milliseconds. A date in it is compared with the server's own `Date`. */
function parseRetryAfter(headers: Headers): number | undefined {
  const said = headers.get('retry-after') ?? ''
  const wait = /^\d+$/.test(said)
    ? Number(said) * 1000
    : Date.parse(said) - Date.parse(headers.get('date') ?? '')
  return wait > 0 && wait < DAY ? wait : undefined
}

const DAY = 86_400_000

/** `Date` has a resolution of one second, so a difference below two seconds counts as none. */
function estimateClockOffset(date: string | null, sentAt: number, receivedAt: number): number {
  const server = Date.parse(date ?? '')
  if (Number.isNaN(server)) return 0
  const offset = Math.round(server + 500 - (sentAt + receivedAt) / 2)
  const error = (receivedAt - sentAt) / 2 + 1500
  const plausible = Math.abs(offset) < CENTURY * 1000
  return plausible && Math.abs(offset) > error ? offset : 0
}

/** Creates the `network` error of a request without a response. The message never holds a body. */
export function createUnreachableError(url: URL, error: unknown): DaypassError {
  return new DaypassError('network', `cannot reach ${url.host}: ${describeNetworkError(error)}`, {
    hint: chooseNetworkHint(error),
    cause: error,
  })
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'name lookup failed',
  ETIMEDOUT: 'timed out',
  UND_ERR_CONNECT_TIMEOUT: 'timed out',
  UND_ERR_SOCKET: 'connection closed',
  UND_ERR_HEADERS_TIMEOUT: 'timed out',
  TimeoutError: 'no answer within 15 s',
}

function* listCauses(error: unknown): Generator<Error & { code?: unknown }> {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) yield at
}

function describeNetworkError(error: unknown): string {
  for (const { name, code } of listCauses(error)) {
    const known = REASONS[String(code)] ?? REASONS[name]
    if (known) return known
  }
  const [deepest] = [...listCauses(error)].reverse()
  return sanitize(deepest?.message ?? error)
}

/** A certificate that is not valid now usually means that this machine's clock is wrong. */
function chooseNetworkHint(error: unknown): string {
  const has = (pattern: RegExp) => [...listCauses(error)].some(({ code }) => pattern.test(String(code)))
  if (has(/^CERT_(NOT_YET_VALID|HAS_EXPIRED)$/)) return 'set the clock of this machine, if it is wrong'
  if (has(/CERT|SELF_SIGNED|VERIFY/))
    return 'if your company inspects TLS, set NODE_EXTRA_CA_CERTS to its certificate'
  return 'check the network and HTTPS_PROXY, then try again'
}

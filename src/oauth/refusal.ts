import { formatDuration } from '../core/duration.ts'
import { DaypassError, type ErrorCode, type ErrorDetails, type Hint } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import type { ClientContext } from './server.ts'
import type { OAuthResponse } from './wire.ts'

/**
 * What an answer without tokens means.
 * - `dead`: the grant has ended; a person must log in.
 * - `passing`: transient (5xx, 429, RFC 6749's `temporarily_unavailable`); the grant is unchanged.
 * - `unclear`: 400 or 401 without a readable error code, or with an ambiguous one; seen for dead grants and
 *   for failing gateways.
 * - `refused`: the client, its scopes or its policy.
 */
export interface Refusal {
  kind: 'dead' | 'passing' | 'unclear' | 'refused'
  /** One line, safe to show. */
  message: string
  error: string | undefined
  /** What to do about it, where the error code tells more than `kind`. */
  hint?: string | undefined
  /** Milliseconds to wait before the next request. */
  retryAfter?: number | undefined
}

const TRANSIENT_CODES = new Set(['temporarily_unavailable', 'server_error', 'slow_down'])

/**
 * Classifies an unsuccessful answer. `invalidGrantCodes` are the provider's codes for a grant that has ended.
 */
export function classifyRefusal(
  answer: OAuthResponse,
  host: string,
  {
    invalidGrantCodes,
    ambiguousCodes = [],
    errorMessages = {},
  }: Pick<ClientContext, 'invalidGrantCodes' | 'ambiguousCodes' | 'errorMessages'>,
): Refusal {
  const { status, json, retryAfter } = answer
  const error = typeof json?.error === 'string' ? json.error : undefined
  // In league/oauth2-server, `hint` holds the essential part of a long description.
  const words = [json?.hint, json?.error_description ?? json?.message].filter(
    (one) => typeof one === 'string',
  )
  const said = `${host} answered ${sanitize([status, error, ...words].filter(Boolean).join(' '))}`
  const kind = classifyRefusalKind(status, error, invalidGrantCodes, ambiguousCodes)
  const known = error !== undefined && kind !== 'passing' && Object.hasOwn(errorMessages, error)
  const meaning = known ? errorMessages[error] : undefined
  const odd = kind === 'passing' && status < 400 ? ', which is not OAuth' : ''
  const message = meaning ? `${meaning.message} (${said})` : `${said}${odd}`
  const hint = meaning?.hint
  if (kind === 'passing') return { kind, message, error, retryAfter }
  return { kind, message, error, hint }
}

function classifyRefusalKind(
  status: number,
  error: string | undefined,
  invalidGrantCodes: readonly string[],
  ambiguousCodes: readonly string[],
): Refusal['kind'] {
  if (status >= 500 || status === 429 || status === 408) return 'passing'
  if (error !== undefined && TRANSIENT_CODES.has(error)) return 'passing'
  if (
    error !== undefined &&
    (invalidGrantCodes.includes(error) || invalidGrantCodes.includes(`${status} ${error}`))
  )
    return 'dead'
  if (error !== undefined && ambiguousCodes.includes(error)) return 'unclear'
  if (error !== undefined) return 'refused'
  if (status === 400 || status === 401) return 'unclear'
  return status >= 200 && status < 400 ? 'passing' : 'refused'
}

const CODES: Record<Refusal['kind'], ErrorCode> = {
  dead: 'login_required',
  unclear: 'login_required',
  passing: 'network',
  refused: 'refused',
}

/** These win over the caller's hint, because a new login does not help. */
const HINTS: Partial<Record<Refusal['kind'], Hint>> = {
  passing: 'that is the trouble of the server: try again in a while',
  refused: (command) =>
    `check the client id and the scopes: ${command({ verb: 'login', flags: ['--help'] })}`,
}

const formatRetryHint = ({ retryAfter }: Refusal) =>
  retryAfter === undefined
    ? undefined
    : `the server asks to be left alone: try again in ${formatDuration(retryAfter)}`

/** RFC 9449: the server requires a proof, or refused it. Some servers say so only in the description. */
const PROOF_WANTED = /dpop/i
const PROOF_HINT =
  'write dpop_bound_access_tokens: true into its configuration; where that stands already, set the clock of this machine'

/** Creates the error of a refusal. `otherwise` is the advice where the refusal itself gives none. */
export function createRefusalError(
  refusal: Refusal,
  otherwise?: Pick<ErrorDetails, 'advice' | 'hint'>,
): DaypassError {
  const hint =
    formatRetryHint(refusal) ??
    refusal.hint ??
    (PROOF_WANTED.test(refusal.message) ? PROOF_HINT : HINTS[refusal.kind])
  return new DaypassError(CODES[refusal.kind], refusal.message, hint ? { hint } : otherwise)
}

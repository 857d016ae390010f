/**
 * Every way a command can end badly, and the exit code of each. The only table of its kind: rooms throw a
 * code, `cli/main` looks the exit up here.
 */
export const EXIT = {
  /** A defect of ours. */
  unexpected: 1,
  /** `fetch`: the server has nothing against the identity, and refused the request: 404, 422. */
  request: 1,
  /** The call is wrong: an unknown flag, a missing argument. */
  usage: 2,
  /** `config.yaml` or a folder's `.daypass.yaml` is wrong. */
  configuration: 2,
  /** No such identity, provider, pending login or file. */
  not_found: 3,
  /** A person has to log in: none, expired, refused, revoked, timed out. */
  login_required: 4,
  /** Passing: the network or the server's own trouble. */
  network: 5,
  /** Passing: another process holds the identity. */
  lock: 5,
  /** Passing: the OS keychain did not answer, is locked, or is gone. */
  keychain: 5,
  /** The vault cannot be read or written. Never "not logged in". */
  vault: 5,
  /** No callback port could be bound. */
  port: 5,
  /** Policy, denied consent, permissions, an untrusted host, someone else signed in. */
  refused: 6,
  /** A login was started and waits to be finished. */
  pending: 8,
  /** `exec`: the program is there and cannot be run. As shells say it. */
  not_executable: 126,
  /** `exec`: there is no such program. */
  no_program: 127,
  /** The person cancelled. */
  cancelled: 130,
} as const

export type ErrorCode = keyof typeof EXIT

/** Codes after which the same call may succeed without anything being mended. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['network', 'lock', 'keychain', 'port'])

export interface ErrorDetails {
  /** The command to type next, or what to mend. One line. */
  hint?: string | undefined
  /** What was thrown underneath. Shown only with `DAYPASS_DEBUG=1`, after redaction. */
  cause?: unknown
  /** A login that nobody finished: the time was over, or the input ended. */
  unanswered?: boolean
}

/**
 * The one error daypass throws on purpose. `message` says what happened: one line, no period, never a secret.
 */
export class DaypassError extends Error {
  override readonly name = 'DaypassError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly unanswered: boolean

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.hint = details.hint
    this.unanswered = details.unanswered ?? false
  }

  get retryable(): boolean {
    return RETRYABLE.has(this.code)
  }
}

export function isDaypassError(error: unknown, code?: ErrorCode): error is DaypassError {
  return error instanceof DaypassError && (code === undefined || error.code === code)
}

/** The exit code of anything thrown. */
export function exitCode(error: unknown): number {
  return error instanceof DaypassError ? EXIT[error.code] : EXIT.unexpected
}

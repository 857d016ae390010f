/** Every error code, with its exit code. Other folders throw codes; `cli/main` finds the exit code here. */
export const EXIT = {
  /** A defect of daypass. */
  unexpected: 1,
  /** `fetch`: the server accepted the identity and refused the request, as with 404 and 422. */
  request: 1,
  /** The call is wrong: an unknown flag, a missing argument. */
  usage: 2,
  /** `config.yaml` or a folder's `.daypass.yaml` is wrong. */
  configuration: 2,
  /** No such identity, provider, pending login or file. */
  not_found: 3,
  /** A person must log in: there is no grant, or it is expired, refused, revoked or timed out. */
  login_required: 4,
  /** Transient: the network failed, or the server has a problem of its own. */
  network: 5,
  /** Transient: another process holds the lock of the identity. */
  lock: 5,
  /** Transient: the OS keychain did not answer, is locked, or is gone. */
  keychain: 5,
  /** The vault cannot be read or written. This never means "not logged in". */
  vault: 5,
  /** No callback port could be bound. */
  port: 5,
  /** A policy, denied consent, missing permissions, an untrusted host, or another account signed in. */
  refused: 6,
  /** A login was started and is not finished. */
  pending: 8,
  /** `exec`: the program exists and cannot be run. The number is that of shells. */
  not_executable: 126,
  /** `exec`: the program does not exist. */
  no_program: 127,
  /** The person cancelled. */
  cancelled: 130,
} as const

export type ErrorCode = keyof typeof EXIT

/** Codes after which the same call may succeed without a change. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['network', 'lock', 'keychain', 'port'])

/** The next command to type, as data. {@link FormatCommand} makes the text where it is shown. */
export interface Advice {
  /** `login`, `setup`, `config validate`. */
  verb: string
  /** Positional arguments before the identity: provider of `login`, tool of `setup`, URL of `fetch`. */
  args?: readonly string[]
  /** The identity as positional argument. A placeholder such as `NAME` where the person must choose one. */
  identity?: string | undefined
  /** Options after the identity, one word per item: `['--method', 'keys']`. */
  flags?: readonly string[]
}

/** Formats an advice as a command line. */
export type FormatCommand = (advice: Advice) => string

export const formatCommand: FormatCommand = ({ verb, args = [], identity, flags = [] }) =>
  ['daypass', verb, ...args, ...(identity === undefined ? [] : [identity]), ...flags].join(' ')

/** What to do next. A function where the text names commands: only `cli` knows how they are typed. */
export type Hint = string | ((command: FormatCommand) => string)

export interface ErrorDetails {
  /** The next command to type. It is the hint, unless `hint` is given too. */
  advice?: Advice | undefined
  /** The next command to type, or what to correct. One line. */
  hint?: Hint | undefined
  /** The underlying error. It is shown only with `DAYPASS_DEBUG=1`, after redaction. */
  cause?: unknown
  /** A login that was not finished: its time was over, or the input ended. */
  unanswered?: boolean
}

/** Recognizes errors of another copy of this package too. */
const BRAND = Symbol.for('daypass.DaypassError')

/** The error that daypass throws on purpose. `message`: one line, no period, never a secret. */
export class DaypassError extends Error {
  override readonly name = 'DaypassError'
  readonly [BRAND] = true
  readonly code: ErrorCode
  /** The first command that the hint names. */
  readonly advice: Advice | undefined
  readonly unanswered: boolean
  readonly #hint: Hint | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    const { advice, hint = advice && ((command: FormatCommand) => command(advice)) } = details
    this.#hint = hint
    this.advice = advice ?? findFirstAdvice(hint)
    this.unanswered = details.unanswered ?? false
  }

  /** The hint, with its commands written as daypass command lines. */
  get hint(): string | undefined {
    return this.hintWith(formatCommand)
  }

  /** Returns the hint with its commands written by `command`. */
  hintWith(command: FormatCommand): string | undefined {
    return typeof this.#hint === 'function' ? this.#hint(command) : this.#hint
  }

  /** Returns the same failure under another code. `hint` is used where this error has none. */
  as(code: ErrorCode, hint?: Hint): DaypassError {
    const { advice, unanswered } = this
    return new DaypassError(code, this.message, { advice, hint: this.#hint ?? hint, unanswered, cause: this })
  }

  get retryable(): boolean {
    return RETRYABLE.has(this.code)
  }
}

function findFirstAdvice(hint: Hint | undefined): Advice | undefined {
  if (typeof hint !== 'function') return undefined
  const named: Advice[] = []
  hint((advice) => {
    named.push(advice)
    return ''
  })
  return named[0]
}

export function isDaypassError(error: unknown, code?: ErrorCode): error is DaypassError {
  return (
    error instanceof Error && BRAND in error && (code === undefined || (error as DaypassError).code === code)
  )
}

/** Returns true for a record that is damaged, or refused because another user could have written it. */
export function isUnreadableRecord(error: unknown): error is DaypassError {
  return isDaypassError(error, 'vault') || isDaypassError(error, 'refused')
}

/** Returns the exit code of anything that was thrown. */
export function getExitCode(error: unknown): number {
  return isDaypassError(error) ? EXIT[error.code] : EXIT.unexpected
}

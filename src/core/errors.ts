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

/** A command to type next, as data. The words are made where it is shown, by a {@link FormatCommand}. */
export interface Advice {
  /** `login`, `setup`, `config validate`. */
  verb: string
  /** Positional arguments before the identity: the provider of `login`, the tool of `setup`, the URL of `fetch`. */
  args?: readonly string[]
  /** The identity by position. A word such as `NAME` where the person has to choose one. */
  identity?: string | undefined
  /** Options behind the identity, a word each: `['--method', 'keys']`. */
  flags?: readonly string[]
}

/** Writes an advice as the command line that a person types. */
export type FormatCommand = (advice: Advice) => string

export const formatCommand: FormatCommand = ({ verb, args = [], identity, flags = [] }) =>
  ['daypass', verb, ...args, ...(identity === undefined ? [] : [identity]), ...flags].join(' ')

/** What to do next, in words. A function where they name commands: only the place that shows it knows the program. */
export type Hint = string | ((command: FormatCommand) => string)

export interface ErrorDetails {
  /** The command to type next. The hint is that command, unless `hint` says more. */
  advice?: Advice | undefined
  /** The command to type next, or what to mend. One line. */
  hint?: Hint | undefined
  /** What was thrown underneath. Shown only with `DAYPASS_DEBUG=1`, after redaction. */
  cause?: unknown
  /** A login that nobody finished: the time was over, or the input ended. */
  unanswered?: boolean
}

/** Errors of another copy of this package are recognised, too. */
const BRAND = Symbol.for('daypass.DaypassError')

/**
 * The one error daypass throws on purpose. `message` says what happened: one line, no period, never a secret.
 */
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

  /** As the command line of daypass says it. */
  get hint(): string | undefined {
    return this.hintWith(formatCommand)
  }

  /** The hint, its commands written by `command`. */
  hintWith(command: FormatCommand): string | undefined {
    return typeof this.#hint === 'function' ? this.#hint(command) : this.#hint
  }

  /** The same failure under another code. `hint` is for an error that has none of its own. */
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

/** A record that is damaged, or that is refused because another user could have written it. */
export function isUnreadableRecord(error: unknown): error is DaypassError {
  return isDaypassError(error, 'vault') || isDaypassError(error, 'refused')
}

/** The exit code of anything thrown. */
export function getExitCode(error: unknown): number {
  return isDaypassError(error) ? EXIT[error.code] : EXIT.unexpected
}

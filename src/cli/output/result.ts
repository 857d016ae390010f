import type { Daypass } from '../../client/index.ts'
import type { LogoutOutcome } from '../../client/logout.ts'
import type { DaypassError } from '../../core/errors.ts'
import type { Host } from '../../core/types.ts'
import type { Paths } from '../../platform/paths.ts'
import type { Paint } from './text.ts'

/** The result of a command: text for stdout and exit code. Only `main` writes it. */
export interface CommandResult {
  out?: string
  /** `out` is for another program, which gets it byte for byte. Anything else is cleaned for a terminal. */
  isRaw?: boolean
  code?: number
  /** Runs after the text was written to stdout, and not where writing failed. */
  after?: () => void
  /** Bytes that are written as they arrive, instead of a text. */
  body?: AsyncIterable<Uint8Array>
  /** Reported after stdout has all of the output; it also sets the exit code. */
  error?: DaypassError
}

/** The context of every command. */
export interface CommandContext extends BareContext {
  daypass: Daypass
}

/** The context without the vault, for a verb that works with a wrong configuration. */
export interface BareContext {
  verb: string
  /** The program after `--`, without its arguments. */
  program?: string | undefined
  host: Host
  paths: Paths
  json: boolean
  verbose: boolean
  /** Paints for stdout, and `paintError` for stderr. */
  paint: Paint
  paintError: Paint
  signal: AbortSignal
}

/** Formats what happened and the next command to type, for a program that shows it within its own message. */
export const formatInOneLine = ({ message, hint }: DaypassError) =>
  [message, ...(hint ? [`next: ${hint.replaceAll('\n', ', ')}`] : [])].join('; ')

/** Builds what `--json` prints for a logout. */
export const buildLogoutJson = ({ identity, revocation, wasDefault }: LogoutOutcome) => ({
  name: identity,
  revocation: revocation.outcome,
  was_default: wasDefault,
})

export { formatJson } from '../../core/json.ts'

/** Writes a line to stderr with `-v`. */
export function explain({ host, verbose }: CommandContext, text: string): void {
  if (verbose) host.terminal.say(text)
}

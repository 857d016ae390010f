import type { Daypass } from '../../client/index.ts'
import type { LogoutOutcome } from '../../client/logout.ts'
import type { DaypassError } from '../../core/errors.ts'
import type { Host } from '../../core/types.ts'
import type { Paths } from '../../platform/paths.ts'
import type { Paint } from './text.ts'

/** What a command has to say: one text for stdout, and the exit code. Commands return; only `main` writes. */
export interface CommandResult {
  out?: string
  /** `out` is for another program, which gets it byte for byte. Anything else is cleaned for a terminal. */
  isRaw?: boolean
  code?: number
  /** Done when stdout has the text, and not where it could not be written. */
  after?: () => void
  /** Instead of a text: bytes, written as they come. */
  body?: AsyncIterable<Uint8Array>
  /** Said when stdout has all of it; the exit code is its. */
  error?: DaypassError
}

/** What every command is given. */
export interface CommandContext extends BareContext {
  daypass: Daypass
}

/** The same without the vault, for a verb that works when the configuration is wrong. */
export interface BareContext {
  verb: string
  /** What stands behind `--`, without its arguments. */
  program?: string | undefined
  host: Host
  paths: Paths
  /** `--json`. */
  json: boolean
  verbose: boolean
  /** Paints what goes to stdout, and to stderr. */
  paint: Paint
  paintError: Paint
  signal: AbortSignal
}

/** What happened and the next command to type, for a program that shows it within a message of its own. */
export const formatInOneLine = ({ message, hint }: DaypassError) =>
  [message, ...(hint ? [`next: ${hint.replaceAll('\n', ', ')}`] : [])].join('; ')

/** What a logout did, for `--json`. */
export const buildLogoutJson = ({ identity, revocation, wasDefault }: LogoutOutcome) => ({
  name: identity,
  revocation: revocation.outcome,
  was_default: wasDefault,
})

export { formatJson } from '../../core/json.ts'

/** A line to stderr, for `-v`. */
export function explain({ host, verbose }: CommandContext, text: string): void {
  if (verbose) host.terminal.say(text)
}

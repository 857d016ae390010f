import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { constants } from 'node:os'
import { DaypassError, type FormatCommand } from '../core/errors.ts'
import { startWithDumps } from './core-dump.ts'
import { forwardSignals } from './defer-signals.ts'

/** The terminal sends these to all foreground processes, the program included. */
const TERMINAL_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT']
/** Sent only to us, and meant for the program. */
const PROGRAM_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']

/**
 * Runs a program with our streams, terminal and signals. Resolves with the exit code that a shell would
 * report (128 + n after a signal). Throws `no_program` or `not_executable`.
 */
export async function runProgram(argv: readonly string[], env: Record<string, string>): Promise<number> {
  const [name = '', ...args] = argv
  let deliver: (signal: NodeJS.Signals) => void = () => undefined
  const release = interceptSignals((signal) => deliver(signal))
  try {
    return await new Promise<number>((resolve, reject) => {
      const child = startWithDumps(() => spawn(name, args, { env, stdio: 'inherit' }))
      child.on('error', (error) => reject(error))
      child.on('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : code!))
      deliver = (signal) => child.kill(signal)
    })
  } catch (error) {
    throw createStartError(name, error)
  } finally {
    release()
  }
}

/** Removes the other signal listeners meanwhile: they would end us before the program. */
function interceptSignals(deliver: (signal: NodeJS.Signals) => void): () => void {
  const passedOn = hasTerminal() ? PROGRAM_SIGNALS : [...PROGRAM_SIGNALS, ...TERMINAL_SIGNALS]
  const forwardSignal = (signal: NodeJS.Signals) => {
    if (passedOn.includes(signal)) deliver(signal)
  }
  return forwardSignals([...TERMINAL_SIGNALS, ...PROGRAM_SIGNALS], forwardSignal)
}

/** Returns whether there is a terminal. Without one, SIGINT was sent only to us and must be forwarded. */
function hasTerminal(): boolean {
  if (process.platform === 'win32') return true
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}

function createStartError(name: string, cause: unknown): DaypassError {
  const { code } = cause as NodeJS.ErrnoException
  const windows = process.platform === 'win32'
  const hint = windows
    ? (command: FormatCommand) =>
        `a .cmd or .bat wants its shell: ${command({ verb: 'exec', flags: ['--', 'cmd', '/c', 'NAME'] })}`
    : undefined
  const what = JSON.stringify(name)
  if (code === 'ENOENT' || name === '')
    return new DaypassError('no_program', `there is no program ${what}`, { hint, cause })
  return new DaypassError('not_executable', `${what} cannot be run (${code})`, { hint, cause })
}

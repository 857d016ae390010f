/** Turns argv into an exit code. It is the only place that writes to stdout and that ends the process. */
import { CommanderError } from 'commander'
import { DaypassError, EXIT, getExitCode } from '../core/errors.ts'
import { createDaypass } from '../index.ts'
import { omitMemoryFromDumps } from '../platform/core-dump.ts'
import { createNodeHost } from '../platform/node-host.ts'
import { resolvePaths } from '../platform/paths.ts'
import { CLOSED_PIPE_CODES, cleanForTerminal } from '../platform/terminal.ts'
import { createUsageError, normalizeArgv, splitCommand } from './argv.ts'
import { addCompletion } from './completion.ts'
import { type CommonFlags, resolveByApi } from './flags.ts'
import { formatErrorText } from './output/error.ts'
import type { BareContext, CommandResult } from './output/result.ts'
import { createPainter } from './output/text.ts'
import { createProgram } from './program.ts'
import type { Runner } from './runner.ts'

declare const DAYPASS_VERSION: string

/** Milliseconds. A login may have to wait until the person unlocks the keychain. */
const LOGIN_KEYCHAIN_TIMEOUT = 60_000

/** Runs the program. `earlyError` is the error that the fast path has already met. */
export async function main(argv: readonly string[], earlyError?: DaypassError): Promise<never> {
  omitMemoryFromDumps()
  const { words, command } = splitCommand(normalizeArgv(argv))
  handleCrashes(words)
  if (earlyError) return exitWithError(earlyError, words)
  const cancel = handleSignals()
  let answer: CommandResult = {}
  const runner = createRunner(cancel.signal, command, (given) => {
    answer = given
  })
  const root = createProgram(runner)
  for (const verb of [root, ...root.commands, ...root.commands.flatMap((each) => each.commands)]) {
    verb.exitOverride().configureOutput({ outputError: () => undefined, writeErr: () => undefined })
  }
  try {
    await addCompletion(root, words)
    await root.parseAsync(words, { from: 'user' })
    // Cancelled during work that cannot be interrupted: discard the result.
    cancel.signal.throwIfAborted()
    if (answer.body) await streamToStdout(answer.body)
    if (answer.error) throw answer.error
    return await exitWithResult(answer, answer.code ?? 0)
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitWithResult({}, 0)
    // Some keychains block the whole process, so a pending signal is handled first.
    await new Promise((resolve) => setImmediate(resolve))
    const ours = error instanceof CommanderError ? createUsageError(error, root, words) : error
    return exitWithError(cancel.signal.aborted ? cancel.signal.reason : ours, words)
  }
}

/** Prints a crash without properties: an error may hold the whole answer of a server. */
function handleCrashes(words: readonly string[]): void {
  let crashed = false
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error: unknown) => {
      // Reporting the crash failed, as on a full disk.
      if (crashed) process.exit(EXIT.unexpected)
      crashed = true
      void exitWithError(error, words)
    })
  }
}

/** Ends the work on Ctrl-C and similar signals; work that does not listen ends soon after. */
function handleSignals(): AbortController {
  const cancel = new AbortController()
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => {
      cancel.abort(new DaypassError('cancelled', 'cancelled'))
      setTimeout(() => process.exit(code), 1000).unref()
    })
  }
  return cancel
}

function createRunner(
  signal: AbortSignal,
  command: readonly string[] | undefined,
  keep: (answer: CommandResult) => void,
): Runner {
  const { env, stdin, stdout, stderr } = process
  const buildCommandHost = ({ quiet = false, input = true }: CommonFlags) =>
    createNodeHost({ env, stdin, stderr, quiet, noInput: !input, signal })
  const worldOf = (flags: CommonFlags, verb: string): BareContext => ({
    verb,
    program: command?.[0],
    host: buildCommandHost(flags),
    paths: resolvePaths(env, process.platform),
    json: flags.json ?? false,
    verbose: flags.verbose ?? false,
    signal,
    paint: createPainter(stdout, env),
    paintError: createPainter(stderr, env),
  })
  return {
    version: DAYPASS_VERSION,
    ...(command && { command }),
    async run(flags, verb, work) {
      const world = worldOf(flags, verb)
      const { host } = world
      const patient = verb === 'login' && host.terminal.interactive
      const onSlow = () => host.terminal.say('The keychain of this system may be asking for its password.')
      const keychain = patient ? { limit: LOGIN_KEYCHAIN_TIMEOUT, onSlow } : undefined
      const daypass = createDaypass({ host, environment: true, ...(keychain && { keychain }) })
      // For `login` the flag is also a parameter, and its identity may not exist yet.
      if (verb !== 'login') await resolveByApi(flags, daypass)
      keep(await raceCancellation(work({ ...world, daypass }), signal))
    },
    async runBare(flags, verb, work) {
      keep(await work(worldOf(flags, verb)))
    },
  }
}

/** Rejects 500 ms after the signal. Verbs with cleanup listen to the signal themselves and end in time. */
async function raceCancellation<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const grace = 500
  let timer: NodeJS.Timeout | undefined
  const cancelled = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      timer = setTimeout(() => reject(signal.reason), grace)
    })
  })
  return Promise.race([work, cancelled]).finally(() => clearTimeout(timer))
}

/** Verbs that other programs call, which show our messages within their own. */
const PROTOCOL_VERBS: ReadonlySet<string> = new Set([
  'credential-process',
  'git-credential',
  'docker-credential',
  'kube-credential',
])

async function exitWithError(error: unknown, words: readonly string[]): Promise<never> {
  // Shows the cursor again: a picker that was ended by a signal has hidden it.
  if (process.stderr.isTTY) process.stderr.write('\u001b[?25h')
  const debug = Boolean(process.env.DAYPASS_DEBUG) && process.env.DAYPASS_DEBUG !== '0'
  const paint = createPainter(process.stderr, process.env)
  const oneLine = PROTOCOL_VERBS.has(words[0] ?? '')
  await writeToStream(process.stderr, formatErrorText(error, words.includes('--json'), debug, paint, oneLine))
  return exitWithResult({}, getExitCode(error))
}

/** Writes all output and then ends the process, even where a stuck keychain keeps it open. */
async function exitWithResult({ out, isRaw, after }: CommandResult, code: number): Promise<never> {
  // The callback of the write below reports the error.
  process.stdout.on('error', () => undefined)
  const text = out === undefined || isRaw ? out : cleanForTerminal(out)
  const failure = text === undefined ? undefined : await writeToStream(process.stdout, `${text}\n`)
  if (!failure) after?.()
  // A closed pipe is an error only if `after` should have run.
  const lost = failure && (after || !CLOSED_PIPE_CODES.has(failure.code ?? ''))
  if (lost)
    await writeToStream(
      process.stderr,
      formatErrorText(createWriteError(failure), false, false, (_, text) => text),
    )
  await Promise.all([drainStream(process.stdout), drainStream(process.stderr)])
  process.exit(lost ? EXIT.vault : code)
}

/** Writes as fast as the reader takes it. A closed pipe ends the writing without an error. */
async function streamToStdout(body: AsyncIterable<Uint8Array>): Promise<void> {
  process.stdout.on('error', () => undefined)
  for await (const chunk of body) {
    const failure = await writeToStream(process.stdout, chunk)
    if (!failure) continue
    if (CLOSED_PIPE_CODES.has(failure.code ?? '')) return
    throw createWriteError(failure)
  }
}

const writeToStream = (stream: NodeJS.WriteStream, text: string | Uint8Array) =>
  new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    stream.write(text, (error) => resolve(error ?? undefined))
  })

const createWriteError = ({ code }: NodeJS.ErrnoException) =>
  new DaypassError('vault', `the answer could not be written (${code})`)

const drainStream = (stream: NodeJS.WriteStream) =>
  stream.writableLength === 0 ? undefined : writeToStream(stream, '')

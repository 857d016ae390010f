/** argv in, exit code out. The only place that writes to stdout, and the only one that ends the process. */
import { CommanderError } from 'commander'
import { DaypassError, EXIT, getExitCode } from '../core/errors.ts'
import { createDaypass } from '../index.ts'
import { createNodeHost } from '../platform/node-host.ts'
import { resolvePaths } from '../platform/paths.ts'
import { CLOSED_PIPE_CODES } from '../platform/terminal.ts'
import { createUsageError, normalizeArgv, splitCommand } from './argv.ts'
import { addCompletion } from './completion.ts'
import { type CommonFlags, resolveByApi } from './flags.ts'
import { formatErrorText } from './output/error.ts'
import type { BareContext, CommandResult } from './output/result.ts'
import { createPainter } from './output/text.ts'
import { createProgram } from './program.ts'
import type { Runner } from './runner.ts'

declare const DAYPASS_VERSION: string

/** A login may have to wait for the person to unlock the keychain. */
const LOGIN_KEYCHAIN_TIMEOUT = 60_000

/** `met` is the error that the fast path met already. */
export async function main(argv: readonly string[], earlyError?: DaypassError): Promise<never> {
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
    // What could not be interrupted went well, and still nobody wants to see it.
    cancel.signal.throwIfAborted()
    if (answer.body) await streamToStdout(answer.body)
    if (answer.error) throw answer.error
    return await exitWithResult(answer.out, answer.code ?? 0, answer.after)
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitWithResult(undefined, 0)
    // Some keychains block the whole process: a signal that came meanwhile is heard first.
    await new Promise((resolve) => setImmediate(resolve))
    const ours = error instanceof CommanderError ? createUsageError(error, root, words) : error
    return exitWithError(cancel.signal.aborted ? cancel.signal.reason : ours, words)
  }
}

/** Node would show an error with all its properties, and a library's may carry the whole answer of a server. */
function handleCrashes(words: readonly string[]): void {
  let crashed = false
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error: unknown) => {
      // Where not even that can be said, as on a full disk.
      if (crashed) process.exit(EXIT.unexpected)
      crashed = true
      void exitWithError(error, words)
    })
  }
}

/** Ctrl-C and its kin end what is going on in an orderly way; whatever does not listen is ended a moment later. */
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
      // At a login it is a parameter, too, and may name what is not there yet.
      if (verb !== 'login') await resolveByApi(flags, daypass)
      keep(await raceCancellation(work({ ...world, daypass }), signal))
    },
    async runBare(flags, verb, work) {
      keep(await work(worldOf(flags, verb)))
    },
  }
}

/** Most verbs have nothing to tidy up; those that do listen to the signal themselves and end in time. */
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

/** What other programs call, which show what we say within their own words. */
const PROTOCOL_VERBS: ReadonlySet<string> = new Set([
  'credential-process',
  'git-credential',
  'docker-credential',
  'kube-credential',
])

async function exitWithError(error: unknown, words: readonly string[]): Promise<never> {
  // A picker that a signal ended could not show it again.
  if (process.stderr.isTTY) process.stderr.write('\u001b[?25h')
  const debug = Boolean(process.env.DAYPASS_DEBUG) && process.env.DAYPASS_DEBUG !== '0'
  const paint = createPainter(process.stderr, process.env)
  const oneLine = PROTOCOL_VERBS.has(words[0] ?? '')
  await writeToStream(process.stderr, formatErrorText(error, words.includes('--json'), debug, paint, oneLine))
  return exitWithResult(undefined, getExitCode(error))
}

/** Everything said is written before the process ends, which it does whatever a stuck keychain still holds open. */
async function exitWithResult(out: string | undefined, code: number, after?: () => void): Promise<never> {
  // Told by the callback of the write below.
  process.stdout.on('error', () => undefined)
  const failure = out === undefined ? undefined : await writeToStream(process.stdout, `${out}\n`)
  if (!failure) after?.()
  // A reader that has gone is nobody's loss, unless something was to come after it.
  const lost = failure && (after || !CLOSED_PIPE_CODES.has(failure.code ?? ''))
  if (lost)
    await writeToStream(
      process.stderr,
      formatErrorText(createWriteError(failure), false, false, (_, text) => text),
    )
  await Promise.all([drainStream(process.stdout), drainStream(process.stderr)])
  process.exit(lost ? EXIT.vault : code)
}

/** As fast as the reader takes it. Where the reader has gone, the rest is nobody's loss. */
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

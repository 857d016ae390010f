import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')

/** What `daypass` is: run with the Node that runs the test. */
export const CLI = join(ROOT, 'dist/cli.cjs')

/** For `$BROWSER`: signs in and consents without a screen. See its head for what it reads. */
export const BROWSER = join(ROOT, 'test/kit/browser.mjs')

export interface RunOptions {
  /** All of standard input; default: nothing, ended at once. */
  input?: string | Buffer
  /** Added to the sandbox's environment; `undefined` takes a variable away. */
  env?: Record<string, string | undefined>
  cwd?: string
  /** Milliseconds until SIGKILL. Default 20 s. */
  timeout?: number
  /** Instead of `daypass`: a program and its first arguments. */
  program?: readonly string[]
}

export interface Result {
  /** Null where a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

interface Running {
  pid: number
  stdout(): string
  stderr(): string
  /** Resolves with the match as soon as either stream shows it; rejects when the program ends or time is over. */
  waitFor(pattern: RegExp, milliseconds?: number): Promise<RegExpExecArray>
  write(text: string): void
  endInput(): void
  kill(signal?: NodeJS.Signals): void
  ended: Promise<Result>
}

export interface Sandbox {
  /** HOME; below it `DAYPASS_HOME`, and nothing else. */
  home: string
  daypassHome: string
  env: Record<string, string>
  run(args: readonly string[], options?: RunOptions): Promise<Result>
  start(args: readonly string[], options?: RunOptions): Running
  /** Ends what still runs and removes the folder. */
  remove(): Promise<void>
}

/**
 * Nothing of the real environment but what programs need to be found and to speak: no CI, BROWSER, DISPLAY, SSH,
 * proxy or credential. This Node comes first on the PATH, so that scripts run with it too.
 */
function cleanEnvironment(home: string): Record<string, string> {
  return {
    PATH: [dirname(process.execPath), process.env.PATH ?? '/usr/bin:/bin'].join(delimiter),
    HOME: home,
    TMPDIR: join(home, 'tmp'),
    DAYPASS_HOME: join(home, 'daypass'),
    DAYPASS_STORE: 'file',
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    ...(process.platform === 'win32' ? { SystemRoot: process.env.SystemRoot ?? '' } : {}),
  }
}

function merged(base: Record<string, string>, more: RunOptions['env'] = {}): Record<string, string> {
  const entries = Object.entries({ ...base, ...more })
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function launch(args: readonly string[], env: Record<string, string>, options: RunOptions, home: string) {
  if (options.program === undefined && !existsSync(CLI)) {
    throw new Error('dist/cli.cjs is missing: npm run build:cli')
  }
  const [program = '', ...first] = options.program ?? [process.execPath, CLI]
  const spawned = { cwd: options.cwd ?? home, env: merged(env, options.env) }
  return spawn(program, [...first, ...args], { ...spawned, stdio: 'pipe' })
}

function follow(child: ReturnType<typeof launch>, timeout: number): Running {
  const text = { stdout: '', stderr: '' }
  const watchers = new Set<() => void>()
  const limit = setTimeout(() => child.kill('SIGKILL'), timeout)
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk
      for (const look of watchers) look()
    })
  }
  // A child that ends without reading its input is no failure of the test's.
  child.stdin.on('error', () => {})
  const ended = new Promise<Result>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(limit)
      resolve({ code, signal, ...text })
    })
  })
  ended.catch(() => clearTimeout(limit))
  return {
    pid: child.pid ?? 0,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    waitFor: (pattern, milliseconds = 60_000) => waitFor(pattern, milliseconds, text, watchers, ended),
    write: (input) => void child.stdin.write(input),
    endInput: () => void child.stdin.end(),
    kill: (signal = 'SIGTERM') => void child.kill(signal),
    ended,
  }
}

function waitFor(
  pattern: RegExp,
  milliseconds: number,
  text: { stdout: string; stderr: string },
  watchers: Set<() => void>,
  ended: Promise<Result>,
): Promise<RegExpExecArray> {
  const seen = () => pattern.exec(text.stderr) ?? pattern.exec(text.stdout)
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      settle(() => reject(new Error(`${pattern}: ${why}\nstdout: ${text.stdout}\nstderr: ${text.stderr}`)))
    const limit = setTimeout(() => fail(`not seen within ${milliseconds} ms`), milliseconds)
    const look = () => {
      const match = seen()
      if (match) settle(() => resolve(match))
    }
    function settle(then: () => void) {
      clearTimeout(limit)
      watchers.delete(look)
      then()
    }
    watchers.add(look)
    look()
    ended.then(
      ({ code, signal }) => fail(`the program ended (${code ?? signal})`),
      (error: Error) => fail(error.message),
    )
  })
}

/** A home of its own for `daypass`, under the system's temporary folder. */
export function sandbox(env: RunOptions['env'] = {}): Sandbox {
  // On macOS the temporary folder is reached by a link, and programs name the place itself.
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'daypass-test-')))
  const base = merged(cleanEnvironment(home), env)
  mkdirSync(join(home, 'tmp'))
  const children = new Set<ChildProcess>()

  function start(args: readonly string[], options: RunOptions = {}): Running {
    const child = launch(args, base, options, home)
    children.add(child)
    child.on('close', () => children.delete(child))
    return follow(child, options.timeout ?? 60_000)
  }

  function run(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    const running = start(args, options)
    if (options.input !== undefined) running.write(options.input.toString())
    running.endInput()
    return running.ended
  }

  async function remove(): Promise<void> {
    const ends = [...children].map((child) => new Promise((done) => child.on('close', done)))
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(ends)
    // A browser that was started may still write there for a moment.
    rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }

  return { home, daypassHome: join(home, 'daypass'), env: base, run, start, remove }
}

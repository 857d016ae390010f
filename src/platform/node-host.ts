import type { Host } from '../core/types.ts'
import { deferSignals } from './defer-signals.ts'
import type { Input } from './read-secret.ts'
import { detectRuntimeEnvironment } from './runtime-environment.ts'
import { createNodeTerminal, type Output } from './terminal.ts'

export interface NodeHostOptions {
  env: Readonly<Record<string, string | undefined>>
  stdin: Input
  stderr: Output
  noInput?: boolean
  quiet?: boolean
  /** Overrides what the streams report. A terminal is still needed to ask a question. */
  interactive?: boolean
  platform?: NodeJS.Platform
  /** Aborted when the person cancels: work that cannot be interrupted must not start any more. */
  signal?: AbortSignal
}

/** Creates the outside world of a Node process. Rare parts are loaded on first use. */
export function createNodeHost(options: NodeHostOptions): Host {
  const { env, stdin, stderr, noInput = false, quiet = false } = options
  const platform = options.platform ?? process.platform
  const terminals = stdin.isTTY === true && stderr.isTTY === true
  const interactive = (options.interactive ?? terminals) && !noInput
  const color = stderr.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  const detectEnvironment = () => detectRuntimeEnvironment({ env, platform, interactive, files: systemFiles })
  return {
    env,
    now: Date.now,
    sleep,
    detectRuntimeEnvironment: detectEnvironment,
    async deferSignals(work) {
      options.signal?.throwIfAborted()
      return deferSignals(work)
    },
    terminal: createNodeTerminal({ stdin, stderr, interactive, noInput, quiet, color }),
    fetch: createLazyFetch(env),
    async openBrowser(url, command) {
      const { openBrowser } = await import('./browser.ts')
      return openBrowser(url, { command, env, platform, wsl: detectEnvironment().wsl })
    },
    async listen(where, handle) {
      const { listenOnLoopback } = await import('./listen.ts')
      return listenOnLoopback(where, handle)
    },
  }
}

function createLazyFetch(env: NodeHostOptions['env']): Host['fetch'] {
  let ready: Promise<Host['fetch']> | undefined
  return async (input, init) => {
    ready ??= import('./proxy-fetch.ts').then(({ createProxyFetch }) => createProxyFetch(env))
    return (await ready)(input, init)
  }
}

const systemFiles = {
  exists: (path: string) => process.getBuiltinModule('node:fs').existsSync(path),
  read(path: string) {
    try {
      return process.getBuiltinModule('node:fs').readFileSync(path, 'utf8')
    } catch {
      return undefined
    }
  },
}

/** Milliseconds. A timer with a longer delay fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1

function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      },
      Math.min(milliseconds, LONGEST_TIMER),
    )
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

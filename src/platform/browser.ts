import { dirname } from 'node:path'
import { parseBrowserCommand, parseBrowserList } from './browser-list.ts'
import { startWithDumps } from './core-dump.ts'
import type { Argv, OpenOptions } from './opener.ts'
import { isBrowserRefused } from './runtime-environment.ts'
import { listSystemOpeners } from './system-openers.ts'
import { vetUrl } from './vet-url.ts'

const OPEN_TIMEOUT = 2_000

/**
 * Opens the URL in a browser. Returns true when an opener took it: it ended well, or still runs after 2 s.
 * Uses no shell, and returns false for a URL that does not pass {@link vetUrl}.
 */
export async function openBrowser(url: string, options: OpenOptions): Promise<boolean> {
  const href = vetUrl(url)
  if (href === undefined) return false
  for (const argv of listOpeners(href, options)) {
    if (await startOpener(argv, options.env)) return true
  }
  return false
}

function listOpeners(href: string, options: OpenOptions): Argv[] {
  const { command, env } = options
  if (command !== undefined)
    return isBrowserRefused({ BROWSER: command }) ? [] : parseBrowserCommand(command, href, options)
  if (isBrowserRefused(env)) return []
  const stated = env.BROWSER === undefined ? [] : parseBrowserList(env.BROWSER, href, options)
  return [...stated, ...listSystemOpeners(href, options)]
}

async function startOpener([program, ...args]: Argv, env: OpenOptions['env']): Promise<boolean> {
  const { spawn } = await import('node:child_process')
  return new Promise((resolve) => {
    const options = {
      // Own process group and no terminal: our Ctrl-C does not close the person's browser.
      detached: true,
      stdio: 'ignore',
      shell: false,
      windowsHide: true,
      // Windows looks for libraries in the current folder, which may be an untrusted checkout.
      cwd: dirname(program),
      env: env as NodeJS.ProcessEnv,
    } as const
    const child = startWithDumps(() => spawn(program, args, options))
    const settle = (took: boolean) => {
      clearTimeout(timer)
      child.removeAllListeners('exit')
      resolve(took)
    }
    const timer = setTimeout(() => settle(true), OPEN_TIMEOUT)
    child.on('error', () => settle(false))
    child.once('exit', (code) => settle(code === 0))
    child.unref()
  })
}

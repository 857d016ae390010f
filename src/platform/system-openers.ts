import { findProgram } from './find-program.ts'
import type { Argv, OpenOptions } from './opener.ts'

const LINUX = ['xdg-open', 'sensible-browser', 'x-www-browser']

/** Where WSL mounts Windows' disk unless `/etc/wsl.conf` differs. */
const WSL_SYSTEM_FOLDER = '/mnt/c/Windows/System32'

/** Lists the installed openers of the system for a URL, best first. `href` is vetted. */
export function listSystemOpeners(href: string, options: OpenOptions): Argv[] {
  const keepExisting = (candidates: readonly Argv[]) =>
    candidates.flatMap(([name, ...rest]): Argv[] => {
      const program = findProgram(name, options)
      return program === undefined ? [] : [[program, ...rest]]
    })
  if (options.platform === 'darwin') return keepExisting([['/usr/bin/open', href]])
  if (options.platform === 'win32') return keepExisting([buildWindowsOpener(options.env, href)])
  const linux = LINUX.map((name): Argv => [name, href])
  return keepExisting(options.wsl ? [...buildWslOpeners(href), ...linux] : linux)
}

function buildWindowsOpener(env: OpenOptions['env'], href: string): Argv {
  const root = env.SystemRoot ?? env.SYSTEMROOT ?? env.windir ?? 'C:\\Windows'
  return [`${root}\\System32\\rundll32.exe`, 'url.dll,FileProtocolHandler', href]
}

function buildWslOpeners(href: string): Argv[] {
  return [
    ['wslview', href],
    [`${WSL_SYSTEM_FOLDER}/rundll32.exe`, 'url.dll,FileProtocolHandler', href],
    [
      `${WSL_SYSTEM_FOLDER}/WindowsPowerShell/v1.0/powershell.exe`,
      '-NoProfile',
      '-NonInteractive',
      '-EncodedCommand',
      encodePowershell(`Start-Process '${href}'`),
    ],
  ]
}

/** Encodes as Base64 of UTF-16LE, which needs no quoting. A vetted URL holds no quote of any kind. */
function encodePowershell(script: string): string {
  return Buffer.from(script, 'utf16le').toString('base64')
}

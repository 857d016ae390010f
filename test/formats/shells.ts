import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { EnvFormat } from '../../src/formats/env.ts'

/** A shell, and how somebody who uses it takes in what `daypass env` printed into `text`. */
export interface Shell {
  format: Exclude<EnvFormat, 'github'>
  program: string
  args(text: string, print: string): string[]
  file: string
}

const node = process.execPath
const posix = (...first: string[]) => ({
  format: 'bash' as const,
  file: 'text',
  args: (text: string, print: string) => [
    ...first,
    '-c',
    `eval "$(cat '${text}')"; exec '${node}' '${print}'`,
  ],
})

export const SHELLS: Record<string, Shell> = {
  bash: { program: 'bash', ...posix('--norc') },
  'bash in its POSIX mode': { program: 'bash', ...posix('--posix') },
  sh: { program: 'sh', ...posix() },
  dash: { program: 'dash', ...posix() },
  zsh: { program: 'zsh', ...posix('-f') },
  'busybox sh': { program: 'busybox', ...posix('sh') },
  ksh93: { program: 'ksh93', ...posix() },
  mksh: { program: 'mksh', ...posix() },
  posh: { program: 'posh', ...posix() },
  yash: { program: 'yash', ...posix('--norcfile') },
  'zsh with rc_quotes': { program: 'zsh', ...posix('-f', '-o', 'rc_quotes') },
  fish: {
    program: 'fish',
    format: 'fish',
    file: 'text',
    args: (text, print) => ['--no-config', '-c', `cat '${text}' | source; exec '${node}' '${print}'`],
  },
  nu: {
    program: 'nu',
    format: 'nu',
    file: 'text.nu',
    args: (text, print) => ['-n', '-c', `source '${text}'; ^'${node}' '${print}'`],
  },
  powershell: {
    program: 'pwsh',
    format: 'powershell',
    file: 'text.ps1',
    args: (text, print) => [
      '-NoProfile',
      '-NonInteractive',
      '-Command',
      `Get-Content -Encoding utf8 '${text}' | Out-String | Invoke-Expression; & '${node}' '${print}'`,
    ],
  },
}

/** Runs shells in a folder of their own, and says what environment their programs have. */
export function shellRunner() {
  const folder = mkdtempSync(join(tmpdir(), 'daypass-shells-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const print = join(folder, 'print.cjs')
  const printed = join(folder, 'printed.json')
  writeFileSync(print, `require('node:fs').writeFileSync(process.env.PRINTED, JSON.stringify(process.env))`)
  return (shell: Shell, text: string, env: Record<string, string> = {}): Record<string, string> => {
    const path = join(folder, shell.file)
    writeFileSync(path, `${text}\n`)
    rmSync(printed, { force: true })
    const { PATH } = process.env
    const { stderr, status } = spawnSync(shell.program, shell.args(path, print), {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH, HOME: folder, LANG: 'C.UTF-8', PRINTED: printed, ...env },
    })
    if (status !== 0 || stderr !== '') throw new Error(`${shell.program} (${status}): ${stderr}\n${text}`)
    return JSON.parse(process.getBuiltinModule('node:fs').readFileSync(printed, 'utf8'))
  }
}

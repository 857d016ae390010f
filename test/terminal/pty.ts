import { type IPty, spawn } from '@lydell/node-pty'
import { onTestFinished } from 'vitest'
import { CLI, type Sandbox } from '../kit/cli.ts'

export interface Screen {
  pty: IPty
  /** All that was written to the terminal. */
  text(): string
  until(pattern: RegExp | string, milliseconds?: number): Promise<RegExpExecArray>
  /** Resolves when the program has ended and the terminal was looked at. */
  ended(): Promise<{ code: number; said: string }>
}

export interface ScreenOptions {
  env?: Record<string, string>
  /** A shell's line instead of `daypass` and its words; `$DAYPASS` is the program. */
  line?: string
  columns?: number
}

/**
 * `daypass` in a terminal of its own, and afterwards what `stty` says of that same terminal. The shell stays: what
 * the last program of a terminal wrote may be lost with it.
 */
export function screen(one: Sandbox, args: readonly string[], options: ScreenOptions = {}): Screen {
  const line = options.line ?? `"$NODE" "$CLI" ${args.map((word) => `'${word}'`).join(' ')}`
  const env = { ...one.env, TERM: 'xterm-256color', NODE: process.execPath, CLI, ...options.env }
  const pty = spawn(
    '/bin/sh',
    ['-c', `trap : INT; ${line}\necho "EXIT=$?"; stty -a; echo FINISHED; exec cat`],
    {
      env,
      cwd: one.home,
      cols: options.columns ?? 400,
      rows: 40,
    },
  )
  onTestFinished(() => pty.kill('SIGKILL'))
  let seen = ''
  const watchers = new Set<() => void>()
  pty.onData((data) => {
    seen += data
    for (const look of watchers) look()
  })
  const until = (wanted: RegExp | string, milliseconds = 60_000) => {
    const pattern =
      typeof wanted === 'string' ? new RegExp(wanted.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')) : wanted
    return new Promise<RegExpExecArray>((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new Error(`never saw ${pattern} in ${JSON.stringify(seen)}`)),
        milliseconds,
      )
      const look = () => {
        const found = pattern.exec(seen)
        if (!found) return
        clearTimeout(limit)
        watchers.delete(look)
        resolve(found)
      }
      watchers.add(look)
      look()
    })
  }
  return {
    pty,
    text: () => seen,
    until,
    async ended() {
      await until(/FINISHED\r\n$/)
      const [said = '', rest = ''] = seen.split(/EXIT=(?=\d+\r\n)/)
      return { code: Number.parseInt(rest, 10), said }
    },
  }
}

/** What is wrong with the terminal now; nothing, if all is well. */
export function insane(text: string): string[] {
  const stty = text.slice(text.lastIndexOf('EXIT='))
  const last = (code: string) => text.lastIndexOf(`\u001b[?${code}`)
  return [
    ...['icanon', 'echo', 'isig', 'icrnl', 'opost'].filter(
      (flag) => !new RegExp(`(^|\\s)${flag}\\b`).test(stty),
    ),
    ...(last('2004h') > last('2004l') ? ['bracketed paste is on'] : []),
    ...(last('25l') > last('25h') ? ['the cursor is hidden'] : []),
  ]
}

export const CTRL_C = '\u0003'
export const PASTE_ON = '\u001b[?2004h'
/** Text as a terminal hands a paste to a program that asked for brackets. */
export const pasted = (text: string) => `\u001b[200~${text}\u001b[201~`

import { randomUUID } from 'node:crypto'
import { DaypassError } from '../core/errors.ts'
import { cleanLines, hidePasswords } from '../core/text.ts'
import type { Terminal } from '../core/types.ts'
import { type Input, readHidden, readLine } from './read-secret.ts'
import { createSpinner } from './spinner.ts'

export type Output = NodeJS.WritableStream & { isTTY?: boolean }

export interface TerminalOptions {
  stdin: Input
  stderr: Output
  /** stdin and stderr are terminals, and `--no-input` is absent. */
  interactive: boolean
  /** `--no-input`: never read a terminal, even for a text. A pipe is read. */
  noInput?: boolean
  quiet?: boolean
  color?: boolean
}

let ownEscape: string | undefined

/**
 * Our own colours: `style` writes them around the cleaned text. Until {@link cleanForTerminal} has seen the whole, their
 * escape character is written as something that no other program can know.
 */
export function paintOwn(text: string, style: (clean: string) => string): string {
  ownEscape ??= randomUUID()
  return style(cleanLines(text)).replaceAll('\u001b', ownEscape)
}

/** The one door to a terminal: of all escape sequences, those of {@link paintOwn} alone are let through. */
export function cleanForTerminal(text: string): string {
  const clean = cleanLines(text)
  return ownEscape === undefined ? clean : clean.replaceAll(ownEscape, '\u001b')
}

/** Creates the terminal of the person, over stdin and stderr. */
export function createNodeTerminal(options: TerminalOptions): Terminal {
  const { stdin, stderr, quiet = false, color = false } = options
  const onTerminal = stderr.isTTY === true
  // Checked here because clack's prompts never settle without a terminal.
  const interactive = options.interactive && stdin.isTTY === true && onTerminal
  const writeText = (text: string) => void stderr.write(text)
  const paint = (code: number, text: string) => (color ? `\u001b[${code}m${text}\u001b[39m` : text)
  const spin = createSpinner(writeText, (frame) => paint(36, frame))
  forgiveClosedPipe(stderr)
  let openPrompt = ''
  /** A line that comes while something is asked stands above the prompt. */
  const writeLine = (text: string) =>
    spin.around(() => writeText(openPrompt === '' ? `${text}\n` : `\n${text}\n${openPrompt}`))

  return {
    interactive,
    say(text) {
      if (!quiet) writeLine(cleanForTerminal(hidePasswords(text)))
    },
    warn(text) {
      const line = cleanForTerminal(hidePasswords(text).replace(/[\r\n]+/g, ' '))
      writeLine(`${paint(33, '!')} ${line}`)
    },
    busy: (label) => (onTerminal && interactive && !quiet ? spin.start(cleanLines(label)) : () => undefined),
    async readSecret(prompt, signal) {
      if (stdin.isTTY !== true) return readLine({ stdin, signal })
      if (options.noInput) return undefined
      const release = spin.hold()
      const cleaned = cleanForTerminal(prompt)
      if (onTerminal && !signal?.aborted) writeText(cleaned)
      if (onTerminal) openPrompt = cleaned
      const hidden = onTerminal ? writeText : () => undefined
      return readHidden({ stdin, write: hidden, signal }).finally(() => {
        openPrompt = ''
        release()
      })
    },
    async choose(question, choices) {
      const { select } = await loadPrompts(interactive)
      const shown = choices.map(({ value, label, hint }) =>
        hint === undefined
          ? { value, label: cleanLines(label) }
          : { value, label: cleanLines(label), hint: cleanLines(hint) },
      )
      return askPrompt(spin.hold(), stdin, () =>
        // clack's option type depends on T in a way that a generic T cannot show.
        select({
          message: cleanLines(question),
          options: shown as never,
          input: stdin as never,
          output: stderr as never,
        }),
      ) as never
    },
    async confirm(question) {
      const { confirm } = await loadPrompts(interactive)
      return askPrompt(spin.hold(), stdin, () =>
        confirm({
          message: cleanLines(question),
          initialValue: false,
          input: stdin as never,
          output: stderr as never,
        }),
      )
    },
    async ask(question, proposed) {
      const { text } = await loadPrompts(interactive)
      const offered =
        proposed === undefined ? {} : { placeholder: cleanLines(proposed), defaultValue: proposed }
      return askPrompt(spin.hold(), stdin, () =>
        text({ message: cleanLines(question), ...offered, input: stdin as never, output: stderr as never }),
      )
    },
  }
}

async function loadPrompts(interactive: boolean) {
  if (interactive) return import('@clack/prompts')
  throw new DaypassError('usage', 'there is nobody to ask: this is not a terminal', {
    hint: (command) => `say everything on the command line; see \`${command({ verb: '--help' })}\``,
  })
}

async function askPrompt<T>(
  release: () => void,
  stdin: Input,
  ask: () => Promise<T | symbol>,
): Promise<Exclude<T, symbol>> {
  stdin.ref?.()
  try {
    const answer = await ask()
    if (typeof answer === 'symbol') throw new DaypassError('cancelled', 'cancelled')
    return answer as Exclude<T, symbol>
  } finally {
    stdin.pause()
    stdin.unref?.()
    release()
  }
}

const forgivenStreams = new WeakSet<object>()

/** Ignores a closed pipe, as in `daypass … | head`. Other errors are still thrown. */
function forgiveClosedPipe(stream: NodeJS.WritableStream): void {
  if (forgivenStreams.has(stream)) return
  forgivenStreams.add(stream)
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!CLOSED_PIPE_CODES.has(error.code ?? '')) throw error
  })
}

/** EIO: the terminal itself is closed. */
export const CLOSED_PIPE_CODES: ReadonlySet<string> = new Set([
  'EPIPE',
  'EIO',
  'ECONNRESET',
  'ERR_STREAM_DESTROYED',
])

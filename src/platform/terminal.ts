import { DaypassError } from '../core/errors.ts'
import type { Terminal } from '../core/types.ts'
import { type Input, readHidden, readLine } from './read-secret.ts'
import { createSpinner } from './spinner.ts'

export type Output = NodeJS.WritableStream & { isTTY?: boolean }

export interface TerminalOptions {
  stdin: Input
  stderr: Output
  /** stdin and stderr are terminals, and nobody said `--no-input`. */
  interactive: boolean
  /** `--no-input`: a terminal is not read, even where a text is asked of it. A pipe is. */
  noInput?: boolean
  quiet?: boolean
  color?: boolean
}

/** The person at a terminal, over stdin and stderr. */
export function createNodeTerminal(options: TerminalOptions): Terminal {
  const { stdin, stderr, quiet = false, color = false } = options
  const onTerminal = stderr.isTTY === true
  // Checked here and not by clack, whose prompts never settle without a terminal.
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
      if (!quiet) writeLine(text)
    },
    warn(text) {
      writeLine(`${paint(33, '!')} ${text.replace(/[\r\n]+/g, ' ')}`)
    },
    busy: (label) => (onTerminal && interactive && !quiet ? spin.start(label) : () => undefined),
    async readSecret(prompt, signal) {
      if (stdin.isTTY !== true) return readLine({ stdin, signal })
      if (options.noInput) return undefined
      const release = spin.hold()
      if (onTerminal && !signal?.aborted) writeText(prompt)
      if (onTerminal) openPrompt = prompt
      const hidden = onTerminal ? writeText : () => undefined
      return readHidden({ stdin, write: hidden, signal }).finally(() => {
        openPrompt = ''
        release()
      })
    },
    async choose(question, choices) {
      const { select } = await loadPrompts(interactive)
      const shown = choices.map(({ value, label, hint }) =>
        hint === undefined ? { value, label } : { value, label, hint },
      )
      return askPrompt(spin.hold(), stdin, () =>
        // clack's option type depends on T in a way that a generic T cannot show.
        select({
          message: question,
          options: shown as never,
          input: stdin as never,
          output: stderr as never,
        }),
      ) as never
    },
    async confirm(question) {
      const { confirm } = await loadPrompts(interactive)
      return askPrompt(spin.hold(), stdin, () =>
        confirm({ message: question, initialValue: false, input: stdin as never, output: stderr as never }),
      )
    },
    async ask(question, proposed) {
      const { text } = await loadPrompts(interactive)
      const offered = proposed === undefined ? {} : { placeholder: proposed, defaultValue: proposed }
      return askPrompt(spin.hold(), stdin, () =>
        text({ message: question, ...offered, input: stdin as never, output: stderr as never }),
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

/** `daypass … | head`: a reader that has gone is no reason to crash. Every other error stays one. */
function forgiveClosedPipe(stream: NodeJS.WritableStream): void {
  if (forgivenStreams.has(stream)) return
  forgivenStreams.add(stream)
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!CLOSED_PIPE_CODES.has(error.code ?? '')) throw error
  })
}

/** EIO: the terminal itself is gone. */
export const CLOSED_PIPE_CODES: ReadonlySet<string> = new Set([
  'EPIPE',
  'EIO',
  'ECONNRESET',
  'ERR_STREAM_DESTROYED',
])

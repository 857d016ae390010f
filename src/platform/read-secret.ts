import { StringDecoder } from 'node:string_decoder'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { createSecretInput, type SecretInput } from './secret-input.ts'

/** The part of `process.stdin` that is used. */
export type Input = NodeJS.ReadableStream & {
  isTTY?: boolean
  readableEnded?: boolean
  destroyed?: boolean
  setRawMode?(on: boolean): unknown
  ref?(): unknown
  unref?(): unknown
}

export interface SecretReading {
  stdin: Input
  /** Writes to the terminal; it never gets typed text. */
  write(text: string): void
  signal?: AbortSignal | undefined
}

const PASTE_ON = '\u001b[?2004h'
const PASTE_OFF = '\u001b[?2004l'
/** Milliseconds between lines of a paste, at most, on a terminal without bracketed paste. */
const PASTE_PAUSE = 80

/** Reads one text from a terminal in raw mode without showing it. Always restores the terminal. */
export function readHidden({ stdin, write, signal }: SecretReading): Promise<string | undefined> {
  const input = createSecretInput()
  let lull: NodeJS.Timeout | undefined
  let last: NodeJS.Immediate | undefined
  const cancelTimers = () => {
    clearTimeout(lull)
    clearImmediate(last)
  }
  const begin = () => {
    stdin.setRawMode?.(true)
    write(PASTE_ON)
  }
  const release = () => {
    cancelTimers()
    stdin.setRawMode?.(false)
    write(`${PASTE_OFF}\n`)
  }
  return readUntilDone<string | undefined>({ stdin, signal, begin, release }, (chunk, finish) => {
    cancelTimers()
    const state = chunk === undefined ? 'end' : input.feed(chunk)
    if (state === 'cancel') finish(new DaypassError('cancelled', 'cancelled'))
    if (state === 'end') finish(getTextOrUndefined(input))
    if (state !== 'maybe') return
    lull = setTimeout(() => {
      // After a stall the timer fires before the input that has already arrived is read.
      last = setImmediate(() => finish(input.text()))
    }, PASTE_PAUSE)
  })
}

function getTextOrUndefined(input: SecretInput): string | undefined {
  return input.text() || undefined
}

const MAX_LINE_LENGTH = 1 << 20

/** Reads one line from a pipe or a file. The rest stays unread. */
export function readLine({ stdin, signal }: Omit<SecretReading, 'write'>): Promise<string | undefined> {
  let line = ''
  return readUntilDone<string | undefined>({ stdin, signal }, (chunk, finish) => {
    line += chunk ?? ''
    const end = line.indexOf('\n')
    if (line.length > MAX_LINE_LENGTH)
      finish(new DaypassError('usage', 'the line on standard input is too long'))
    else if (end !== -1) {
      const rest = line.slice(end + 1)
      finish(line.slice(0, end).replace(/\r$/, ''))
      if (rest !== '') stdin.unshift(rest)
    } else if (chunk === undefined) finish(line === '' ? undefined : line)
  })
}

type TakeChunk<T> = (chunk: string | undefined, finish: (outcome: T | DaypassError) => void) => void

interface Life extends Omit<SecretReading, 'write'> {
  /** Called before the first chunk. */
  begin?: () => void
  /** Called once when the reading ends, for any reason. */
  release?: () => void
}

/** Takes stdin, passes chunks to `take` (undefined is the end), and always releases stdin. */
function readUntilDone<T>({ stdin, signal, begin, release }: Life, take: TakeChunk<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const decoder = new StringDecoder('utf8')
    let over = false
    const stopReading = () => {
      over = true
      for (const [event, listener] of listeners) stdin.off(event, listener)
      signal?.removeEventListener('abort', onAbort)
      stdin.pause()
      // A paused stream may keep the process alive, and nothing reads this one any more.
      stdin.unref?.()
      release?.()
    }
    const finish = (outcome: T | DaypassError) => {
      if (over) return
      stopReading()
      if (isDaypassError(outcome)) reject(outcome)
      else resolve(outcome)
    }
    const onAbort = () => {
      stopReading()
      reject(signal?.reason)
    }
    const onData = (chunk: Buffer | string) => {
      if (!over) take(typeof chunk === 'string' ? chunk : decoder.write(chunk), finish)
    }
    const onEnd = () => {
      if (!over) take(undefined, finish)
    }
    const listeners = [
      ['data', onData],
      ['end', onEnd],
      ['close', onEnd],
      // EIO: the terminal is closed.
      ['error', onEnd],
    ] as const
    signal?.addEventListener('abort', onAbort)
    stdin.ref?.()
    begin?.()
    if (stdin.readableEnded || stdin.destroyed) return onEnd()
    for (const [event, listener] of listeners) stdin.on(event, listener)
    stdin.resume()
  })
}

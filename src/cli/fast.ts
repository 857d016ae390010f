/** Where the program begins: what `warm-answer` can answer is written here, everything else is left to `main`. */
import { writeSync } from 'node:fs'
import { append } from '../audit/append.ts'
import { type DaypassError, EXIT, isDaypassError } from '../core/errors.ts'
import { paths } from '../platform/paths.ts'
import { readWarmAnswer, type WarmAnswer } from './warm-answer.ts'

const { env } = process

function report(message: string): void {
  try {
    writeSync(2, `! ${message}\n`)
  } catch {
    // Nobody reads it.
  }
}

/** Straight to the descriptor: `process.stdout` would load the network and stream modules first. */
function write(text: string): void {
  const bytes = Buffer.from(text)
  let written = 0
  try {
    while (written < bytes.length) written += writeSync(1, bytes, written)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // A full pipe that does not block is the stream's business; a reader that has gone is nobody's.
    if (code === 'EAGAIN') process.stdout.write(bytes.subarray(written))
    else if (code !== 'EPIPE') {
      process.stderr.write(`error: the answer could not be written (${code})\n`)
      process.exitCode = EXIT.vault
    }
  }
}

/** The record comes first; what takes time about it comes last. */
async function handOver({ verb, identity, text }: WarmAnswer): Promise<void> {
  const { audit } = paths(env, process.platform)
  const isTooLong = append(audit, { verb, identity }, env)
  write(`${text}\n`)
  if (isTooLong) await (await import('../audit/rotate.ts')).rotate(audit)
}

async function start(argv: readonly string[]): Promise<void> {
  let answer: WarmAnswer | undefined
  let met: DaypassError | undefined
  try {
    answer = await readWarmAnswer(argv, { env, cwd: process.cwd, now: Date.now, report })
  } catch (error) {
    // `main` meets the same trouble and knows how to say it; a keychain that hangs is waited for once.
    if (isDaypassError(error, 'keychain')) met = error
  }
  if (answer) await handOver(answer)
  else await (await import('./main.ts')).main(argv, met)
}

void start(process.argv.slice(2))

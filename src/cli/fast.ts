/** The start of the program: writes what `warm-answer` can answer, and leaves everything else to `main`. */
import { writeSync } from 'node:fs'
import { appendAudit } from '../audit/append.ts'
import { type DaypassError, EXIT, isDaypassError } from '../core/errors.ts'
import { stripUnsafeCharacters } from '../core/text.ts'
import { resolvePaths } from '../platform/paths.ts'
import { readWarmAnswer, type WarmAnswer } from './warm-answer.ts'

const { env } = process

function writeWarning(message: string): void {
  try {
    writeSync(2, `! ${stripUnsafeCharacters(message)}\n`)
  } catch {
    // The pipe is closed.
  }
}

/** Writes to the descriptor: `process.stdout` would first load the network and stream modules. */
function writeStdout(text: string): void {
  const bytes = Buffer.from(text)
  let written = 0
  try {
    while (written < bytes.length) written += writeSync(1, bytes, written)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // The stream waits for a full non-blocking pipe. A closed pipe is no error.
    if (code === 'EAGAIN') process.stdout.write(bytes.subarray(written))
    else if (code !== 'EPIPE') {
      process.stderr.write(`error: the answer could not be written (${code})\n`)
      process.exitCode = EXIT.vault
    }
  }
}

/** Writes the audit line before the answer. Slow audit work, such as rotation, comes last. */
async function deliverAnswer({ verb, identity, text }: WarmAnswer): Promise<void> {
  const { audit } = resolvePaths(env, process.platform)
  const isTooLong = appendAudit(audit, { verb, identity }, env)
  writeStdout(`${text}\n`)
  if (isTooLong) await (await import('../audit/rotate.ts')).rotateAudit(audit)
}

async function runFast(argv: readonly string[]): Promise<void> {
  let answer: WarmAnswer | undefined
  let earlyError: DaypassError | undefined
  try {
    answer = await readWarmAnswer(argv, { env, cwd: process.cwd, now: Date.now, report: writeWarning })
  } catch (error) {
    // `main` meets the same error and can print it. A hanging keychain must be waited for only once.
    if (isDaypassError(error, 'keychain')) earlyError = error
  }
  if (answer) await deliverAnswer(answer)
  else await (await import('./main.ts')).main(argv, earlyError)
}

void runFast(process.argv.slice(2))

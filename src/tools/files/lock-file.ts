/**
 * The lock that Python's tools hold while they renew: `flock` on a file beside their own. Node cannot take one (what
 * fs-native-extensions takes on Linux is another kind, and the two do not see each other), so a program of the system
 * is asked. Where there is none, nobody waits.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { DaypassError } from '../../core/errors.ts'

export interface WaitOptions {
  /** In milliseconds. */
  timeout?: number | undefined
}

/**
 * Resolves when nobody holds the lock file; one that is not there is made by nobody. What a tool keeps under its lock
 * is then the answer to its last renewal, and not a token that it has just spent.
 */
export async function waitUntilFree(
  path: string,
  title: string,
  { timeout = 30_000 }: WaitOptions = {},
): Promise<void> {
  const deadline = performance.now() + timeout
  while (existsSync(path) && (await isLockHeld(path))) {
    if (performance.now() > deadline) throw createLockHeldError(path, title, timeout)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Its exit code is 1 where the lock is taken; without the program there is none. */
function isLockHeld(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('flock', ['-n', path, 'true'], { timeout: 5000 }, (error) => resolve(error?.code === 1))
  })
}

const createLockHeldError = (path: string, title: string, timeout: number) =>
  new DaypassError('lock', `${title} holds ${path}; gave up after ${Math.round(timeout / 1000)} s`, {
    hint: 'try again when it is done',
  })

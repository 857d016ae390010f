/**
 * Waits for the lock that Python's tools hold while they renew: `flock` on a file beside their own. Node
 * cannot take it (on Linux fs-native-extensions uses another kind that does not see it), so a system program
 * does. Without that program, there is no wait.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { DaypassError } from '../../core/errors.ts'

export interface WaitOptions {
  /** Milliseconds. */
  timeout?: number | undefined
}

/**
 * Resolves when the lock file is free; never creates one. Then the tool's file holds the answer to its last
 * renewal, and not a token that was just spent.
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

/** Returns true for exit code 1, which means that the lock is held. Returns false without the program. */
function isLockHeld(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('flock', ['-n', path, 'true'], { timeout: 5000 }, (error) => resolve(error?.code === 1))
  })
}

const createLockHeldError = (path: string, title: string, timeout: number) =>
  new DaypassError('lock', `${title} holds ${path}; gave up after ${Math.round(timeout / 1000)} s`, {
    hint: 'try again when it is done',
  })

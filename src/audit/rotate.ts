import { lstatSync } from 'node:fs'
import { rename } from '../vault/atomic.ts'
import { runExclusively } from '../vault/lock.ts'
import { MAX_AUDIT_SIZE } from './append.ts'

/** Of two files, the younger one is written to. */
export const buildOlderPath = (path: string) => `${path}.1`

const LOCK_TIMEOUT = 2000

/** A file that is too long becomes the older one. One process does it; those that wrote to it meanwhile lose nothing. */
export async function rotateAudit(path: string): Promise<void> {
  const makeOlder = async () => {
    const { size } = lstatSync(path)
    if (size >= MAX_AUDIT_SIZE) rename(path, buildOlderPath(path))
  }
  try {
    await runExclusively(`${path}.lock`, 'audit', makeOlder, { patience: LOCK_TIMEOUT })
  } catch {
    // It goes on growing, and is tried again.
  }
}

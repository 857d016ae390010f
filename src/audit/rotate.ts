import { lstatSync } from 'node:fs'
import { rename } from '../vault/atomic.ts'
import { runExclusively } from '../vault/lock.ts'
import { MAX_AUDIT_SIZE } from './append.ts'

/** Of the two files, this is the older one. */
export const buildOlderPath = (path: string) => `${path}.1`

const LOCK_TIMEOUT = 2000

/**
 * Renames a file that is too long to the older one. Only one process does this; lines that others write
 * meanwhile are kept.
 */
export async function rotateAudit(path: string): Promise<void> {
  const makeOlder = async () => {
    const { size } = lstatSync(path)
    if (size >= MAX_AUDIT_SIZE) rename(path, buildOlderPath(path))
  }
  try {
    await runExclusively(`${path}.lock`, 'audit', makeOlder, { patience: LOCK_TIMEOUT })
  } catch {
    // The file continues to grow, and a later call tries again.
  }
}

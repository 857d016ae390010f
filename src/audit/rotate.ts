import { lstatSync } from 'node:fs'
import { rename } from '../vault/atomic.ts'
import { exclusively } from '../vault/lock.ts'
import { LIMIT } from './append.ts'

/** Of two files, the younger one is written to. */
export const olderFile = (path: string) => `${path}.1`

const PATIENCE = 2000

/** A file that is too long becomes the older one. One process does it; those that wrote to it meanwhile lose nothing. */
export async function rotate(path: string): Promise<void> {
  const makeOlder = async () => {
    const { size } = lstatSync(path)
    if (size >= LIMIT) rename(path, olderFile(path))
  }
  try {
    await exclusively(`${path}.lock`, 'audit', makeOlder, { patience: PATIENCE })
  } catch {
    // It goes on growing, and is tried again.
  }
}

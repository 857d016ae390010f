import { readFileSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Header } from '../core/types.ts'
import { encodeGrantFileName } from './file-name.ts'

/**
 * Creates a reader of a text that changes with the grant: after a renewal, a login or a logout, but not after
 * a failed renewal. The text is empty where there is no record. While the file is unchanged, only its status
 * is read: a record is always replaced by a new file, never written in place.
 */
export function createStampReader(folder: string, name: string): () => string {
  const file = join(folder, encodeGrantFileName(name))
  let seen: Stats | undefined
  let stamp = ''
  return () => {
    const now = statSync(file, { throwIfNoEntry: false })
    if (!now || !seen || !isSameStats(now, seen)) stamp = now ? readStamp(file) : ''
    seen = now
    return stamp
  }
}

const isSameStats = (one: Stats, other: Stats) =>
  one.ino === other.ino &&
  one.ctimeMs === other.ctimeMs &&
  one.mtimeMs === other.mtimeMs &&
  one.size === other.size

function readStamp(file: string): string {
  try {
    const [line = ''] = readFileSync(file, 'utf8').split('\n', 1)
    const { lastRenewal: _, unanswered: __, lostRenewals: ___, ...grant } = JSON.parse(line) as Header
    return JSON.stringify(grant)
  } catch {
    return ''
  }
}

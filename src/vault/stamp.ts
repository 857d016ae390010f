import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Header } from '../core/types.ts'
import { grantFile } from './file-name.ts'

/**
 * What the clear header says of the grant itself: another text after a renewal, a login, a logout, and the same after a
 * renewal that came to nothing. Empty where there is no record.
 */
export function recordStamp(folder: string, name: string): string {
  try {
    const [line = ''] = readFileSync(join(folder, grantFile(name)), 'utf8').split('\n', 1)
    const { lastRenewal: _, unanswered: __, lostRenewals: ___, ...grant } = JSON.parse(line) as Header
    return JSON.stringify(grant)
  } catch {
    return ''
  }
}

import { readOwnFile } from '../vault/read-file.ts'
import type { AuditEntry } from './append.ts'
import { buildOlderPath } from './rotate.ts'

/** However long it has become. */
const ANY_LENGTH = 1 << 29

export interface AuditRecord {
  entries: AuditEntry[]
  /** Lines that say nothing. */
  unreadable: number
}

/** The oldest first. Throws `vault` where something else lies in a file's place. */
export function readAudit(path: string, report: (message: string) => void): AuditRecord {
  const texts = [buildOlderPath(path), path].map((file) => readOwnFile(file, report, ANY_LENGTH) ?? '')
  const lines = texts.flatMap((text) => text.split('\n').filter(Boolean))
  const asked = lines.map(parseAuditLine).filter((line) => line !== undefined)
  return { entries: asked, unreadable: lines.length - asked.length }
}

/** Every program of the person's can write there. */
function isComplete({ at, verb, identity, ppid, ...others }: AuditEntry): boolean {
  const texts = [others.audience, others.parent, others.cwd].filter((value) => value !== undefined)
  return (
    [at, verb, identity, ...texts].every((value) => typeof value === 'string') &&
    typeof ppid === 'number' &&
    !Number.isNaN(Date.parse(at))
  )
}

/** A line that a full disk cut short has the next one behind it. */
function parseAuditLine(line: string): AuditEntry | undefined {
  for (const text of [line, line.slice(line.lastIndexOf('{"at":'))]) {
    try {
      const said = JSON.parse(text) as AuditEntry
      if (isComplete(said)) return said
    } catch {
      // Half of a line.
    }
  }
  return undefined
}

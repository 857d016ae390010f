import { readOwnFile } from '../vault/read-file.ts'
import type { AuditEntry } from './append.ts'
import { buildOlderPath } from './rotate.ts'

/** Bytes. The log may be longer than its limit. */
const ANY_LENGTH = 1 << 29

export interface AuditRecord {
  entries: AuditEntry[]
  /** The number of lines that cannot be parsed. */
  unreadable: number
}

/** Reads the log, oldest line first. Throws `vault` where the file is not a regular file of our own user. */
export function readAudit(path: string, report: (message: string) => void): AuditRecord {
  const texts = [buildOlderPath(path), path].map((file) => readOwnFile(file, report, ANY_LENGTH) ?? '')
  const lines = texts.flatMap((text) => text.split('\n').filter(Boolean))
  const asked = lines.map(parseAuditLine).filter((line) => line !== undefined)
  return { entries: asked, unreadable: lines.length - asked.length }
}

/** Checks the fields, because every program of the user can write to the file. */
function isComplete({ at, verb, identity, ppid, ...others }: AuditEntry): boolean {
  const texts = [others.audience, others.parent, others.cwd].filter((value) => value !== undefined)
  return (
    [at, verb, identity, ...texts].every((value) => typeof value === 'string') &&
    typeof ppid === 'number' &&
    !Number.isNaN(Date.parse(at))
  )
}

/** A line that a full disk truncated is followed by the next entry on the same line. */
function parseAuditLine(line: string): AuditEntry | undefined {
  for (const text of [line, line.slice(line.lastIndexOf('{"at":'))]) {
    try {
      const said = JSON.parse(text) as AuditEntry
      if (isComplete(said)) return said
    } catch {
      // A truncated line.
    }
  }
  return undefined
}

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sandbox } from '../kit/cli.ts'

/** What `ps` and /proc tell of the processes of a sandbox, as anyone may read it: command lines and environments. */
export function processesOf({ daypassHome }: Pick<Sandbox, 'daypassHome'>): string[] {
  const told = (pid: string) => {
    try {
      return ['cmdline', 'environ'].map((file) => readFileSync(join('/proc', pid, file), 'utf8')).join('\0')
    } catch {
      // It has just ended, or is another user's.
      return ''
    }
  }
  const pids = process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : []
  return pids.map(told).filter((text) => text.includes(daypassHome))
}

/** What is written in JSON, in a form, in an address or in base64 is the same secret. */
export const spellings = (secret: string) => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64'),
]

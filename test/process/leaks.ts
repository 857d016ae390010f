/** Where secrets could be seen, and the forms that they could be seen in. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Sandbox } from '../kit/cli.ts'

/** What is written in JSON, in a form or in base64 is the same secret. */
const spellings = (secret: string) => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64'),
]

/** Command lines and environments of the processes of a home, as anyone may read them. */
export function processesOf({ daypassHome }: Sandbox): string[] {
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

/** In none of the texts is one of them; in what was shown not even a piece of one that could be guessed to its end. */
export function expectNone(
  secrets: readonly string[],
  texts: readonly string[],
  shown: readonly string[],
): void {
  for (const secret of secrets) {
    for (const spelling of spellings(secret)) {
      const holding = texts.filter((text) => text.includes(spelling))
      expect(holding.map((text) => text.slice(0, 300))).toEqual([])
    }
  }
  const joined = shown.join('\n')
  // The head of a JWT is the same for all.
  for (const secret of secrets) expect(joined.includes(secret.split('.').at(-1)!.slice(0, 24))).toBe(false)
}

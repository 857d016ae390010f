/** Where secrets could be seen, and the forms that they could be seen in. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { box, filesBelow } from '../cli/story.ts'
import type { Result, RunOptions, Sandbox } from '../kit/cli.ts'
import { recorder } from '../kit/recorder.ts'

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

/** The verbs that answer with secrets, because they are asked for them. */
const ANSWERS = /^(token|env|[a-z]+-credential|credential-process)\b/

export interface WatchedOptions extends RunOptions {
  /** Words with spaces in them, behind the others. */
  more?: readonly string[]
}

/** More than this a program never says: what it says quietly is a part of it. */
const LOUD = { DAYPASS_DEBUG: '1' }

/** These are answered without `main` where they can be, and with `-v` they never are. */
const QUICK = /^(token|credential-process)\b/

/** Runs `daypass` in a home, as loud as it gets, and keeps what other users and programs can see of it. */
export function watching(one: Sandbox, always: RunOptions = {}) {
  const record = recorder(box())
  const seen: string[] = []

  async function run(words: string, code: unknown, options: WatchedOptions = {}): Promise<Result> {
    const { more = [], ...others } = { ...always, ...options }
    const env = { ...record.env(), ...LOUD, ...always.env, ...options.env }
    const verbose = QUICK.test(words) ? [] : ['-v']
    const running = one.start([...words.split(' '), ...verbose, ...more], { ...others, env })
    if (options.input) running.write(String(options.input))
    running.endInput()
    // What is given a secret by its environment has it there: that is what it is for.
    if (!words.startsWith('exec') && !options.env) seen.push(...processesOf(one))
    const result = await running.ended
    expect(result, words).toMatchObject({ code })
    seen.push(result.stderr, ANSWERS.test(words) ? '' : result.stdout)
    return result
  }

  return {
    run,
    seen,
    /** Of these, of which there are so many at least, none was seen or lies about. */
    expectNoneOf(secrets: readonly string[], least: { secrets: number; seen: number }) {
      const all = [...secrets, ...record.verifiers()]
      expect(all.length).toBeGreaterThan(least.secrets)
      expect(seen.length).toBeGreaterThan(least.seen)
      expectNone(all, [...seen, ...filesBelow(one.home).values(), ...record.written()], seen)
    },
  }
}

/** Sixty processes on one vault, every fifth killed somewhere: what is left of four logins. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DaypassError } from '../../src/core/errors.ts'
import { left } from '../cli/story.ts'
import type { Result } from '../kit/cli.ts'
import { stepsIn, stepwise } from '../kit/steps.ts'
import { expectSound, type Home, home, tokenOf } from './data-dir.ts'

const NAMES = ['anna', 'bert', 'cleo', 'dora'] as const
const PROCESSES = 60
const KILLED = 12

interface Part {
  name: string
  args: string[]
  /** The step that it is killed in front of, or at the end where it takes fewer; 0: it is left alone. */
  at: number | string
}

/** One logout goes well, the other is killed when it has marked the record. */
const LOGOUTS: Record<number, Part> = {
  38: { name: 'cleo', args: ['logout', 'cleo'], at: 0 },
  51: { name: 'dora', args: ['logout', 'dora'], at: 'ask /revoke' },
}
const WHY: Partial<Record<string, string>> = { cleo: 'it was logged out', dora: 'its logout was cut off' }
const LOST = /needs a login: the answer to its renewal of \S+ was lost, and/

/** The same numbers in every run (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function parts(): Part[] {
  const next = numbers(7)
  /** In the few steps of whoever shares another's renewal, or around the request of an own one. */
  const step = () => (next(2) === 0 ? 1 + next(6) : 14 + next(8))
  return Array.from({ length: PROCESSES }, (_, index) => {
    const name = NAMES[next(NAMES.length)]!
    const args = next(3) === 0 ? ['token', name] : ['refresh', name, '--force']
    const at = index % (PROCESSES / KILLED) === 1 ? step() : 0
    return LOGOUTS[index] ?? { name, args, at }
  })
}

interface Ran extends Part, Result {
  /** What it did, without the step that it was killed in front of. */
  done: string[]
}

async function run({ one }: Home, part: Part, index: number): Promise<Ran> {
  const log = join(one.home, `steps-${index}`)
  const result = await one.run(part.args, { ...stepwise(log, part.at), timeout: 60_000 })
  return { ...part, ...result, done: stepsIn(log).slice(0, -1) }
}

/** Killed between its request and the writing of the answer. */
function isCutOff({ signal, name, done }: Ran): boolean {
  const asked = done.lastIndexOf('ask /token')
  return signal !== null && asked !== -1 && !done.slice(asked).includes(`write vault/${name}.grant.tmp`)
}

/** It is alive and well, or says why it is not; and it was lost only where an answer was cut off. */
async function expectTold(made: Home, name: string, cutOff: readonly string[]): Promise<void> {
  const token = await tokenOf(made, name)
  if (!(token instanceof DaypassError)) {
    expect(name).not.toBe('cleo')
    expect(await made.daypass.refresh(name, { force: true })).toMatchObject({ outcome: 'renewed' })
    return
  }
  expect(token).toMatchObject({ code: 'login_required', hint: `daypass login ${name}` })
  if (LOST.test(token.message)) expect(cutOff).toContain(name)
  else expect(token.message).toBe(`${name} needs a login: ${WHY[name]}`)
}

test.skipIf(process.platform === 'win32')(
  'sixty processes, twelve of them killed: who is not cut off from an answer stays logged in, and who logged out stays out',
  async () => {
    const made = await home(...NAMES)
    for (const name of NAMES) await left(made.one, name, -1000)
    const ran = await Promise.all(parts().map((part, index) => run(made, part, index)))
    const killed = ran.filter(({ signal }) => signal === 'SIGKILL')
    expect(killed).toHaveLength(KILLED)
    for (const { code, signal, stderr } of ran) if (signal === null) expect([0, 4], stderr).toContain(code)

    await expectSound(made)
    const cutOff = killed.filter(isCutOff).map(({ name }) => name)
    for (const name of NAMES) await expectTold(made, name, cutOff)
    expect(made.server.stats().reuses).toBeLessThanOrEqual(cutOff.length)
    await made.close()
  },
)

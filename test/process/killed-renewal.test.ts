/** SIGKILL in front of every step of a renewal: what the next process finds, and what it makes of it. */
import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { filesBelow, left, vaultOf } from '../cli/story.ts'
import type { Result, RunOptions } from '../kit/cli.ts'
import { hitAtEveryStep, stepsOf, stepwise } from '../kit/steps.ts'
import { A_TOKEN, expectSound, type Home, home, recordOf, tokenOf } from './data-dir.ts'

type Kept = Home & { other: string }

/** `work`, whose credential has so much left, and another identity. */
async function kept(milliseconds: number): Promise<Kept> {
  const made = await home('work', 'other')
  await left(made.one, 'work', milliseconds)
  return { ...made, other: recordOf(made, 'other') }
}

const STALE = -1000
const FRESH = 3_600_000
const token = ({ one }: Home, options?: RunOptions) => one.run(['token', 'work'], options)
const force = ({ one }: Home, options?: RunOptions) => one.run(['refresh', 'work', '--force'], options)

const LOST =
  /^error: work needs a login: the answer to its renewal of [\dT:Z-]+ was lost, and the server no longer takes the refresh token that it replaced\n {2}daypass login work\n$/

/** What came of it; where the server's answer is not in its place, the verb is run again. */
async function next(made: Kept, { stdout }: Result, again: typeof token): Promise<string> {
  const { server, one, daypass } = made
  await expectSound(made)
  const rotated = server.stats().refreshes === 1
  if (!rotated) {
    expect(await daypass.refresh('work', { force: again === force })).toMatchObject({ outcome: 'renewed' })
  } else if ((await vaultOf(one).header('work'))?.unanswered !== undefined) {
    const said = await again(made)
    if (said.code !== 0) return told(made, said)
  }
  expect(recordOf(made, 'other')).toBe(made.other)
  const now = await tokenOf(made)
  if (stdout !== '') expect(now).toBe(stdout.trim())
  expect(server.stats()).toMatchObject({ reuses: 0, deadFamilies: 0 })
  if (again === token) expect(server.stats().refreshes).toBe(1)
  return rotated ? 'renewed' : 'the next one renews'
}

async function told(made: Kept, said: Result): Promise<string> {
  const { server, daypass } = made
  expect(said).toMatchObject({ code: 4, stdout: '', stderr: expect.stringMatching(LOST) })
  expect(recordOf(made, 'other')).toBe(made.other)
  expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 1, deadFamilies: 1 })
  expect(await tokenOf(made)).toMatchObject({ code: 'login_required', hint: 'daypass login work' })
  expect(server.stats().by.refresh).toBe(2)
  await made.logIn('work')
  expect((await daypass.status('work')).row).toMatchObject({ state: 'valid', lost_renewals: 1 })
  expect(await tokenOf(made)).toEqual(A_TOKEN)
  return 'lost, and told'
}

describe.skipIf(process.platform === 'win32')('a process that is killed while it renews', () => {
  test('costs the login only where the server has answered and nothing is written, and that is told', async () => {
    const story = {
      prepare: () => kept(STALE),
      verb: token,
      left: (made: Kept, result: Result) => next(made, result, token),
    }
    await expect(await hitAtEveryStep(story)).toMatchFileSnapshot('killed/token.txt')
  })

  test('does the same where the renewal was forced', async () => {
    const story = {
      prepare: () => kept(FRESH),
      verb: force,
      left: (made: Kept, result: Result) => next(made, result, force),
    }
    await expect(await hitAtEveryStep(story)).toMatchFileSnapshot('killed/refresh-force.txt')
  })

  test('leaves a sealed answer to the next one, even if that is killed, too, and hours later', async () => {
    const steps = await stepsOf({ prepare: () => kept(STALE), verb: token })
    const renaming = steps.lastIndexOf('rename vault/work.grant.tmp to work.grant') + 1
    const cutOff = async () => {
      const made = await kept(STALE)
      await token(made, stepwise(join(made.one.home, 'first'), renaming))
      const written = new Date(Date.now() - 5 * 3_600_000)
      for (const path of filesBelow(join(made.one.daypassHome, 'vault')).keys())
        utimesSync(path, written, written)
      return made
    }
    const story = {
      prepare: cutOff,
      verb: token,
      left: (made: Kept, result: Result) => next(made, result, token),
    }
    const left = await hitAtEveryStep(story)
    expect(left).not.toContain('lost')
    await expect(left).toMatchFileSnapshot('killed/token-after-a-kill.txt')
  })
})

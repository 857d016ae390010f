/** SIGKILL in front of every step of a login: there is the one before, or the new one, and nothing between. */
import { describe, expect, test } from 'vitest'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { at } from '../cli/story.ts'
import type { Result, RunOptions } from '../kit/cli.ts'
import { hitAtEveryStep } from '../kit/steps.ts'
import { A_TOKEN, byPaste, expectSound, type Home, home, recordOf, tokenOf } from './data-dir.ts'

/** The person is quick, and nobody minds when the program is gone before they come back. */
async function byBrowser({ one, server }: Home, options: RunOptions): Promise<Result> {
  const env = { ...options.env, BROWSER: 'true' }
  const running = one.start(['login', 'oidc', 'work', ...at(server)], { ...options, env })
  const visit = running.waitFor(/http:\S+authorize\S+/).then(([url]) => scriptedBrowser().visit(url))
  visit.catch(() => undefined)
  return running.ended
}

async function firstOne(made: Home): Promise<string> {
  await expectSound(made)
  const token = await tokenOf(made)
  if (typeof token !== 'string') expect(token).toMatchObject({ code: 'not_found', hint: /^daypass login/ })
  await made.logIn('work')
  expect(await tokenOf(made)).toEqual(A_TOKEN)
  await expectSound(made)
  return typeof token === 'string' ? 'logged in' : 'as before, and another succeeds'
}

type Before = Home & { was: string; token: unknown; other: string }

async function before(): Promise<Before> {
  const made = await home('work', 'other')
  return { ...made, was: recordOf(made, 'work'), token: await tokenOf(made), other: recordOf(made, 'other') }
}

async function oneOfTwo(made: Before): Promise<string> {
  const { server } = made
  await expectSound(made)
  const replaced = recordOf(made, 'work') !== made.was
  const revoked = server.stats().deadFamilies === 1
  const token = await tokenOf(made)
  expect(token).toEqual(A_TOKEN)
  expect(token === made.token).toBe(!replaced)
  expect(await made.daypass.refresh('work', { force: true })).toMatchObject({ outcome: 'renewed' })
  expect(server.stats()).toMatchObject({ reuses: 0, deadFamilies: revoked ? 1 : 0 })
  expect(recordOf(made, 'other')).toBe(made.other)
  return replaced ? `the new one${revoked ? ', the old one revoked' : ''}` : 'the old one'
}

describe.skipIf(process.platform === 'win32')('a process that is killed while it logs in', () => {
  test('leaves no login or a whole one, and the next login succeeds', async () => {
    const story = { prepare: () => home(), verb: byBrowser, left: firstOne }
    await expect(await hitAtEveryStep(story)).toMatchFileSnapshot('killed/login.txt')
  })

  test('leaves the login that it was to replace, or has replaced it', async () => {
    const story = { prepare: before, verb: byPaste, left: oneOfTwo }
    await expect(await hitAtEveryStep(story)).toMatchFileSnapshot('killed/login-again-by-paste.txt')
  })
})

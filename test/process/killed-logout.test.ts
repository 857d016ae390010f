/** SIGKILL in front of every step of a logout: what it marked is used by nobody, and the next one ends it. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isDaypassError } from '../../src/core/errors.ts'
import { readState } from '../../src/vault/state.ts'
import { vaultOf } from '../cli/story.ts'
import type { RunOptions } from '../kit/cli.ts'
import { hitAtEveryStep } from '../kit/steps.ts'
import { A_TOKEN, expectSound, type Home, home, recordOf, tokenOf } from './data-dir.ts'

type Before = Home & { other: string }

async function before(): Promise<Before> {
  const made = await home('work', 'other')
  return { ...made, other: recordOf(made, 'other') }
}

const logout = ({ one }: Home, options: RunOptions) => one.run(['logout', 'work'], options)
const remove = ({ one }: Home, options: RunOptions) => one.run(['remove', 'work', '--yes'], options)

/** Whether it is in use; if not, nobody asks the server anything. */
async function found(made: Before): Promise<string> {
  const { server } = made
  const { requests, deadFamilies } = server.stats()
  const token = await tokenOf(made)
  if (typeof token === 'string') return 'as before'
  expect(server.stats().requests).toBe(requests)
  if (token.code === 'not_found') return 'gone'
  expect(token).toMatchObject({ code: 'login_required', hint: 'daypass login work' })
  const sealed = (await vaultOf(made.one).read('work'))?.grant !== undefined
  return sealed ? `marked${deadFamilies ? ' and revoked' : ''}` : 'logged out'
}

/** Once more, and it is over at the server and here. */
async function ended(made: Before, verb: 'logout' | 'remove'): Promise<string> {
  await expectSound(made)
  const word = await found(made)
  await made.daypass[verb]('work').catch((error: unknown) => {
    if (word !== 'gone' || !isDaypassError(error, 'not_found')) throw error
  })
  expect(made.server.stats()).toMatchObject({ deadFamilies: 1, reuses: 0, refreshes: 0 })
  expect((await vaultOf(made.one).read('work'))?.grant).toBeUndefined()
  expect(await found(made)).toBe(verb === 'logout' ? 'logged out' : 'gone')
  expect(readState(join(made.one.daypassHome, 'state.json')).default).toBeUndefined()
  expect(recordOf(made, 'other')).toBe(made.other)
  expect(await tokenOf(made, 'other')).toEqual(A_TOKEN)
  return word
}

describe.skipIf(process.platform === 'win32')('a process that is killed while it ends a login', () => {
  test('has marked it, and logging out again completes it: nothing that it ended comes back', async () => {
    const story = { prepare: before, verb: logout, left: (made: Before) => ended(made, 'logout') }
    await expect(await hitAtEveryStep(story)).toMatchFileSnapshot('killed/logout.txt')
  })

  test('does so where the record was to be removed, too', async () => {
    const story = { prepare: before, verb: remove, left: (made: Before) => ended(made, 'remove') }
    await expect(await hitAtEveryStep(story)).toMatchFileSnapshot('killed/remove.txt')
  })
})

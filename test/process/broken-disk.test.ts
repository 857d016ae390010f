/** A disk that is full from some step on, or fails at one, for every step of what writes: what that costs, and what is said. */
import { describe, expect, test } from 'vitest'
import { vaultOf } from '../cli/story.ts'
import type { Result, RunOptions } from '../kit/cli.ts'
import { type Fault, hitAtEveryStep } from '../kit/steps.ts'
import { byPaste, expectSound, type Home, home, recordOf, tokenOf } from './data-dir.ts'

/** Of making, writing and syncing a file, one is as bad as the others. */
const FULL: Fault = { error: 'ENOSPC', failing: /^(write|cut|rename) / }
const ONCE: Fault = { error: 'EIO', failing: /^(open|sync|rename|remove) /, times: 1 }

type Before = Home & { was: string; token: unknown; other: string }

async function before(): Promise<Before> {
  const made = await home('work', 'other')
  return { ...made, was: recordOf(made, 'work'), token: await tokenOf(made), other: recordOf(made, 'other') }
}

/** One line, and the next command; nothing else. */
function expectTold({ code, stdout, stderr }: Result, message: RegExp): void {
  expect({ code, stdout }, stderr).toEqual({ code: 5, stdout: '' })
  const [said = '', hint = '', ...more] = stderr
    .replace(/^(Log in with this page|http|\n|Paste ).*\n*/gm, '')
    .trimEnd()
    .split('\n')
  expect(said).toMatch(message)
  expect(said).toMatch(/^error: .*(the disk is full|the system said EIO)$/)
  expect(hint).toMatch(
    /^ {2}(free some space and try again; nothing was lost|look at |mend that, then: daypass )/,
  )
  expect(more).toEqual([])
}

const force = ({ one }: Home, options: RunOptions) => one.run(['refresh', 'work', '--force'], options)

async function afterRenewal(made: Before, result: Result): Promise<string> {
  const { server, daypass } = made
  await expectSound(made)
  expect(recordOf(made, 'other')).toBe(made.other)
  const rotated = server.stats().refreshes === 1
  if (!rotated) expectTold(result, /^error: cannot (lock|write) /)
  else if (result.code !== 0)
    expectTold(result, /^error: work was renewed at the server, but could not be kept: cannot write /)
  const { outcome, error } = await daypass.refresh('work', { force: true })
  if (error) {
    expect(error.message).toMatch(/the answer to its renewal of .* was lost/)
    expect({ rotated, code: result.code }).toEqual({ rotated: true, code: 5 })
    return 'told, and lost'
  }
  expect(outcome).toBe('renewed')
  expect(await tokenOf(made)).toMatch(/^at_/)
  expect(server.stats()).toMatchObject({ reuses: 0, deadFamilies: 0 })
  if (!rotated) return 'told, and nothing spent'
  return result.code === 0 ? 'renewed' : 'told, and found by the next one'
}

/** Which of the two logins there is; the other one is over at the server. */
async function afterLogin(made: Before, result: Result): Promise<string> {
  const { server, daypass } = made
  await expectSound(made)
  expect(recordOf(made, 'other')).toBe(made.other)
  const { exchanges, deadFamilies } = server.stats()
  expect(deadFamilies).toBe(exchanges - 2)
  const replaced = recordOf(made, 'work') !== made.was
  expect(result.code, result.stderr).toBe(replaced ? 0 : 5)
  if (!replaced) expectTold(result, /^error: cannot (lock|write) /)
  expect((await tokenOf(made)) === made.token).toBe(!replaced)
  expect(await daypass.refresh('work', { force: true })).toMatchObject({ outcome: 'renewed' })
  expect(server.stats().reuses).toBe(0)
  if (!replaced) return exchanges === 2 ? 'the old one, and no browser' : 'the old one, the new one revoked'
  return result.stderr.includes('not for certain after a power cut')
    ? 'the new one, and a warning'
    : 'the new one'
}

const logout = ({ one }: Home, options: RunOptions) => one.run(['logout', 'work'], options)

async function afterLogout(made: Before, result: Result): Promise<string> {
  const { server, one, daypass } = made
  await expectSound(made)
  expect(recordOf(made, 'other')).toBe(made.other)
  const revoked = server.stats().deadFamilies === 1
  if (!revoked) {
    expectTold(result, /^error: cannot lock /)
    expect(await tokenOf(made)).toBe(made.token)
    await daypass.logout('work')
  } else expect(result.stderr).toContain('its token was revoked at the server and removed here')
  expect(await vaultOf(one).read('work')).toEqual({ header: expect.objectContaining({ renewable: false }) })
  expect(await tokenOf(made)).toMatchObject({ code: 'login_required' })
  expect(server.stats()).toMatchObject({ deadFamilies: 1, reuses: 0 })
  return revoked ? 'logged out' : 'told, and as before'
}

describe.skipIf(process.platform === 'win32')('a disk that breaks', () => {
  const prepare = before
  const renewal = { prepare, verb: force, left: afterRenewal }
  const login = { prepare, verb: byPaste, left: afterLogin }
  const ending = { prepare, verb: logout, left: afterLogout }

  test.each([
    [
      'a full disk costs a renewal nothing before its answer has come',
      'full-renewal',
      { ...renewal, fault: FULL },
    ],
    ['one failure costs a renewal nothing at all', 'once-renewal', { ...renewal, fault: ONCE }],
    ['one failure leaves one of two logins', 'once-login', { ...login, fault: ONCE }],
    ['one failure keeps no logout from forgetting the secret', 'once-logout', { ...ending, fault: ONCE }],
  ])('%s', async (_, file, story) => {
    await expect(await hitAtEveryStep(story)).toMatchFileSnapshot(`broken/${file}.txt`)
  })
})

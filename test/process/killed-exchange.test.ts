/** SIGKILL in front of every step of a renewal of two requests, and a disk that breaks at one: what the next one finds. */
import { describe, expect, test } from 'vitest'
import type { Credential } from '../../src/core/types.ts'
import { DaypassError } from '../../src/index.ts'
import { filesBelow, vaultOf } from '../cli/story.ts'
import type { Result, RunOptions } from '../kit/cli.ts'
import { hitAtEveryStep } from '../kit/steps.ts'
import { type AlibabaHome, signedIn, stale } from './alibaba-data-dir.ts'

const MINUTE = 60_000

type Before = AlibabaHome & { was: string }

/** The keys are over, and the access token has so much left. */
async function before(access: number): Promise<Before> {
  const made = await signedIn()
  await stale(made.one, access)
  return { ...made, was: (await grantOf(made)).refreshToken!.reveal() }
}

const grantOf = async ({ one }: AlibabaHome) => (await vaultOf(one).read('work'))!.grant!
const verb = ({ one }: AlibabaHome, options: RunOptions) => one.run(['credential-process', 'work'], options)

function counts({ ali }: AlibabaHome) {
  const { by } = ali.stats()
  return { refreshes: by.refresh ?? 0, exchanges: (by.exchange ?? 0) - 1 }
}

const idOf = (credential: Credential) => (credential.kind === 'keys' ? credential.accessKeyId : '')

function asOurs(error: unknown): DaypassError {
  if (error instanceof DaypassError) return error
  throw error
}

/** Nothing lies about in clear. */
function expectSealed({ one, ali }: AlibabaHome): void {
  for (const [path, text] of filesBelow(one.daypassHome)) {
    for (const secret of ali.issued()) expect(text.includes(secret), path).toBe(false)
  }
}

async function next(made: Before, { stdout }: Result): Promise<string> {
  expectSealed(made)
  const { refreshes, exchanges } = counts(made)
  const keys = await made.daypass.credential('work').catch(asOurs)
  const after = counts(made)
  const [family] = made.ali.stats().families
  if (keys instanceof DaypassError) {
    expect(keys).toMatchObject({ code: 'login_required', hint: 'daypass login work' })
    expect(keys.message).toMatch(/the answer to its renewal of .* was lost/)
    expect(family).toMatchObject({ refreshes: 1, reuses: 1 })
    return 'lost, and told'
  }
  expect(keys).toMatchObject({ kind: 'keys' })
  expect(family).toMatchObject({ reuses: 0, ended: false })
  expectSealed(made)
  if (after.refreshes > refreshes) return 'the next one makes both requests'
  if (after.exchanges > exchanges) return 'the next one exchanges'
  if (stdout !== '') expect(stdout).toContain(idOf(keys))
  return 'renewed'
}

describe.skipIf(process.platform === 'win32')(
  'a process that is killed while it renews in two requests',
  () => {
    test('costs the login only where the first one is answered and nothing is written', async () => {
      const story = { prepare: () => before(5 * MINUTE), verb, left: next }
      const left = await hitAtEveryStep(story)
      // From the moment that the rotated pair is kept, nothing can be lost.
      expect(left.split('\n').findLastIndex((line) => line.startsWith('lost'))).toBeLessThan(
        left.split('\n').findIndex((line) => line.includes('ask /v1/exchange')),
      )
      await expect(left).toMatchFileSnapshot('killed/two-requests.txt')
    })

    test('costs nothing where the second one alone was made', async () => {
      const story = { prepare: () => before(50 * MINUTE), verb, left: next }
      const left = await hitAtEveryStep(story)
      expect(left).not.toMatch(/lost|both/)
      await expect(left).toMatchFileSnapshot('killed/exchange.txt')
    })
  },
)

describe.skipIf(process.platform === 'win32')('a disk that is full from some step on', () => {
  async function told(made: Before, { code, stdout, stderr }: Result): Promise<string> {
    expectSealed(made)
    // The record of who asked costs nobody an answer.
    if (code === 0) return `${await next(made, { code, stdout, stderr, signal: null })}, and handed out`
    expect({ code, stdout }, stderr).toEqual({ code: 5, stdout: '' })
    expect(stderr).toMatch(/^error: .*the disk is full; next: /)
    const { refreshes } = counts(made)
    const isOld = (await grantOf(made)).refreshToken!.reveal() === made.was
    const outcome = await next(made, { code, stdout, stderr, signal: null })
    if (refreshes === 0) return 'told, and nothing spent'
    expect(stderr).toContain('work was renewed at the server, but could not be kept')
    expect(stderr).toContain(isOld ? 'mend that, then: daypass login work' : 'mend that, then try again')
    return `told; ${outcome}`
  }

  test('stops before anything is spent, or has the pair that is the last one', async () => {
    const fault = { error: 'ENOSPC', failing: /^(write|cut|rename) / }
    const story = { prepare: () => before(5 * MINUTE), verb, left: told, fault }
    await expect(await hitAtEveryStep(story)).toMatchFileSnapshot('broken/two-requests.txt')
  })
})

/** A login that rests in the AWS tools' own cache: daypass and AWS' SDK renew the same session, and neither loses it. */
import { rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { failureOf } from '../../client/client-context.ts'
import { CROSS_DEVICE } from '../../stand-ins/aws/client.ts'
import { ADA, type Cloud, cloud, keyIn, keyOf, loginOfTheirs, sharing } from '../cloud.ts'

const MINUTE = 60_000

const renewals = ({ aws }: Cloud) => aws.stats().sessions.map((session) => session.renewals)

describe('a shared session', () => {
  test('is read by the SDK as we wrote it', async () => {
    const w = await sharing()
    expect(keyIn(await w.sdk('work'))).toBe(await keyOf(w))
    expect(renewals(w)).toEqual([0])
    expect(w.cache.mode()).toBe(0o600)
    const { row } = await w.daypass().status('work')
    expect(row).toMatchObject({ state: 'valid', store: 'aws-login-cache', method: 'browser', principal: ADA })
    expect(Date.parse(row.session_expires_at ?? '') - Date.now()).toBeGreaterThan(11 * 60 * MINUTE)
  })

  test('is renewed by the SDK with our key, adopted by us, renewed by us, and read by the SDK', async () => {
    const w = await sharing()
    const first = await keyOf(w)
    w.cache.left(MINUTE)
    expect((await w.daypass().status('work')).row.state).toBe('stale')
    const second = keyIn(await w.sdk('work'))
    expect(second).not.toBe(first)
    expect((await w.daypass().status('work')).row.state).toBe('valid')
    expect(await keyOf(w)).toBe(second)
    expect(keyIn(await w.run('credential-process', 'work'))).toBe(second)
    w.cache.left(-MINUTE)
    const third = await keyOf(w)
    expect([first, second]).not.toContain(third)
    expect(keyIn(await w.sdk('work'))).toBe(third)
    expect(await w.daypass().refresh('work', { force: true })).toMatchObject({ outcome: 'renewed' })
    const fourth = await keyOf(w)
    expect(fourth).not.toBe(third)
    expect(keyIn(await w.sdk('work'))).toBe(fourth)
    expect(renewals(w)).toEqual([3])
    expect(w.aws.stats().refusals).toEqual([])
  })

  test('is listed with the times of the file, whichever program refreshed it', async () => {
    const w = await sharing()
    w.cache.left(7 * MINUTE)
    const { identities } = await w.daypass().list()
    const [{ row, timeLeft } = { row: { expires_at: '' }, timeLeft: 0 }] = identities
    expect(Math.round(timeLeft / MINUTE)).toBe(7)
    expect(row.expires_at?.slice(0, 19)).toBe(w.cache.json().accessToken.expiresAt?.slice(0, 19))
    expect((await w.run('list')).stdout).toMatch(/work +aws\/user .* valid +[67]m/)
  })

  test('that `aws logout` ended needs a login, and says who ended it', async () => {
    const w = await sharing()
    rmSync(w.cache.path)
    expect(await failureOf(keyOf(w))).toMatchObject({
      code: 'login_required',
      message: 'work needs a login: another tool has ended its login',
      hint: 'daypass login work',
    })
    expect((await w.daypass().status('work')).row.state).toBe('login_required')
    const { code, stderr, stdout } = await w.run('credential-process', 'work')
    expect([code, stdout]).toEqual([4, ''])
    expect(stderr).toMatch(/^error: [^\n]*another tool has ended its login; next: daypass login work\n$/)
  })

  test('that another tool began anew is ours, too, for as long as it lasts there', async () => {
    const w = await sharing()
    const theirs = await loginOfTheirs(w)
    expect(await keyOf(w)).toBe(theirs)
    expect((await w.daypass().status('work')).row).toMatchObject({ state: 'valid', session_expires_at: null })
    w.cache.left(0)
    expect(await keyOf(w)).not.toBe(theirs)
    expect(renewals(w)).toEqual([0, 1])
    // Nobody knows any more when that login began; it has not ended with ours.
    expect((await w.daypass().status('work')).row.session_expires_at).toBeNull()
  })

  test('that was refused is marked, and a login by another tool takes the mark away', async () => {
    const w = await sharing()
    w.cache.left(0)
    w.aws.endSessions('TOKEN_EXPIRED')
    const refused = {
      code: 'login_required',
      message: expect.stringContaining('work needs a login: the AWS session is over'),
    }
    expect(await failureOf(keyOf(w))).toMatchObject(refused)
    expect(await failureOf(keyOf(w))).toMatchObject(refused)
    expect(w.aws.stats().by.refresh).toBe(1)
    expect((await w.daypass().status('work')).row.state).toBe('login_required')
    const theirs = await loginOfTheirs(w)
    expect((await w.daypass().status('work')).row.state).toBe('valid')
    expect(await keyOf(w)).toBe(theirs)
    w.cache.left(0)
    expect(await keyOf(w)).not.toBe(theirs)
  })

  test('is renewed as the client that its file says', async () => {
    const w = await sharing()
    await loginOfTheirs(w, true)
    w.cache.left(0)
    await keyOf(w)
    expect(w.cache.json().clientId).toBe(CROSS_DEVICE)
    const renewed = { clientId: CROSS_DEVICE, renewals: 1 }
    expect(w.aws.stats()).toMatchObject({ refusals: [], sessions: [{ renewals: 0 }, renewed] })
  })

  test('keeps what other tools have written into its file', async () => {
    const w = await sharing()
    w.cache.change((file) => {
      file.theirs = { of: 'another version' }
      file.accessToken.more = 'too'
    })
    w.cache.left(0)
    await keyOf(w)
    expect(w.cache.json()).toMatchObject({ theirs: { of: 'another version' }, accessToken: { more: 'too' } })
    w.cache.left(0)
    await w.sdk('work')
    expect(w.cache.json()).toMatchObject({ theirs: { of: 'another version' } })
  })

  test('has its expiry in the file by the clock of this machine, which is what the tools compare it with', async () => {
    for (const offset of [-10 * MINUTE, 10 * MINUTE]) {
      const w = await cloud({ clockOffset: offset })
      await w.logIn()
      await w.run('setup', 'aws', 'work', '--login-session')
      const left = () => Date.parse(w.cache.json().accessToken.expiresAt ?? '') - Date.now()
      expect(Math.round(left() / MINUTE)).toBe(15)
      expect(Math.round((await w.daypass().status('work')).timeLeft / MINUTE)).toBe(15)
      w.cache.left(MINUTE)
      expect(Math.round((await w.daypass().status('work')).timeLeft / MINUTE)).toBe(1)
      await keyOf(w)
      expect(Math.round(left() / MINUTE)).toBe(15)
      const { Expiration } = JSON.parse((await w.run('credential-process', 'work')).stdout)
      expect(Math.round((Date.parse(Expiration) - Date.now()) / MINUTE)).toBe(15)
    }
  })
})

test('a session that another tool renews while ours is under way is not overwritten', async () => {
  const w = await sharing()
  w.cache.left(0)
  w.aws.failNext({ door: 'refresh', delay: 500 })
  const ours = keyOf(w)
  await expect.poll(() => w.aws.stats().by.refresh).toBe(1)
  const theirs = await loginOfTheirs(w)
  await ours
  expect(w.cache.json().accessToken.accessKeyId).toBe(theirs)
  expect(await keyOf(w)).toBe(theirs)
})

test('a session that another tool ends while ours is under way stays ended', async () => {
  const w = await sharing()
  w.cache.left(0)
  w.aws.failNext({ door: 'refresh', delay: 500 })
  const ours = keyOf(w)
  await expect.poll(() => w.aws.stats().by.refresh).toBe(1)
  rmSync(w.cache.path)
  await ours
  expect(w.cache.there()).toBe(false)
  expect(await failureOf(keyOf(w))).toMatchObject({ code: 'login_required' })
})

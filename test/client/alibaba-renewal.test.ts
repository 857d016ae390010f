/** Two steps to new keys, and every way in which either may fail, over the client. */
import { describe, expect, test } from 'vitest'
import type { AlibabaOptions } from '../stand-ins/alibaba/options.ts'
import { ADA, asked, cloud, HOUR, MINUTE } from './alibaba-context.ts'
import { failureOf } from './client-context.ts'

/** Logged in, and then so much later. */
async function later(milliseconds: number, options: AlibabaOptions = {}) {
  const w = await cloud(options)
  await w.login('work')
  const first = await w.keys()
  const refreshToken = await w.refreshToken()
  w.advance(milliseconds)
  return { ...w, first, before: refreshToken }
}

const TROUBLE = [503, 'server_error', 'The service is unavailable.'] as const

describe('an exchange that fails', () => {
  test('after a rotation leaves the rotated pair, and the old keys while they live', async () => {
    const w = await later(46 * MINUTE)
    w.ali.failNext({ door: 'exchange', refuse: TROUBLE })
    expect((await w.keys()).accessKeyId).toBe(w.first.accessKeyId)
    expect(w.warned.at(-1)).toMatch(/^work could not be renewed, using what is left of it: \S+ answered 503/)
    expect(await w.refreshToken()).not.toBe(w.before)
    expect((await w.header()).unanswered).toBeUndefined()
    w.advance(1)
    expect(await w.caller()).toBe(ADA)
    expect([asked(w.ali, 'refresh'), asked(w.ali, 'exchange')]).toEqual([1, 3])
    expect(w.ali.stats().families).toMatchObject([{ reuses: 0, ended: false }])
  })

  test('when the old keys are over is exit 5, and the pair is kept', async () => {
    const w = await later(2 * HOUR)
    w.ali.failNext({ door: 'exchange', cut: 'before' })
    expect(await failureOf(w.keys())).toMatchObject({ code: 'network' })
    expect(await w.refreshToken()).not.toBe(w.before)
    w.advance(1)
    expect(await w.caller()).toBe(ADA)
    expect(asked(w.ali, 'refresh')).toBe(1)
  })

  test('spends nothing and notes nothing, where the access token had enough left', async () => {
    const w = await later(46 * MINUTE, { accessTtl: 2 * 3600 })
    w.ali.failNext({ door: 'exchange', cut: 'after' })
    await w.keys()
    expect(await w.refreshToken()).toBe(w.before)
    const { unanswered, lastRenewal } = await w.header()
    expect([unanswered, lastRenewal?.code]).toEqual([undefined, 'network'])
    expect(asked(w.ali, 'refresh')).toBe(0)
  })

  test('because the identity may not use the application is exit 6, with whom to ask', async () => {
    const w = await later(46 * MINUTE)
    w.ali.failNext({ door: 'exchange', refuse: [403, 'access_denied', 'The application is not assigned.'] })
    const error = await failureOf(w.keys())
    expect(error.code).toBe('refused')
    expect(error.message).toMatch(
      /^this identity may not use the application \(\S+ answered 403 access_denied The application is not assigned\.\)$/,
    )
    expect(error.hint).toMatch(
      /^an administrator has to assign official-cli .* https:\/\/ram\.console\.aliyun\.com\//,
    )
    expect(await w.refreshToken()).not.toBe(w.before)
  })

  test('with an answer without keys is passing, and shows nothing of it', async () => {
    const w = await later(2 * HOUR)
    w.ali.failNext({ door: 'exchange', body: '{"accessKeyId":"STS.x","accessKeySecret":"s3cr3t"}' })
    const error = await failureOf(w.keys())
    expect(error).toMatchObject({ code: 'network' })
    expect(error.message).toMatch(/^\S+ gave an answer without keys$/)
  })
})

describe('an access token that is refused', () => {
  test.each([
    ['has too little left', [403, 'access_denied', 'token expire time is too short']],
    ['is over', [401, 'expired_token', 'The access token is expired.']],
    ['is unknown', [401, 'invalid_token', 'The access token is invalid.']],
    ['is not liked', [401, 'Unauthorized', 'In other words.']],
  ] as const)('because it %s is refreshed, and exchanged once more', async (_, refuse) => {
    const w = await later(46 * MINUTE, { accessTtl: 2 * 3600 })
    w.ali.failNext({ door: 'exchange', refuse })
    expect(await w.caller()).toBe(ADA)
    expect([asked(w.ali, 'refresh'), asked(w.ali, 'exchange')]).toEqual([1, 3])
    expect(await w.refreshToken()).not.toBe(w.before)
  })

  test('again, when it is new, is not refreshed again', async () => {
    const w = await later(46 * MINUTE, { accessTtl: 2 * 3600 })
    w.ali.failNext({
      door: 'exchange',
      times: 2,
      refuse: [403, 'access_denied', 'token expire time is too short'],
    })
    const error = await failureOf(w.keys())
    expect(error).toMatchObject({
      code: 'refused',
      hint: 'let the application issue access tokens that live for half an hour at least',
    })
    expect(error.message).toMatch(
      /^its access token has too little left to be exchanged for keys \(\S+ answered 403/,
    )
    expect(asked(w.ali, 'refresh')).toBe(1)
    expect(await w.refreshToken()).not.toBe(w.before)
  })

  test('for good, when it is new, needs a login, and the grant is not given up', async () => {
    const w = await later(46 * MINUTE)
    w.ali.failNext({ door: 'exchange', refuse: [401, 'invalid_token', 'The access token is invalid.'] })
    expect(await failureOf(w.keys())).toMatchObject({ code: 'login_required', hint: 'daypass login work' })
    expect((await w.header()).loginRequired).toBeUndefined()
    w.advance(1)
    expect(await w.caller()).toBe(ADA)
  })
})

describe('a refresh that fails', () => {
  test.each(['invalid_grant', 'invalid_token'])(
    'with %s is exit 4, marked, and nothing is deleted',
    async (code) => {
      const w = await later(46 * MINUTE)
      w.ali.failNext({ door: 'refresh', refuse: [400, code, 'The refresh token is revoked.'] })
      expect(await failureOf(w.keys())).toMatchObject({ code: 'login_required', hint: 'daypass login work' })
      expect((await w.header()).loginRequired).toContain(code)
      expect(await w.refreshToken()).toBe(w.before)
      expect(asked(w.ali, 'exchange')).toBe(1)
    },
  )

  test('in passing leaves the old keys in use, and what was not answered is noted', async () => {
    const w = await later(46 * MINUTE)
    w.ali.failNext({ door: 'refresh', cut: 'before' })
    expect((await w.keys()).accessKeyId).toBe(w.first.accessKeyId)
    expect((await w.header()).unanswered).toBeDefined()
    w.advance(1)
    expect(await w.caller()).toBe(ADA)
    expect((await w.header()).unanswered).toBeUndefined()
  })

  test('because the answer was lost is told as that', async () => {
    const w = await later(2 * HOUR)
    w.ali.failNext({ door: 'refresh', cut: 'after' })
    expect(await failureOf(w.keys())).toMatchObject({ code: 'network' })
    w.advance(1)
    expect((await failureOf(w.keys())).message).toMatch(/the answer to its renewal of [\dT:Z-]+ was lost/)
    expect(w.ali.stats().families).toMatchObject([{ reuses: 1, ended: true }])
  })

  test('with an answer that cannot be trusted keeps the rotated refresh token', async () => {
    const w = await later(2 * HOUR)
    w.ali.failNext({
      door: 'refresh',
      body: '{"refresh_token":"rt_rotated","token_type":"Bearer","expires_in":3600}',
    })
    expect(await failureOf(w.keys())).toMatchObject({ code: 'refused' })
    expect(await w.refreshToken()).toBe('rt_rotated')
    expect(asked(w.ali, 'exchange')).toBe(1)
  })
})

describe('what may be written otherwise', () => {
  test.each([
    [{ expiresIn: 'text' }],
    [{ exchanged: 'pascal' }],
    [{ exchanged: 'seconds' }],
    [{ exchanged: 'milliseconds' }],
  ] as [AlibabaOptions][])('is read all the same: %o', async (options) => {
    const w = await later(46 * MINUTE, options)
    const { issuedAt, expiresAt } = w.first
    expect(Math.round((expiresAt! - issuedAt) / MINUTE)).toBe(60)
    expect(await w.caller()).toBe(ADA)
    expect([asked(w.ali, 'refresh'), asked(w.ali, 'exchange')]).toEqual([1, 2])
  })

  test('keys that do not say until when are believed to live as short as any', async () => {
    const w = await later(9 * MINUTE, { exchanged: 'endless' })
    expect((await w.keys()).accessKeyId).toBe(w.first.accessKeyId)
    w.advance(2 * MINUTE)
    expect((await w.keys()).accessKeyId).not.toBe(w.first.accessKeyId)
  })

  test('a refresh token that is not repeated stays the one there is', async () => {
    const w = await later(46 * MINUTE, { refreshTokens: 'omitted' })
    expect(await w.caller()).toBe(ADA)
    expect(await w.refreshToken()).toBe(w.before)
    w.advance(46 * MINUTE)
    expect(await w.caller()).toBe(ADA)
  })

  test('the clock of a server that is ahead counts, at the exchange and in the signature', async () => {
    const w = await later(46 * MINUTE, { clockOffset: 20 * MINUTE })
    expect(await w.caller()).toBe(ADA)
    expect((await w.header()).clockOffset).toBeGreaterThan(19 * MINUTE)
  })
})

describe('how long a login lasts', () => {
  test('is told by the server, where it tells it', async () => {
    const w = await later(46 * MINUTE, { refreshTtl: 2 * 3600, refreshExpiresIn: true })
    const { issuedAt, sessionExpiresAt } = await w.header()
    expect(Math.round((sessionExpiresAt! - issuedAt!) / MINUTE)).toBe(120)
    await w.keys()
    expect(Math.round(((await w.header()).sessionExpiresAt! - issuedAt!) / MINUTE)).toBe(120)
    w.advance(80 * MINUTE)
    expect((await failureOf(w.keys())).message).toMatch(/^work needs a login: its session ended at /)
    expect(asked(w.ali, 'refresh')).toBe(1)
  })

  test('is as long as the one access token, where there is no refresh token', async () => {
    const w = await later(20 * MINUTE, { refreshTokens: 'none', keysTtl: 1800, accessTtl: 3600 })
    expect(await w.row()).toMatchObject({ state: 'stale', session_expires_at: expect.any(String) })
    expect((await w.keys()).accessKeyId).not.toBe(w.first.accessKeyId)
    w.advance(26 * MINUTE)
    // Fourteen minutes are left of it, and fifteen are wanted.
    const error = await failureOf(w.keys())
    expect(error).toMatchObject({ code: 'login_required', hint: 'daypass login work' })
    w.advance(20 * MINUTE)
    expect((await failureOf(w.keys())).message).toMatch(/^work needs a login: its session ended at /)
    expect(await w.row()).toMatchObject({ state: 'expired' })
  })

  test('is no longer than session.duration says', async () => {
    const w = await cloud({}, { work: { session: { duration: '2h' } } })
    await w.login('work')
    w.advance(HOUR)
    await w.keys()
    w.advance(HOUR)
    expect((await failureOf(w.keys())).message).toMatch(/^work needs a login: its session ended at /)
  })
})

test('a new access token is exchanged where it lives shorter than the margin, too', async () => {
  const w = await later(46 * MINUTE, { accessTtl: 900, shortest: 600 })
  expect(await w.caller()).toBe(ADA)
  expect([asked(w.ali, 'refresh'), asked(w.ali, 'exchange')]).toEqual([1, 2])
})

test('twelve callers with one stale grant make one renewal of two requests', async () => {
  const w = await later(46 * MINUTE)
  const all = await Promise.all(Array.from({ length: 12 }, () => w.keys()))
  expect(new Set(all.map(({ accessKeyId }) => accessKeyId)).size).toBe(1)
  expect([asked(w.ali, 'refresh'), asked(w.ali, 'exchange')]).toEqual([1, 2])
})

test('keys that a server refused are exchanged once, for these very keys', async () => {
  const w = await later(MINUTE)
  w.ali.expireKeys()
  expect(await w.callerWith(w.first)).toBe('InvalidSecurityToken.Expired')
  const rejected = w.first.secretAccessKey
  const next = await w.daypass.credential('work', { rejected })
  await w.daypass.credential('work', { rejected })
  expect(next.kind === 'keys' && next.accessKeyId).not.toBe(w.first.accessKeyId)
  expect([asked(w.ali, 'refresh'), asked(w.ali, 'exchange')]).toEqual([0, 2])
})

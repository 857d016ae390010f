/** Logging in to Alibaba Cloud and staying logged in, over the client; against the strict stand-in. */
import { describe, expect, test } from 'vitest'
import { ADA, asked, cloud, HOUR, MINUTE } from './alibaba-context.ts'
import { failureOf } from './client-context.ts'

describe('logging in', () => {
  test('gives keys that Alibaba Cloud takes, and says whose they are and for how long', async () => {
    const w = await cloud()
    await w.login('work')
    expect(await w.caller()).toBe(ADA)
    expect(await w.row()).toMatchObject({
      kind: 'alibaba/user',
      account: '1234567890123456',
      principal: ADA,
      region: 'cn-hangzhou',
      method: 'browser',
      state: 'valid',
      session_expires_at: null,
    })
    const { issuedAt, expiresAt, clientId, endpoints } = await w.header()
    expect(Math.round((expiresAt! - issuedAt!) / MINUTE)).toBe(60)
    expect(clientId).toBe('4038181954557748008')
    expect(endpoints?.exchange).toBe(`${w.ali.url}/v1/exchange`)
    expect(w.ali.stats().refusals).toEqual([])
  })
})

describe('staying logged in', () => {
  test('exchanges again with fifteen minutes left, while the access token has twenty', async () => {
    const w = await cloud({ accessTtl: 2 * 3600 })
    await w.login('work')
    const first = await w.keys()
    w.advance(44 * MINUTE)
    expect((await w.keys()).accessKeyId).toBe(first.accessKeyId)
    w.advance(2 * MINUTE)
    expect((await w.keys()).accessKeyId).not.toBe(first.accessKeyId)
    expect([asked(w.ali, 'exchange'), asked(w.ali, 'refresh')]).toEqual([2, 0])
    expect(await w.caller()).toBe(ADA)
    expect(w.ali.stats().refusals).toEqual([])
  })

  test('refreshes first where the access token has less', async () => {
    const w = await cloud()
    await w.login('work')
    const before = await w.refreshToken()
    w.advance(46 * MINUTE)
    expect(await w.caller()).toBe(ADA)
    expect([asked(w.ali, 'refresh'), asked(w.ali, 'exchange')]).toEqual([1, 2])
    expect(await w.refreshToken()).not.toBe(before)
    w.advance(46 * MINUTE)
    expect(await w.caller()).toBe(ADA)
    expect(w.ali.stats().families).toMatchObject([{ refreshes: 2, reuses: 0, ended: false }])
  })

  test('ends with the refresh token, and says what to type', async () => {
    const w = await cloud({ refreshTtl: 7200 })
    await w.login('work')
    w.advance(3 * HOUR)
    const error = await failureOf(w.keys())
    expect(error).toMatchObject({ code: 'login_required', hint: 'daypass login work' })
    expect(error.message).toMatch(
      /^work needs a login: the login is over \(\S+ answered 400 invalid_grant The refresh token is expired\.\)$/,
    )
    expect(await w.row()).toMatchObject({ state: 'login_required' })
    await w.login('work')
    expect(await w.caller()).toBe(ADA)
  })
})

import { describe, expect, test } from 'vitest'
import { CROSS_DEVICE, type Flaw, INVALID, login, no, postJson, proofKey, refresh, start } from './client.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** A server and a client on one clock, which stands until it is moved; and a login. */
async function stopped(options: Parameters<typeof start>[0] = {}) {
  const clock = { now: Date.now() }
  const server = await start({ now: () => clock.now, ...options })
  const before = await login(server.url, () => clock.now)
  return { clock, server, before }
}

const body = (refreshToken: string) => ({
  clientId: 'arn:aws:signin:::devtools/same-device',
  grantType: 'refresh_token',
  refreshToken,
})

describe('a refresh token', () => {
  test('gives other keys and another refresh token, and no ID token', async () => {
    const server = await start({ credentialsTtl: 60 })
    const before = await login(server.url)
    const { status, json } = await refresh(before, before.refreshToken)
    expect(status).toBe(200)
    expect(Object.keys(json).sort()).toEqual(['accessToken', 'expiresIn', 'refreshToken', 'tokenType'])
    expect(json.expiresIn).toBe(60)
    expect(json.refreshToken).not.toBe(before.refreshToken)
    expect(json.accessToken).not.toEqual(before.accessToken)
    expect(server.stats().sessions).toMatchObject([{ renewals: 1, replays: 0, reuses: 0 }])
  })

  test('is answered the same again within the window', async () => {
    const { clock, server, before } = await stopped()
    const first = await refresh(before, before.refreshToken)
    clock.now += 59_000
    const again = await refresh(before, before.refreshToken)
    expect(again.json).toEqual({ ...first.json, expiresIn: 900 - 59 })
    expect(server.stats()).toMatchObject({ keysIssued: 2, sessions: [{ renewals: 1, replays: 1 }] })
  })

  test('is answered with keys that live, where the window is longer than keys are', async () => {
    const { clock, before } = await stopped({ credentialsTtl: 30 })
    const first = await refresh(before, before.refreshToken)
    clock.now += 30_000
    const again = await refresh(before, before.refreshToken)
    expect(again.json).toMatchObject({ refreshToken: first.json.refreshToken, expiresIn: 30 })
    expect(again.json.accessToken).not.toEqual(first.json.accessToken)
  })

  test('is worth nothing after the window, and the next one is', async () => {
    const { clock, server, before } = await stopped()
    const { json } = await refresh(before, before.refreshToken)
    clock.now += MINUTE
    const late = await refresh(before, before.refreshToken)
    expect(no(late).slice(0, 3)).toEqual([401, 'AccessDeniedException', 'TOKEN_EXPIRED'])
    expect((await refresh(before, json.refreshToken)).status).toBe(200)
    expect(server.stats().sessions).toMatchObject([{ renewals: 2, replays: 0, reuses: 1 }])
  })

  test('ends with the login, twelve hours on, and so do the last keys', async () => {
    const { clock, before } = await stopped()
    clock.now += 12 * HOUR - 5 * MINUTE
    const { json } = await refresh(before, before.refreshToken)
    expect(json.expiresIn).toBe(300)
    clock.now += 5 * MINUTE
    expect(no(await refresh(before, json.refreshToken))[2]).toBe('TOKEN_EXPIRED')
  })

  test.each([
    ['of nobody', { refreshToken: 'x' }, 'the refresh token is not known'],
    ['of another client', { clientId: CROSS_DEVICE }, 'the refresh token is of another client'],
  ])('is refused %s, and is still good', async (_, more, why) => {
    const { url } = await start()
    const before = await login(url)
    expect(no(await refresh(before, before.refreshToken, more))).toEqual(INVALID(why))
    expect((await refresh(before, before.refreshToken)).status).toBe(200)
  })

  test('is refused with another key, and is still good', async () => {
    const { url } = await start()
    const before = await login(url)
    const thief = { ...before, key: proofKey() }
    expect(no(await refresh(thief, before.refreshToken))).toEqual(
      INVALID('the refresh token is bound to another key'),
    )
    expect((await refresh(before, before.refreshToken)).status).toBe(200)
  })

  test('is refused in another region, and is still good', async () => {
    const server = await start()
    const before = await login(server.url)
    const elsewhere = { ...before, base: server.region('eu-west-1').url }
    expect(no(await refresh(elsewhere, before.refreshToken))).toEqual(
      INVALID('the refresh token is of another region'),
    )
    expect(server.stats().refusals).toMatchObject([{ door: 'refresh', region: 'eu-west-1' }])
    expect((await refresh(before, before.refreshToken)).status).toBe(200)
  })

  test.each([
    ['TOKEN_EXPIRED', 401],
    ['USER_CREDENTIALS_CHANGED', 403],
    ['INSUFFICIENT_PERMISSIONS', 403],
  ] as const)('ends before its time: %s', async (end, status) => {
    const server = await start()
    const before = await login(server.url)
    server.endSessions(end)
    const answer = await refresh(before, before.refreshToken)
    expect(no(answer).slice(0, 3)).toEqual([status, 'AccessDeniedException', end])
    const next = await login(server.url)
    expect((await refresh(next, next.refreshToken)).status).toBe(200)
  })
})

describe('a proof', () => {
  test('is required', async () => {
    const { url } = await start()
    const { refreshToken } = await login(url)
    expect(no(await postJson(url, body(refreshToken), {}))).toEqual(INVALID('the DPoP header is missing'))
  })

  test('is good once', async () => {
    const { url } = await start()
    const { refreshToken, key } = await login(url)
    const dpop = key.prove(`${url}/v1/token`)
    expect((await postJson(url, body(refreshToken), { dpop })).status).toBe(200)
    const replayed = await postJson(url, body(refreshToken), { dpop })
    expect(no(replayed)).toEqual(INVALID('DPoP: jti was used before'))
  })

  const { privateJwk } = proofKey()
  test.each<[string, Flaw, string]>([
    ['another algorithm', { header: { alg: 'ES384' } }, 'alg is not ES256'],
    ['a private key', { header: { jwk: privateJwk } }, 'jwk holds a private key'],
    ['another key', { header: { jwk: { ...privateJwk, d: undefined } } }, 'the signature is wrong'],
    ['a bit turned over', { forged: true }, 'the signature is wrong'],
    ['another method', { claims: { htm: 'GET' } }, 'htm is not the method of this request'],
    [
      'another address',
      { claims: { htu: 'https://example.com/v1/token' } },
      'htu is not the address of this request',
    ],
    ['no identifier', { claims: { jti: undefined } }, 'jti is missing'],
  ])('is refused with %s, and nothing is spent', async (_, flaw, why) => {
    const { url } = await start()
    const before = await login(url)
    const dpop = before.key.prove(`${url}/v1/token`, flaw)
    expect(no(await postJson(url, body(before.refreshToken), { dpop }))).toEqual(INVALID(`DPoP: ${why}`))
    expect((await refresh(before, before.refreshToken)).status).toBe(200)
  })

  test.each([
    [-300, 200],
    [300, 200],
    [-301, 400],
    [301, 400],
  ])('%i s off is answered %i', async (off, status) => {
    const now = Math.floor(Date.now() / 1000) * 1000
    const { url } = await start({ now: () => now })
    const { refreshToken, key } = await login(url)
    const dpop = key.prove(`${url}/v1/token`, { claims: { iat: now / 1000 + off } })
    expect((await postJson(url, body(refreshToken), { dpop })).status).toBe(status)
  })

  test('is judged by the clock that the server tells', async () => {
    const { url, setClockOffset } = await start()
    const before = await login(url)
    setClockOffset(10 * MINUTE)
    const answer = await refresh(before, before.refreshToken)
    expect(no(answer)).toEqual(INVALID('DPoP: iat is not now'))
    const ahead = Date.parse(answer.headers.get('date')!) - Date.now()
    expect(Math.abs(ahead - 10 * MINUTE)).toBeLessThan(MINUTE)
  })
})

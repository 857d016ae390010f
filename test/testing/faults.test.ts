import * as oauth from 'oauth4webapi'
import { describe, expect, test } from 'vitest'
import type { AuthorizationServer, OffSpec } from '../../src/testing/index.ts'
import { attempt, callback, login, me, REDIRECT, refresh, refusalOf } from './client.ts'
import { post, start } from './servers.ts'

describe('faults', () => {
  const form = (server: AuthorizationServer, token = 'x') => ({
    grant_type: 'refresh_token',
    refresh_token: token,
    client_id: server.clientId,
  })

  test('a status befalls the next request of that door alone', async () => {
    const server = await start()
    server.failNext({
      endpoint: 'refresh',
      status: 429,
      headers: { 'retry-after': '7' },
      body: 'slow',
      times: 2,
    })
    expect(await me(server, 'x')).toBe(401)
    const struck = await post(server.endpoints.token, form(server))
    expect([struck.status, struck.headers.get('retry-after'), struck.text]).toEqual([429, '7', 'slow'])
    expect((await post(server.endpoints.token, form(server))).status).toBe(429)
    expect((await post(server.endpoints.token, form(server))).status).toBe(400)
    expect(server.stats()).toMatchObject({ faults: 2, by: { refresh: 3, resource: 1 } })
  })

  test('without a door it befalls whatever comes next; a body alone stands instead of the answer, not of the deed', async () => {
    const server = await start()
    const { tokens } = await login(server)
    server.failNext({ status: 502 })
    expect([await me(server, tokens.access_token), await me(server, tokens.access_token)]).toEqual([502, 200])
    server.failNext({ endpoint: 'refresh', body: '<html>' })
    const answer = await post(server.endpoints.token, form(server, tokens.refresh_token))
    expect([answer.status, answer.text, server.stats().refreshes]).toEqual([200, '<html>', 1])
  })

  test('cut before, now or after a while: nothing was rotated', async () => {
    const server = await start()
    const { tokens, ...party } = await login(server)
    server.failNext({ endpoint: 'token', cut: 'before', delay: 100 })
    const began = performance.now()
    await expect(post(server.endpoints.token, form(server, tokens.refresh_token))).rejects.toThrow(
      'fetch failed',
    )
    expect(performance.now() - began).toBeGreaterThan(90)
    expect(server.stats().refreshes).toBe(0)
    expect((await refresh(party, tokens.refresh_token)).access_token).toMatch(/^at_/)
  })

  test('cut after: the token is spent, and no client has the new one', async () => {
    const server = await start()
    const { tokens, ...party } = await login(server)
    server.failNext({ endpoint: 'refresh', cut: 'after' })
    await expect(post(server.endpoints.token, form(server, tokens.refresh_token))).rejects.toThrow(
      'fetch failed',
    )
    expect(server.stats().refreshes).toBe(1)
    expect(await refusalOf(refresh(party, tokens.refresh_token))).toBe('invalid_grant')
  })

  test('a delay holds the answer back, not the deed', async () => {
    const server = await start()
    const { tokens } = await login(server)
    server.failNext({ endpoint: 'refresh', delay: 600 })
    const began = Date.now()
    const answer = post(server.endpoints.token, form(server, tokens.refresh_token))
    while (server.stats().refreshes === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const done = Date.now()
    expect((await answer).status).toBe(200)
    expect(Date.now() - done).toBeGreaterThan(100)
    expect(Date.now() - began).toBeGreaterThanOrEqual(590)
  })

  test('answers can be off the specification, always or once', async () => {
    const server = await start({
      mangle: (json, door) => (door === 'refresh' ? { ...json, expires_in: null } : json),
    })
    const { tokens } = await login(server)
    server.failNext({ endpoint: 'refresh', mangle: (json) => ({ ...json, scope: ['openid'] }) })
    const first = JSON.parse((await post(server.endpoints.token, form(server, tokens.refresh_token))).text)
    expect(first).toMatchObject({ expires_in: null, scope: ['openid'] })
    const second = JSON.parse((await post(server.endpoints.token, form(server, first.refresh_token))).text)
    expect(second).toMatchObject({ expires_in: null, scope: 'openid email' })
  })

  /** A login's token answer, as it is written. */
  async function tokenAnswer(server: AuthorizationServer) {
    const begun = await attempt(server)
    const code = (await callback(begun)).searchParams.get('code')!
    const grant = { grant_type: 'authorization_code', client_id: server.clientId, redirect_uri: REDIRECT }
    const { text } = await post(server.endpoints.token, { ...grant, code, code_verifier: begun.verifier })
    return { refresh_token: undefined, token_type: undefined, ...JSON.parse(text) }
  }

  test.each<[OffSpec, Record<string, unknown>]>([
    ['null-expiry', { expires_in: null }],
    ['scope-list', { scope: ['openid', 'email'] }],
    ['empty-refresh-token', { refresh_token: '' }],
    ['no-refresh-token', { refresh_token: undefined }],
    ['no-token-type', { token_type: undefined }],
  ])('%s: token answers alone are written so, always or once', async (offSpec, written) => {
    const usual = { expires_in: 3600, scope: 'openid email', token_type: 'Bearer' }
    const renewal = async (server: AuthorizationServer, token: string | undefined) =>
      JSON.parse((await post(server.endpoints.token, form(server, token))).text)
    const normal = await start({ refresh: { grace: 60_000 } })
    const { tokens } = await login(normal)
    normal.failNext({ endpoint: 'refresh', offSpec })
    const once = await renewal(normal, tokens.refresh_token)
    expect({ refresh_token: undefined, token_type: undefined, ...once }).toMatchObject({
      ...usual,
      ...written,
    })
    const refresh_token = expect.stringMatching(/^rt_/)
    expect(await renewal(normal, tokens.refresh_token)).toMatchObject({ ...usual, refresh_token })
    const odd = await start({ offSpec: [offSpec], mangle: (json) => ({ ...json, last: true }) })
    expect(await tokenAnswer(odd)).toMatchObject({ ...usual, ...written, last: true })
    const refused = { error: 'invalid_grant', error_description: expect.any(String), last: true }
    expect(await renewal(odd, 'x')).toEqual(refused)
  })

  test('the clock the server tells can be off; lifetimes run on', async () => {
    const server = await start({ clockOffset: 600_000 })
    const response = await fetch(server.issuer)
    expect(Date.parse(response.headers.get('date')!) - Date.now()).toBeGreaterThan(500_000)
    const ahead = oauth.getValidatedIdTokenClaims((await login(server)).tokens)!
    expect(ahead.iat * 1000 - Date.now()).toBeGreaterThan(500_000)
    const { headers } = await fetch((await start({ now: () => 0, clockOffset: 5000 })).issuer)
    expect(headers.get('date')).toBe('Thu, 01 Jan 1970 00:00:05 GMT')
    server.setClockOffset(0)
    const { tokens } = await login(server)
    server.setClockOffset(7_200_000)
    expect(await me(server, tokens.access_token)).toBe(200)
  })
})

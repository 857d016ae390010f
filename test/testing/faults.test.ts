import { describe, expect, test } from 'vitest'
import type { AuthorizationServer } from '../../src/testing/index.ts'
import { login, me, refresh, refusalOf } from './client.ts'
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

  test('cut before: nothing was rotated', async () => {
    const server = await start()
    const { tokens, ...party } = await login(server)
    server.failNext({ endpoint: 'token', cut: 'before' })
    await expect(post(server.endpoints.token, form(server, tokens.refresh_token))).rejects.toThrow(
      'fetch failed',
    )
    expect(server.stats().refreshes).toBe(0)
    expect((await refresh(party, tokens.refresh_token)).access_token).toMatch(/^at_/)
  })

  test('cut after: the token is spent, and nobody has the new one', async () => {
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

  test('the clock the server tells can be off; lifetimes run on', async () => {
    const server = await start({ clockOffset: 600_000 })
    const response = await fetch(server.issuer)
    expect(Date.parse(response.headers.get('date')!) - Date.now()).toBeGreaterThan(590_000)
    server.setClockOffset(0)
    const { tokens } = await login(server)
    server.setClockOffset(7_200_000)
    expect(await me(server, tokens.access_token)).toBe(200)
  })
})

import { describe, expect, test } from 'vitest'
import { testClock } from '../../src/testing/index.ts'
import { discover, login, me, refresh, refusalOf, revoke } from './client.ts'
import { post, start } from './servers.ts'

describe('a renewal', () => {
  test('rotates, and the old refresh token used again ends the login', async () => {
    const server = await start()
    const { tokens, ...party } = await login(server)
    const next = await refresh(party, tokens.refresh_token)
    expect(next.refresh_token).not.toBe(tokens.refresh_token)
    expect(await me(server, next.access_token)).toBe(200)
    expect(await refusalOf(refresh(party, tokens.refresh_token))).toBe('invalid_grant')
    expect(await me(server, next.access_token)).toBe(401)
    expect(await refusalOf(refresh(party, next.refresh_token))).toBe('invalid_grant')
    expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 1, deadFamilies: 1 })
  })

  test('within the grace the old one still works, after it the login ends', async () => {
    const clock = testClock()
    const server = await start({ refresh: { grace: 60_000 }, now: clock.now })
    const { tokens, ...party } = await login(server)
    await refresh(party, tokens.refresh_token)
    clock.advance(59_999)
    const again = await refresh(party, tokens.refresh_token)
    clock.advance(1)
    expect(await refusalOf(refresh(party, tokens.refresh_token))).toBe('invalid_grant')
    expect(await refusalOf(refresh(party, again.refresh_token))).toBe('invalid_grant')
  })

  test('survives: the old one is refused, the new one lives', async () => {
    const server = await start({ refresh: 'survives' })
    const { tokens, ...party } = await login(server)
    const next = await refresh(party, tokens.refresh_token)
    expect(await refusalOf(refresh(party, tokens.refresh_token))).toBe('invalid_grant')
    expect((await refresh(party, next.refresh_token)).access_token).toMatch(/^at_/)
    expect(server.stats()).toMatchObject({ refreshes: 2, reuses: 1, deadFamilies: 0 })
  })

  test('reusable: the answer carries none, and the old one stays', async () => {
    const { tokens, ...party } = await login(await start({ refresh: 'reusable' }))
    expect((await refresh(party, tokens.refresh_token)).refresh_token).toBeUndefined()
    expect((await refresh(party, tokens.refresh_token)).access_token).toMatch(/^at_/)
  })

  test('none: there is nothing to renew with', async () => {
    const { tokens, as } = await login(await start({ refresh: 'none' }))
    expect(tokens.refresh_token).toBeUndefined()
    expect(as.grant_types_supported).not.toContain('refresh_token')
  })

  test('can be refused in a server’s own way', async () => {
    const { endpoints, clientId } = await start({ refusedRefresh: { status: 400, body: '' } })
    const form = { grant_type: 'refresh_token', refresh_token: 'x', client_id: clientId }
    expect(await post(endpoints.token, form)).toMatchObject({ status: 400, text: '' })
  })

  test('is refused to another client, and after its lifetime', async () => {
    const redirects = ['http://127.0.0.1/callback']
    const clients = [
      { id: 'one', redirects },
      { id: 'two', redirects },
    ]
    const { tokens, as } = await login(await start({ clients }))
    expect(await refusalOf(refresh({ as, client: { client_id: 'two' } }, tokens.refresh_token))).toBe(
      'invalid_grant',
    )
    const { tokens: short, ...party } = await login(await start({ refreshTokenTtl: 0 }))
    expect(await refusalOf(refresh(party, short.refresh_token))).toBe('invalid_grant')
  })
})

describe('lifetimes', () => {
  test('an access token expires; expires_in is rounded up', async () => {
    const clock = testClock()
    const server = await start({ accessTokenTtl: 700, now: clock.now })
    const { tokens } = await login(server)
    expect(tokens.expires_in).toBe(1)
    clock.advance(699)
    expect(await me(server, tokens.access_token)).toBe(200)
    clock.advance(1)
    expect(await me(server, tokens.access_token)).toBe(401)
  })

  test('access tokens, refresh tokens and logins can be ended from outside', async () => {
    const server = await start()
    const { tokens, ...party } = await login(server)
    server.expireAccessTokens()
    expect(await me(server, tokens.access_token)).toBe(401)
    const next = await refresh(party, tokens.refresh_token)
    expect(await me(server, next.access_token)).toBe(200)
    server.expireRefreshTokens()
    expect(await refusalOf(refresh(party, next.refresh_token))).toBe('invalid_grant')
    server.killFamilies()
    expect(await me(server, next.access_token)).toBe(401)
  })
})

describe('revocation', () => {
  test('of an access token ends that one; of a refresh token the login', async () => {
    const server = await start()
    const { tokens, ...party } = await login(server)
    await revoke(party, tokens.access_token)
    expect(await me(server, tokens.access_token)).toBe(401)
    const next = await refresh(party, tokens.refresh_token)
    await revoke(party, next.refresh_token!)
    expect(await me(server, next.access_token)).toBe(401)
    expect(server.stats()).toMatchObject({ revocations: 2, deadFamilies: 1 })
  })

  test('of an unknown token is no error; of another client’s does nothing', async () => {
    const redirects = ['http://127.0.0.1/callback']
    const server = await start({
      clients: [
        { id: 'one', redirects },
        { id: 'two', redirects },
      ],
    })
    const { tokens, as } = await login(server)
    await revoke({ as, client: { client_id: 'two' } }, 'unknown')
    await revoke({ as, client: { client_id: 'two' } }, tokens.access_token)
    expect(await me(server, tokens.access_token)).toBe(200)
  })

  test('can want a confidential client, and can be missing', async () => {
    const { endpoints, clientId } = await start({ revocation: 'client-auth' })
    expect(await post(endpoints.revocation, { token: 'x', client_id: clientId })).toMatchObject({
      status: 401,
      text: '',
    })
    const redirects = ['http://127.0.0.1/callback']
    const web = await start({
      revocation: 'client-auth',
      clients: [{ id: 'web', secret: 's3cret', redirects }],
    })
    const proved = { token: 'x', client_id: 'web', client_secret: 's3cret' }
    expect((await post(web.endpoints.revocation, proved)).status).toBe(200)
    const none = await start({ revocation: false })
    expect((await post(none.endpoints.revocation, { token: 'x' })).status).toBe(404)
    expect((await discover(none.issuer)).revocation_endpoint).toBeUndefined()
  })
})

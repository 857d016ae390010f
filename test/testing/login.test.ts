import * as oauth from 'oauth4webapi'
import { describe, expect, test } from 'vitest'
import { attempt, callback, exchange, login, me, REDIRECT, refusalOf } from './client.ts'
import { post, start } from './servers.ts'

describe('a login by code', () => {
  test.each(['ES256', 'RS256'] as const)(
    'ends in tokens that the client library accepts (%s)',
    async (signing) => {
      const server = await start({ signing })
      const { tokens } = await login(server)
      expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({
        sub: 'user-1',
        email: 'ada@example.com',
      })
      expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: 'openid email' })
      expect(await me(server, tokens.access_token)).toBe(200)
      expect(server.stats()).toMatchObject({
        codes: 1,
        exchanges: 1,
        refreshes: 0,
        families: 1,
        tokensIssued: 2,
      })
    },
  )

  test('carries state and iss, and no iss when it is off', async () => {
    const begun = await attempt(await start())
    const called = await callback(begun)
    expect(called.searchParams.get('state')).toBe(begun.state)
    expect(called.searchParams.get('iss')).toBe(begun.as.issuer)
    const without = await attempt(await start({ iss: false }))
    expect((await callback(without)).searchParams.has('iss')).toBe(false)
    expect(without.as.authorization_response_iss_parameter_supported).toBeUndefined()
  })

  test('asks on a page, and takes no for an answer', async () => {
    const server = await start({ consent: 'form' })
    const begun = await attempt(server)
    expect((await callback(begun)).searchParams.has('code')).toBe(true)
    const refused = exchange(begun, await callback(begun, 'deny'))
    expect(await refusalOf(refused)).toBe('access_denied')
    expect(server.stats().codes).toBe(1)
  })

  test('can be refused by everybody, and be of another user', async () => {
    const denying = await attempt(await start({ consent: 'deny' }))
    expect((await callback(denying)).searchParams.get('error')).toBe('access_denied')
    const { tokens } = await login(await start({ user: { sub: 'user-2' } }))
    expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({ sub: 'user-2', name: 'Ada Lovelace' })
  })

  test('needs PKCE by S256', async () => {
    const server = await start()
    for (const flaw of [
      { code_challenge: '' },
      { code_challenge_method: 'plain' },
      { code_challenge: 'short' },
    ]) {
      const called = await callback(await attempt(server, flaw))
      expect(called.searchParams.get('error')).toBe('invalid_request')
    }
  })

  test.each([
    ['another path', { redirect_uri: 'http://127.0.0.1:9/other' }, 400],
    ['another host', { redirect_uri: 'https://evil.example/callback' }, 400],
    ['an added query', { redirect_uri: `${REDIRECT}?x=1` }, 400],
    ['a fragment', { redirect_uri: `${REDIRECT}#x` }, 400],
    ['an empty fragment', { redirect_uri: `${REDIRECT}#` }, 400],
    ['none', { redirect_uri: '' }, 400],
    ['an unknown client', { client_id: 'stranger' }, 400],
  ])('never redirects to a doubtful address: %s', async (_, flaw, status) => {
    const { url } = await attempt(await start(), flaw)
    const response = await fetch(url, { redirect: 'manual' })
    expect(response.status).toBe(status)
    expect(response.headers.has('location')).toBe(false)
  })

  test('lets in any loopback port, or only those of a list', async () => {
    const redirects = ['http://127.0.0.1/callback']
    const begun = await attempt(await start({ clients: [{ id: 'listed', redirects, ports: [9, 10] }] }))
    expect((await fetch(begun.url, { redirect: 'manual' })).status).toBe(303)
    begun.url.searchParams.set('redirect_uri', 'http://127.0.0.1:11/callback')
    expect((await fetch(begun.url, { redirect: 'manual' })).status).toBe(403)
  })

  test.each([
    ['code_verifier', 'x'.repeat(43)],
    ['redirect_uri', 'http://127.0.0.1:10/callback'],
    ['code', 'code_unknown'],
  ])('exchanges nothing for a wrong %s', async (name, value) => {
    const server = await start()
    const begun = await attempt(server)
    const code = (await callback(begun)).searchParams.get('code')!
    const grant = { grant_type: 'authorization_code', client_id: server.clientId }
    const right = { ...grant, code, redirect_uri: REDIRECT, code_verifier: begun.verifier }
    const wrong = await post(server.endpoints.token, { ...right, [name]: value })
    expect(wrong).toMatchObject({ status: 400, text: expect.stringContaining('invalid_grant') })
    expect((await post(server.endpoints.token, right)).status).toBe(200)
  })

  test('a code of one client is nothing to another', async () => {
    const redirects = ['http://127.0.0.1/callback']
    const server = await start({
      clients: [
        { id: 'one', redirects },
        { id: 'two', redirects },
      ],
    })
    const begun = await attempt(server)
    const stolen = { ...begun, client: { client_id: 'two' } }
    expect(await refusalOf(exchange(stolen, await callback(begun)))).toBe('invalid_grant')
  })

  test('a code used twice ends the login', async () => {
    const server = await start()
    const begun = await attempt(server)
    const called = await callback(begun)
    const tokens = await exchange(begun, called)
    expect(await refusalOf(exchange(begun, called))).toBe('invalid_grant')
    expect(await me(server, tokens.access_token)).toBe(401)
    expect(server.stats()).toMatchObject({ reuses: 1, deadFamilies: 1 })
  })

  test('a code has its time', async () => {
    const begun = await attempt(await start({ codeTtl: 0 }))
    expect(await refusalOf(exchange(begun, await callback(begun)))).toBe('invalid_grant')
  })

  test('a confidential client proves itself', async () => {
    const clients = [{ id: 'web', secret: 's3cret', redirects: ['http://127.0.0.1/callback'] }]
    const begun = await attempt(await start({ clients }))
    expect(await refusalOf(exchange(begun, await callback(begun)))).toBe('invalid_client')
  })
})

describe('the token endpoint', () => {
  test('takes a form only, and each parameter once', async () => {
    const { endpoints, clientId } = await start()
    const form = `grant_type=refresh_token&refresh_token=x&client_id=${clientId}`
    const json = await post(endpoints.token, form, { 'content-type': 'application/json' })
    const twice = await post(endpoints.token, `${form}&client_id=${clientId}`)
    for (const answer of [json, twice]) {
      expect(answer).toMatchObject({ status: 400, text: expect.stringContaining('invalid_request') })
    }
  })

  test('forbids caches, and knows no other grant', async () => {
    const { endpoints, clientId } = await start()
    const answer = await post(endpoints.token, { grant_type: 'password', client_id: clientId })
    expect(answer.text).toContain('unsupported_grant_type')
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })
})

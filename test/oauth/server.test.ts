import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { addBearer } from '../../src/oauth/bearer.ts'
import { discover } from '../../src/oauth/discover.ts'
import { fetchProfile } from '../../src/oauth/profile.ts'
import { revoke } from '../../src/oauth/revoke.ts'
import { buildServer, listEndpoints, parseEndpointUrl } from '../../src/oauth/server.ts'
import { exchangeCode, refreshTokens } from '../../src/oauth/token.ts'
import { failureOf } from '../client/client-context.ts'
import { start } from '../testing/servers.ts'
import { type Answer, answering, approved, partyAt, partyOf, port } from './kit.ts'

describe('discovery', () => {
  test.each([
    ['openid', 1],
    ['oauth', 2],
  ] as const)('finds %s', async (discovery, requests) => {
    const server = await start({ discovery })
    const { metadata, issuerKnown } = await discover(port, server.issuer)
    expect([metadata.token_endpoint, issuerKnown]).toEqual([server.endpoints.token, true])
    expect(server.stats().by.discovery ?? 0).toBe(1)
    expect(server.stats().requests).toBe(requests)
  })

  test('that finds nothing says what to write instead', async () => {
    const server = await start({ discovery: false })
    expect(await failureOf(discover(port, server.issuer))).toMatchObject({
      code: 'configuration',
      hint: expect.stringContaining('endpoints'),
    })
  })

  test.each([500, 503, 429])('that is answered by %i is a passing failure', async (status) => {
    const { origin } = await answering({ status })
    expect(await failureOf(discover(port, origin))).toMatchObject({ code: 'network' })
  })

  test('a document of another issuer is refused', async () => {
    const { origin } = await answering({
      body: { issuer: 'https://evil.example', token_endpoint: 'https://evil.example/t' },
    })
    expect(await failureOf(discover(port, origin))).toMatchObject({ code: 'configuration' })
  })

  test.each([5, 'openid', null, [7], { includes: 1 }])(
    'scopes %j are no list of scopes, and hinder nothing',
    async (scopes_supported) => {
      const { origin } = await answering(({ headers }) => ({
        body: { issuer: `http://${headers.host}`, scopes_supported },
      }))
      expect((await discover(port, origin)).metadata).not.toHaveProperty('scopes_supported')
    },
  )

  test('a redirect is not followed', async () => {
    const evil = await answering({ body: {} })
    const { origin } = await answering({ status: 302, headers: { location: evil.origin } })
    expect(await failureOf(discover(port, origin))).toMatchObject({ code: 'configuration' })
    expect(evil.seen).toEqual([])
  })

  const ENDPOINTS = ['authorization', 'token', 'revocation', 'device_authorization', 'userinfo']
  const BAD = ['http://id.example.com/x', 'javascript:alert(1)', 'file:///etc/passwd', 'x', 5, {}]
  test.each(ENDPOINTS.flatMap((name) => BAD.map((url) => [name, url] as const)))(
    'refuses %s %j',
    async (name, url) => {
      const { origin } = await answering(({ headers }) => ({
        body: {
          issuer: `http://${headers.host}`,
          token_endpoint: `http://${headers.host}/t`,
          [`${name}_endpoint`]: url,
        },
      }))
      expect(await failureOf(discover(port, origin))).toMatchObject({ code: 'configuration' })
    },
  )

  test('what a server writes as null, it lacks', async () => {
    const server = await start({
      mangle: (json, at) => (at === 'discovery' ? { ...json, revocation_endpoint: null } : json),
    })
    expect((await discover(port, server.issuer)).metadata.revocation_endpoint).toBeUndefined()
  })

  test('a server elsewhere cannot name endpoints on this machine', async () => {
    const issuer = 'https://id.example.com'
    const fetch = async () =>
      Response.json({ issuer, token_endpoint: 'http://127.0.0.1:2375/containers/create' })
    expect(await failureOf(discover({ ...port, fetch }, issuer))).toMatchObject({ code: 'configuration' })
  })

  test('plain http is for this machine alone', async () => {
    for (const issuer of [
      'http://id.example.com',
      'http://127.0.0.1.evil.example',
      'http://localhost.evil.example',
    ])
      expect(await failureOf(discover(port, issuer))).toMatchObject({ code: 'configuration' })
    for (const text of [
      'http://127.0.0.1:1/x',
      'http://[::1]:1',
      'http://localhost/x',
      'https://id.example.com',
    ])
      expect(parseEndpointUrl(text, 'it').href).toContain(text)
  })

  test('what is remembered of a server is enough to renew with', async () => {
    const party = await partyOf(await start())
    const outcome = await exchangeCode(party, await approved(party))
    const again = { ...party, server: buildServer(listEndpoints(party.server)) }
    if ('refusal' in outcome) throw new Error(outcome.refusal.message)
    expect(await refreshTokens(again, outcome.tokens.refreshToken!)).toHaveProperty('tokens.accessToken')
  })
})

describe('a revocation', () => {
  const token = new Secret('rt-echoed-123456')

  test('of a refresh token ends the login at the server', async () => {
    const server = await start()
    const party = await partyOf(server)
    const outcome = await exchangeCode(party, await approved(party))
    if ('refusal' in outcome) throw new Error(outcome.refusal.message)
    expect(await revoke(party, outcome.tokens.refreshToken!, 'refresh_token')).toEqual({ outcome: 'revoked' })
    expect(server.stats()).toMatchObject({ revocations: 1, deadFamilies: 1 })
  })

  test('where there is none is unsupported', async () => {
    const party = await partyOf(await start({ revocation: false }))
    expect(await revoke(party, token, 'refresh_token')).toEqual({ outcome: 'unsupported' })
  })

  test.each<[string, Answer]>([
    ['401', { status: 401 }],
    ['503', { status: 503 }],
    ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:1/' } }],
    [
      'an error that echoes the token',
      { status: 400, body: { error: 'x', error_description: token.reveal() } },
    ],
  ])('that is answered by %s failed, and says why without the token', async (_, answer) => {
    const { origin } = await answering(answer)
    const outcome = await revoke(partyAt(origin), token, 'refresh_token')
    expect(outcome).toMatchObject({ outcome: 'failed', why: expect.any(String) })
    expect(JSON.stringify(outcome)).not.toContain('rt-echoed')
  })

  test('never throws, not even for a server that is gone or an endpoint that is none', async () => {
    const gone = await answering({})
    gone.close()
    expect(await revoke(partyAt(gone.origin), token, 'access_token')).toMatchObject({ outcome: 'failed' })
    const party = partyAt(gone.origin)
    const metadata = { ...party.server.metadata, revocation_endpoint: 'http://evil.example/r' }
    expect(
      await revoke({ ...party, server: { metadata, issuerKnown: false } }, token, 'access_token'),
    ).toMatchObject({
      outcome: 'failed',
    })
  })

  test('sends the token, its kind and the client, and nothing else', async () => {
    const { origin, seen } = await answering({})
    await revoke(partyAt(origin), token, 'refresh_token')
    expect(Object.fromEntries(seen[0]!.form)).toEqual({
      token: token.reveal(),
      token_type_hint: 'refresh_token',
      client_id: 'cli',
    })
  })
})

describe('a client’s secret', () => {
  test('is not shown when a server repeats it, however it was sent', async () => {
    const { origin } = await answering({
      status: 400,
      body: { error: 'invalid_request', error_description: 'bad secret: web:s3cret+with/signs%' },
    })
    for (const auth of ['basic', 'post'] as const) {
      const client = { id: 'web', secret: new Secret('s3cret+with/signs%'), auth }
      const outcome = await refreshTokens(partyAt(origin, { client }), new Secret('rt'))
      expect(JSON.stringify(outcome)).not.toContain('s3cret')
    }
  })

  test.each([
    [undefined, 'post'],
    [['client_secret_basic'], 'basic'],
    [['client_secret_basic', 'client_secret_post'], 'post'],
  ] as const)('is presented as the server wants it: %j', async (methods, way) => {
    const { origin, seen } = await answering({ body: { access_token: 'x', token_type: 'bearer' } })
    const party = partyAt(origin, { client: { id: 'web', secret: new Secret('s3cret') } })
    const metadata = {
      ...party.server.metadata,
      ...(methods && { token_endpoint_auth_methods_supported: [...methods] }),
    }
    await refreshTokens({ ...party, server: { metadata, issuerKnown: false } }, new Secret('rt'))
    expect(seen[0]!.form.has('client_secret')).toBe(way === 'post')
    expect(seen[0]!.headers.authorization !== undefined).toBe(way === 'basic')
  })
})

describe('a profile', () => {
  const token = new Secret('at-1')

  test.each([
    [401, 'login_required'],
    // Too few scopes, or too many requests: another token of the same kind would be refused as well.
    [403, 'refused'],
  ])('%i is %s', async (status, code) => {
    const { origin } = await answering({ status, body: { message: 'Bad credentials' } })
    expect(await failureOf(fetchProfile(port, { url: `${origin}/me` }, token))).toMatchObject({ code })
  })

  test('is not fetched from wherever a redirect leads', async () => {
    const evil = await answering({ body: { login: 'evil' } })
    const { origin } = await answering({ status: 302, headers: { location: evil.origin } })
    expect(await failureOf(fetchProfile(port, { url: `${origin}/me` }, token))).toMatchObject({
      code: 'network',
    })
    expect(evil.seen).toEqual([])
  })

  test.each(['a\nb', 'a\0b', 'gr\u00fcn', 'a\r\nX-Evil: 1', ''])(
    'a token that no header can carry (%j) is not sent and not quoted',
    async (text) => {
      const { origin, seen } = await answering({ body: {} })
      const error = await failureOf(fetchProfile(port, { url: origin }, new Secret(text)))
      expect(error).toMatchObject({ code: 'usage' })
      expect(error.cause).toBeUndefined()
      expect(seen).toEqual([])
      expect(() => addBearer(new Request(origin), new Secret(text))).toThrow(
        expect.objectContaining({ code: 'usage' }),
      )
    },
  )
})

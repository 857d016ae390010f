/** What servers, files and callers hand in that nobody expects. */
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { createEnvRef } from '../../src/config/env-tag.ts'
import type { Config } from '../../src/config/schema.ts'
import { DaypassError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { start } from '../testing/servers.ts'
import { failureOf, world } from './client-context.ts'

const config = (auth: unknown) => ({ auth }) as Config

test('an issuer written with another trailing slash is the same server', async () => {
  const server = await start()
  const { daypass, login } = await world({ server })
  await login('work', { given: { clientId: server.clientId, params: { issuer: `${server.issuer}/` } } })
  expect((await daypass.credential('work')).kind).toBe('bearer')
  expect((await daypass.refresh('work', { force: true })).outcome).toBe('renewed')
})

test.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
  '%s is no identity and no provider',
  async (name) => {
    const { daypass } = await world({ config: config({ identities: {}, providers: {} }) })
    for (const asked of [
      daypass.credential(name),
      daypass.login(name),
      daypass.logout(name),
      daypass.remove(name),
    ])
      expect(await failureOf(asked)).toMatchObject({ code: 'not_found' })
  },
)

test('a pasted token with a line break is refused, and not quoted', async () => {
  const server = await start()
  const { login } = await world({ server })
  const token = new Secret('pat-with\nnewline-SECRET')
  const error = await failureOf(login('work', { method: 'token', token }))
  expect(inspect(error, { depth: 9 })).not.toContain('SECRET')
})

test('a refresh token that the server echoes is not shown', async () => {
  const server = await start()
  const w = await world({ server })
  await w.login()
  const echoed = (await w.refreshToken())!
  const body = JSON.stringify({ error: 'invalid_grant', error_description: `token ${echoed} expired` })
  server.failNext({ endpoint: 'refresh', status: 400, body })
  const { error } = await w.daypass.refresh('work', { force: true })
  const seen = inspect([error, await w.daypass.list(), await w.header()], { depth: 9 })
  expect(seen).toContain('expired')
  expect(seen).not.toContain(echoed)
})

test('a lifetime beyond all time breaks no table', async () => {
  const server = await start({
    mangle: (json, endpoint) => (endpoint === 'code' ? { ...json, expires_in: 1e300 } : json),
  })
  const w = await world({ server })
  await w.login()
  expect((await w.daypass.list()).identities.map(({ row }) => row.state)).toEqual(['valid'])
})

test('what a login keeps can be read again, whatever the server said of its endpoints', async () => {
  for (const userinfo_endpoint of [5, 'http://evil.example/userinfo', null]) {
    const server = await start({
      mangle: (json, endpoint) => (endpoint === 'discovery' ? { ...json, userinfo_endpoint } : json),
    })
    const w = await world({ server })
    const failed = await w.login().then(
      () => undefined,
      (error: { code: string }) => error.code,
    )
    expect(failed).toBe(userinfo_endpoint === null ? undefined : 'configuration')
    if (failed === undefined)
      expect((await w.daypass.refresh('work', { force: true })).outcome).toBe('renewed')
  }
})

test.each([false, true])(
  'a secret that goes by basic at the login goes so ever after (two steps: %s)',
  async (twice) => {
    const server = await start({
      clients: [{ id: 'web', secret: 's3cret', redirects: ['http://127.0.0.1/callback'] }],
      device: false,
      mangle: (json, endpoint) =>
        endpoint === 'discovery'
          ? { ...json, token_endpoint_auth_methods_supported: ['client_secret_basic'] }
          : json,
    })
    const work = { kind: 'oidc/user', issuer: server.issuer, client_id: 'web', client_secret: 's3cret' }
    const w = await world({ server, config: config({ identities: { work } }) })
    if (twice) {
      const { id, url } = await w.daypass.startLogin('work')
      const { scriptedBrowser } = await import('../../src/testing/index.ts')
      await w.daypass.finishLogin(id, {
        pasted: (await scriptedBrowser({ stopAtCallback: true }).visit(url)).url,
      })
    } else await w.daypass.login('work')
    await w.daypass.refresh('work', { force: true })
    await w.daypass.logout('work')
    const posts = w.requests.filter(({ init }) => init?.method === 'POST')
    expect(posts).toHaveLength(3)
    for (const { init } of posts) {
      expect(new Headers(init!.headers).get('authorization')).toMatch(/^Basic /)
      expect(String(init!.body)).not.toContain('s3cret')
    }
  },
)

test.each(['nope', '../../x', 'a b', '', '0123456789abcdef'])(
  '%j is the id of no started login',
  async (id) => {
    const { daypass } = await world()
    expect(await failureOf(daypass.finishLogin(id))).toMatchObject({ code: 'not_found' })
  },
)

test('a record that was tampered with opens nothing', async () => {
  const server = await start()
  const evil = await start()
  const w = await world({ server })
  await w.login()
  const tampered = { ...w.vault }
  const asWritten = await w.header()
  // The clear line alone is believed by `list`; a grant never leaves on its word.
  tampered.header = async () => ({
    ...asWritten,
    params: { issuer: evil.issuer },
    endpoints: { token: evil.endpoints.token },
  })
  const later = await world({ vault: tampered })
  later.advance(3_600_000)
  expect(await failureOf(later.daypass.credential('work'))).toMatchObject({ code: 'login_required' })
  expect(evil.stats().requests).toBe(0)
})

test('a configured client secret goes to its own server and with its own client only', async () => {
  const [own, other] = [await start(), await start()]
  const work = {
    kind: 'oidc/user',
    issuer: own.issuer,
    client_id: own.clientId,
    client_secret: 'CONFIGURED-SECRET',
  }
  const w = await world({ config: config({ identities: { work } }) })
  const sent = () => w.requests.map(({ init }) => inspect([init?.body, init?.headers], { depth: 9 })).join()
  for (const given of [{ params: { issuer: other.issuer } }, { clientId: 'another' }]) {
    await w.daypass.login('work', { method: 'device', given }).catch(() => undefined)
    await w.daypass.startLogin('work', { given }).catch(() => undefined)
  }
  expect(sent()).not.toContain('CONFIGURED-SECRET')
  await w.daypass.login('work').catch(() => undefined)
  expect(sent()).toContain('CONFIGURED-SECRET')
})

test('a default that changes during a request does not change whose token is sent', async () => {
  const server = await start()
  const w = await world({
    server,
    fetch: async (input, init) => {
      const url = input instanceof Request ? input.url : String(input)
      // While the first request is on its way, somebody makes the other one the default.
      if (url.endsWith('/me')) await w.daypass.use('b')
      return fetch(input, init)
    },
  })
  await w.login('a', { setDefault: true })
  await w.login('b')
  server.expireAccessTokens()
  const b = (await w.vault.read('b'))!.grant!.credential
  await w.daypass.fetch()(`${server.issuer}/me`)
  const bearers = w.requests
    .map(({ url, init }) => ({ url, init }))
    .filter(({ url }) => url.endsWith('/me'))
    .map(({ init }) => new Headers(init?.headers).get('authorization'))
  expect(bearers).not.toContain(`Bearer ${b.kind === 'bearer' ? b.token.reveal() : ''}`)
  expect((await w.header('b')).lastRenewal).toBeUndefined()
  expect((await w.header('a')).lastRenewal).toBeDefined()
})

test('a personal access token is bound to the server that knew it', async () => {
  const [own, other] = [
    await start({ personalTokens: ['pat-1'] }),
    await start({ personalTokens: ['pat-1'] }),
  ]
  const at = (server: typeof own) =>
    config({ providers: { acme: { endpoints: { userinfo: server.endpoints.userinfo } } } })
  const w = await world({ config: at(own) })
  await w.daypass.login('acme', { method: 'token', token: new Secret('pat-1') })
  const moved = await world({ vault: w.vault, config: at(other) })
  expect((await moved.daypass.status('acme')).row.state).toBe('login_required')
  expect(await failureOf(moved.daypass.check('acme'))).toMatchObject({ code: 'login_required' })
  expect(moved.requests).toEqual([])
})

test('two who log in to one new name at once do not replace each other', async () => {
  const [one, two] = [await start(), await start({ user: { sub: 'user-2', email: 'bob@example.com' } })]
  const w = await world({})
  const login = (server: typeof one) =>
    w.daypass.login('oidc', {
      name: 'work',
      given: { params: { issuer: server.issuer }, clientId: server.clientId },
    })
  const outcomes = await Promise.allSettled([login(one), login(two)])
  const refused = outcomes.filter(({ status }) => status === 'rejected')
  expect(refused).toHaveLength(1)
  expect(refused[0]).toMatchObject({ reason: { code: 'usage', hint: expect.stringContaining('--name') } })
  // What was issued to whom came second is ended.
  expect(one.stats().revocations + two.stats().revocations).toBe(1)
})

test('a folder file or a state that is damaged is no trouble of an identity that was named', async () => {
  const w = await world({ server: await start() })
  await w.login()
  w.context.choices.folder = () => Promise.reject(new DaypassError('configuration', 'damaged'))
  w.context.choices.readDefault = () => {
    throw new DaypassError('vault', 'damaged')
  }
  expect((await w.daypass.credential('work')).kind).toBe('bearer')
  expect((await w.login('other')).default).toBe('no')
  expect(w.warned).toEqual([expect.stringContaining('could not become the default')])
})

test('an identity whose definition is wrong can be removed, and is revoked', async () => {
  const server = await start()
  const w = await world({ server })
  await w.login()
  const identities = { work: { kind: 'oidc/user', issuer: createEnvRef('WRONG') } }
  const later = await world({ vault: w.vault, config: config({ identities }), env: { WRONG: 'not a url' } })
  later.stored.default = 'work'
  expect(await later.daypass.remove('work')).toMatchObject({
    revocation: { outcome: 'revoked' },
    wasDefault: true,
  })
  expect([await w.vault.list(), later.stored.default]).toEqual([[], undefined])
})

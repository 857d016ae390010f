/** A login to Cloudinary, from the browser to its end. */
import { describe, expect, test } from 'vitest'
import { createDefinition } from '../../src/identity/definition.ts'
import { cloudinary as provider } from '../../src/providers/index.ts'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { failureOf } from './client-context.ts'
import { cloud, MINUTE } from './cloudinary-context.ts'

describe('a login', () => {
  test('is called after its cloud, lives five minutes, and opens the API', async () => {
    const w = await cloud()
    const { header, default: isDefault } = await w.login()
    expect(header).toMatchObject({
      name: 'acme',
      kind: 'cloudinary/account',
      method: 'browser',
      renewable: true,
      account: { account: 'acme' },
      params: { region: 'api', scopes: 'openid offline_access asset_management upload' },
    })
    expect(isDefault).toBe('made')
    expect(header.expiresAt! - header.issuedAt!).toBe(5 * MINUTE)
    expect((await w.pinged(await w.token('acme'))).status).toBe(200)
    const answer = await w.daypass.fetch('acme')(`${w.cloudinary.apiUrl}/v1_1/acme/ping`)
    expect(await answer.json()).toEqual({ status: 'ok' })
  })

  test('asks for what the vendor’s own client asks for, and no more than a nonce beside it', async () => {
    const w = await cloud()
    await w.login()
    const url = await w.requested()
    expect(url.pathname).toBe('/oauth2/auth')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'a920ea9c-531b-4613-9783-1d4f4cc10655',
      redirect_uri: `http://127.0.0.1:${w.cloudinary.redirectPort}/callback`,
      response_type: 'code',
      scope: 'openid offline_access asset_management upload',
      state: expect.stringMatching(/^[\w-]{22,}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      nonce: expect.any(String),
    })
  })

  test.each([
    ['eu', 'acme-eu'],
    ['api-eu', 'acme-eu'],
    ['staging', 'acme-staging'],
    ['api', 'acme'],
  ])('in the region %s is called %s', async (region, name) => {
    const w = await cloud()
    expect((await w.login({ given: { params: { region } } })).header.name).toBe(name)
    const fromEnvironment = await cloud({}, { env: { CLOUDINARY_REGION: ` ${region} ` } })
    expect((await fromEnvironment.login()).header.name).toBe(name)
    // What is known of it counts for more.
    Object.assign(fromEnvironment.host.env, { CLOUDINARY_REGION: 'other' })
    expect((await fromEnvironment.daypass.login(name)).header.params.region).toBe(region)
  })

  test.each([null, ''])('that names no cloud (%j) is refused, revoked, and not kept', async (name) => {
    const w = await cloud({ cloud: name })
    expect(await failureOf(w.login())).toMatchObject({
      code: 'refused',
      message: 'the access token names no cloud (ext.cloud_name), and without one nothing can be asked',
    })
    expect(w.cloudinary.stats()).toMatchObject({ families: 1, deadFamilies: 1, revocations: 1 })
    expect(await w.vault.names()).toEqual([])
    expect((await w.browser.visited()).body).toContain('Logging in to Cloudinary failed')
  })

  test('whose answer does not say when it ends lives as long as its token says', async () => {
    const w = await cloud({ expiresIn: false, accessTokenTtl: 4 * MINUTE })
    const { header } = await w.login()
    expect(Math.abs(header.expiresAt! - w.host.now() - 4 * MINUTE)).toBeLessThan(5000)
    w.advance(3.5 * MINUTE)
    const before = await w.token('acme')
    expect(w.cloudinary.stats().refreshes).toBe(1)
    w.advance(3.5 * MINUTE)
    expect(await w.token('acme')).not.toBe(before)
  })

  test('to another cloud than the one that is wanted is refused', async () => {
    const config = {
      auth: { identities: { shop: { kind: 'cloudinary/account', cloud_name: 'wanted' } } },
    }
    const w = await cloud({}, { config })
    expect(await failureOf(w.daypass.login('shop'))).toMatchObject({
      code: 'refused',
      message: 'acme has logged in to shop, and it is to be the cloud wanted',
    })
    expect(w.cloudinary.stats().deadFamilies).toBe(1)
    w.cloudinary.signInTo('wanted')
    expect((await w.daypass.login('shop')).header.name).toBe('shop')
  })

  test('to another cloud does not take the place of the first', async () => {
    const w = await cloud()
    await w.login()
    w.cloudinary.signInTo('other')
    const { header, default: isDefault } = await w.login()
    expect([header.name, isDefault]).toEqual(['other', 'no'])
    expect(await failureOf(w.daypass.login('acme'))).toMatchObject({
      message: 'acme belongs to acme, and other logged in',
    })
    expect(await w.vault.names()).toEqual(['acme', 'other'])
  })

  test('in two steps is carried over by hand', async () => {
    const w = await cloud()
    const { id, url } = await w.daypass.startLogin('cloudinary')
    const { url: pasted } = await scriptedBrowser({ stopAtCallback: true }).visit(url)
    expect((await w.daypass.finishLogin(id, { pasted }))?.header.name).toBe('acme')
  })

  test('without a browser and without a terminal ends at once, with what would work', async () => {
    const w = await cloud({}, { browser: false })
    w.host.detectRuntimeEnvironment = () => ({ ...NOBODY })
    expect(await failureOf(w.login())).toMatchObject({
      code: 'login_required',
      message: 'no terminal and no browser to log in with',
      hint: 'daypass login cloudinary --start --json, or daypass login cloudinary --no-browser, or daypass login cloudinary --method keys',
    })
    expect(w.requests).toEqual([])
  })
})

const NOBODY = {
  ...({ platform: 'linux', interactive: false, ssh: false, wsl: false, container: false } as const),
  ...{ display: false, ci: false, browserSet: false },
}

describe('what the environment says of the client', () => {
  test('is its id, and its scopes', async () => {
    const env = { CLOUDINARY_OAUTH_CLIENT_ID: 'mine', CLOUDINARY_OAUTH_SCOPES: 'openid  upload' }
    const w = await cloud({}, { env })
    const { url } = await w.daypass.startLogin('cloudinary')
    const asked = new URL(url).searchParams
    expect([asked.get('client_id'), asked.get('scope')]).toEqual(['mine', 'openid upload'])
  })

  test('is where the browser comes back to: at first the only port that is registered', async () => {
    const w = await cloud({}, { env: { CLOUDINARY_OAUTH_REDIRECT_PORT: '' } })
    const redirect = async () =>
      new URL((await w.daypass.startLogin('cloudinary')).url).searchParams.get('redirect_uri')
    expect(await redirect()).toBe('http://127.0.0.1:49421/callback')
    const env = w.host.env as Record<string, string>
    env.CLOUDINARY_OAUTH_REDIRECT_HOST = 'localhost'
    env.CLOUDINARY_OAUTH_REDIRECT_PORT = '5001'
    expect(await redirect()).toBe('http://localhost:5001/callback')
  })

  test.each([
    ['CLOUDINARY_OAUTH_REDIRECT_HOST', 'evil.example', '127.0.0.1 or localhost, not "evil.example"'],
    ['CLOUDINARY_OAUTH_REDIRECT_HOST', '127.0.0.1.evil.example', '127.0.0.1 or localhost'],
    ['CLOUDINARY_OAUTH_REDIRECT_HOST', '0.0.0.0', '127.0.0.1 or localhost'],
    ['CLOUDINARY_OAUTH_REDIRECT_PORT', '0', 'a port from 1 to 65535, not "0"'],
    ['CLOUDINARY_OAUTH_REDIRECT_PORT', '65536', 'a port from 1 to 65535'],
    ['CLOUDINARY_OAUTH_REDIRECT_PORT', '80x', 'a port from 1 to 65535'],
  ])('is wrong when %s is %s', async (name, value, expected) => {
    const w = await cloud({}, { env: { [name]: value } })
    const error = await failureOf(w.login())
    expect(error).toMatchObject({ code: 'configuration', hint: `unset ${name}` })
    expect(error.message).toContain(`${name} is to be ${expected}`)
    expect(w.browser.opened).toEqual([])
    expect(await w.daypass.list()).toMatchObject({ identities: [], problems: [] })
  })
})

test.each([
  ['api', 'https://api.cloudinary.com', 'https://oauth.cloudinary.com'],
  ['eu', 'https://api-eu.cloudinary.com', 'https://oauth.cloudinary.com'],
  ['api-eu', 'https://api-eu.cloudinary.com', 'https://oauth.cloudinary.com'],
  ['ap', 'https://api-ap.cloudinary.com', 'https://oauth.cloudinary.com'],
  ['staging', 'https://api-staging.cloudinary.com', 'https://oauth-staging.cloudinary.com'],
  ['api-eu-2', 'https://api-eu-2.cloudinary.com', 'https://oauth-eu-2.cloudinary.com'],
])('the hosts of the region %s are %s and %s', (region, api, oauth) => {
  const { endpoints } = createDefinition('x', provider, { overrides: { params: { region } }, env: {} })
  expect(endpoints).toEqual({
    api,
    authorization: `${oauth}/oauth2/auth`,
    token: `${oauth}/oauth2/token`,
    revocation: `${oauth}/oauth2/revoke`,
  })
})

describe('a renewal', () => {
  test('comes when a token is asked for, and never for a look', async () => {
    const w = await cloud()
    await w.login()
    w.advance(10 * MINUTE)
    const asked = w.requests.length
    await w.daypass.list()
    expect((await w.row('acme')).state).toBe('stale')
    await w.daypass.resolve()
    await w.daypass.definition('acme')
    expect(w.requests.length).toBe(asked)
    expect((await w.pinged(await w.token('acme'))).status).toBe(200)
    expect(w.cloudinary.stats()).toMatchObject({ refreshes: 1, reuses: 0 })
    expect(await w.row('acme')).toMatchObject({ state: 'valid', account: 'acme' })
  })

  test('that fails in passing keeps the login, hands out what is still good, and says so once', async () => {
    const w = await cloud()
    await w.login()
    const old = await w.token('acme')
    w.advance(4.5 * MINUTE)
    w.cloudinary.failNext({ endpoint: 'refresh', status: 503, times: 3 })
    expect([await w.token('acme'), await w.token('acme')]).toEqual([old, old])
    expect(w.warned).toHaveLength(1)
    expect(w.warned[0]).toMatch(/^acme could not be renewed, using what is left of it: /)
    w.advance(MINUTE)
    expect(await failureOf(w.token('acme'))).toMatchObject({ code: 'network' })
    const renewed = await w.token('acme')
    expect(renewed).not.toBe(old)
    w.advance(4.5 * MINUTE)
    w.cloudinary.failNext({ endpoint: 'refresh', status: 503 })
    expect(await w.token('acme')).toBe(renewed)
    expect(w.warned).toHaveLength(2)
    expect(w.cloudinary.stats().reuses).toBe(0)
  })

  test('that the server refuses for good needs a login, and says which', async () => {
    const w = await cloud()
    await w.login()
    w.advance(10 * MINUTE)
    w.cloudinary.killFamilies()
    expect(await failureOf(w.token('acme'))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login acme',
    })
    expect(await w.row('acme')).toMatchObject({ state: 'login_required', account: 'acme' })
    await w.daypass.login('acme')
    expect((await w.pinged(await w.token('acme'))).status).toBe(200)
  })

  test('comes once for a token that the API refused before its time', async () => {
    const w = await cloud()
    await w.login()
    w.cloudinary.expireAccessTokens()
    const ask = w.daypass.fetch('acme')
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => ask(`${w.cloudinary.apiUrl}/v1_1/acme/ping`)),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(w.cloudinary.stats()).toMatchObject({ refreshes: 1, reuses: 0 })
  })

  test('by command tells what it did', async () => {
    const w = await cloud()
    await w.login()
    const refresh = async (force: boolean) => (await w.daypass.refresh('acme', { force })).outcome
    expect([await refresh(false), await refresh(true)]).toEqual(['fresh', 'renewed'])
    w.cloudinary.killFamilies()
    expect(await refresh(true)).toBe('failed')
  })
})

describe('a check', () => {
  test('asks the API, and renews what it refuses', async () => {
    const w = await cloud()
    await w.login()
    await w.daypass.check('acme')
    expect(w.cloudinary.seen().map(({ path, by }) => [path, by])).toEqual([['/v1_1/acme/ping', 'Bearer']])
    w.cloudinary.expireAccessTokens()
    await w.daypass.check('acme')
    expect(w.cloudinary.stats().refreshes).toBe(1)
    w.cloudinary.failApi({ status: 503 })
    expect(await failureOf(w.daypass.check('acme'))).toMatchObject({ code: 'network' })
  })
})

describe('a logout', () => {
  test('revokes the refresh token, forgets, and leaves no default', async () => {
    const w = await cloud()
    await w.login()
    const token = await w.token('acme')
    expect(await w.daypass.logout('acme')).toMatchObject({
      revocation: { outcome: 'revoked' },
      wasDefault: true,
    })
    expect(w.cloudinary.stats()).toMatchObject({ revocations: 1, deadFamilies: 1 })
    expect((await w.pinged(token)).status).toBe(401)
    expect((await w.vault.read('acme'))?.grant).toBeUndefined()
    expect(w.stored.default).toBeUndefined()
  })

  test('forgets though it could not be revoked, and says so', async () => {
    const w = await cloud()
    await w.login()
    w.cloudinary.failNext({ endpoint: 'revocation', status: 500 })
    expect(await w.daypass.logout('acme')).toMatchObject({ revocation: { outcome: 'failed' } })
    expect((await w.vault.read('acme'))?.grant).toBeUndefined()
  })
})

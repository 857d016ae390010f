/** The tenants of an account, and several environments side by side. */
import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/schema.ts'
import { Secret } from '../../src/core/secret.ts'
import { createMemoryVault } from '../../src/vault/open-vault.ts'
import type { PassportStandIn } from '../stand-ins/passport/server.ts'
import { failureOf, world } from './client-context.ts'
import { api, PAT, shop } from './passport-context.ts'

const inForce = (tenants: readonly { slug: string; current: boolean }[]) =>
  tenants.filter(({ current }) => current).map(({ slug }) => slug)

describe('the tenants of an account', () => {
  test.each([true, false])(
    'are what the server lists, the one in force marked; within data: %s',
    async (wrapped) => {
      const w = await shop({ wrapped })
      await w.login()
      expect(await w.daypass.tenants('shop')).toEqual([
        { slug: 'acme', name: 'Acme', current: true },
        { slug: 'globex', name: 'Globex Corporation', current: false },
      ])
    },
  )

  test('are asked for within the one that is given, for this time only', async () => {
    const w = await shop()
    await w.login()
    expect(inForce(await w.daypass.tenants('shop', { tenant: 'globex' }))).toEqual(['globex'])
    expect(inForce(await w.daypass.tenants('shop'))).toEqual(['acme'])
  })

  test.each([
    ['a tenant of others', 'umbrella', 'refused', 'You are not a member of this tenant.'],
    ['what is none', 'a b', 'usage', 'tenant is to be something like acme'],
  ])('are not listed within %s', async (_, tenant, code, message) => {
    const w = await shop()
    await w.login()
    expect(await failureOf(w.daypass.tenants('shop', { tenant }))).toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
  })

  test.each([
    [{ status: 503 }, 'network'],
    [{ cut: 'before' as const }, 'network'],
    [{ status: 404, body: '{"message":"Not Found"}' }, 'refused'],
    [{ status: 400, body: '{"message":"The X-Tenant header is required."}' }, 'refused'],
    [{ status: 200, body: '<html>' }, 'network'],
    [{ status: 302, headers: { location: 'https://example.com/' } }, 'network'],
  ])('are an error, and none that hides, where the server answers %j', async (fault, code) => {
    const w = await shop()
    await w.byToken()
    w.passport.failNext({ endpoint: 'resource', ...fault })
    expect(await failureOf(w.daypass.tenants('shop'))).toMatchObject({ code })
    expect(w.requests.every(({ url }) => url.startsWith(w.passport.url))).toBe(true)
  })

  test('are listed with a new token where the server no longer takes the old one', async () => {
    const w = await shop()
    await w.login()
    w.passport.failNext({ endpoint: 'resource', status: 401, body: '{"message":"Unauthenticated."}' })
    expect(await w.daypass.tenants('shop')).toHaveLength(2)
    expect(w.passport.stats()).toMatchObject({ refreshes: 1, reuses: 0 })
  })

  test('need a login where the token is refused', async () => {
    const w = await shop()
    await w.byToken()
    w.passport.failNext({ endpoint: 'resource', status: 401, body: '{"message":"Unauthenticated."}' })
    expect(await failureOf(w.daypass.tenants('shop'))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login shop',
    })
  })

  test('are listed where the configuration says', async () => {
    const { apiUrl: api_url, clientId: client_id } = await api()
    const elsewhere = await api({ personalTokens: [PAT], tenants: [{ slug: 'acme', name: 'There' }] })
    const endpoints = {
      profile: `${elsewhere.url}/api/v1/profile`,
      tenants: `${elsewhere.url}/api/v1/tenants`,
    }
    const identity = { kind: 'passport/user', api_url, client_id, tenant: 'acme', endpoints }
    const w = await world({ config: { auth: { identities: { shop: identity } } } })
    await w.daypass.login('shop', { method: 'token', token: new Secret(PAT) })
    expect(await w.daypass.tenants('shop')).toEqual([{ slug: 'acme', name: 'There', current: true }])
    expect(elsewhere.stats().by).toEqual({ userinfo: 1, resource: 1 })
  })

  test('are nothing that other providers have', async () => {
    const w = await world({ env: { GITHUB_TOKEN: 'x' } })
    expect(await failureOf(w.daypass.tenants())).toMatchObject({
      code: 'usage',
      message: 'GitHub has no tenants',
    })
  })
})

describe('the tenant in force', () => {
  test('is the one that was chosen, after the next login, too', async () => {
    const w = await shop()
    await w.login()
    const token = await w.token()
    await w.daypass.useTenant('shop', 'globex')
    expect(inForce(await w.daypass.tenants('shop'))).toEqual(['globex'])
    expect((await w.orders('shop'))[1].data!.tenant).toBe('globex')
    expect((await w.daypass.status('shop')).row.tenant).toBe('globex')
    expect(await w.token()).toBe(token)
    await w.daypass.logout('shop')
    await w.daypass.login('shop')
    expect((await w.orders('shop'))[1].data!.tenant).toBe('globex')
  })

  test('can be chosen after a logout, and survives a renewal', async () => {
    const w = await shop()
    await w.login()
    await w.daypass.logout('shop')
    await w.daypass.useTenant('shop', 'globex')
    await w.daypass.login('shop')
    await w.daypass.refresh('shop', { force: true })
    expect((await w.header()).params.tenant).toBe('globex')
  })

  test('is that of the configuration, before that of the login, and is changed there alone', async () => {
    const vault = createMemoryVault()
    const { login } = await shop({}, { vault })
    const { header } = await login()
    const api_url = header.params.api_url!
    const config = (tenant?: Config) => ({ config: tenant ?? {}, vault })
    const pinned = await world(
      config({ auth: { identities: { shop: { kind: 'passport/user', api_url, tenant: 'globex' } } } }),
    )
    expect((await pinned.daypass.definition('shop')).params.tenant).toBe('globex')
    expect((await pinned.daypass.definition('shop', { params: { tenant: 'acme' } })).params.tenant).toBe(
      'acme',
    )
    expect(await failureOf(pinned.daypass.useTenant('shop', 'acme'))).toMatchObject({
      code: 'configuration',
      message: 'the tenant of shop stands in the configuration, which counts for more',
    })
    const free = await world(config())
    expect((await free.daypass.definition('shop')).params.tenant).toBe('acme')
    await free.daypass.useTenant('shop', 'globex')
  })

  test('has to be one, of an identity that could have one', async () => {
    const w = await shop({}, { config: { auth: { identities: { new: { kind: 'autocom/user' } } } } })
    await w.login()
    expect(await failureOf(w.daypass.useTenant('shop', 'a\nb'))).toMatchObject({ code: 'usage' })
    expect(await failureOf(w.daypass.useTenant('nobody', 'acme'))).toMatchObject({ code: 'not_found' })
    expect(await failureOf(w.daypass.useTenant('new', 'acme'))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login new --tenant acme',
    })
    expect((await w.header()).params.tenant).toBe('acme')
  })
})

describe('several environments', () => {
  const both = async () => {
    const [staging, production] = [
      await api({ clientId: 'staging-cli' }),
      await api({ clientId: 'prod-cli' }),
    ]
    const w = await world()
    const login = (at: PassportStandIn, name: string, provider = 'autocom') =>
      w.daypass.login(provider, {
        name,
        given: { clientId: at.clientId, params: { api_url: at.apiUrl, tenant: 'acme' } },
      })
    await login(staging, 'staging')
    await login(production, 'production')
    return { w, staging, production, login }
  }

  test('lie side by side, and none takes anything from another', async () => {
    const { w, staging, production } = await both()
    const [one, other] = [await w.token('staging'), await w.token('production')]
    await w.daypass.refresh('staging', { force: true })
    expect(await w.token('production')).toBe(other)
    await w.daypass.useTenant('staging', 'globex')
    await w.daypass.logout('staging')
    expect(await w.token('production')).toBe(other)
    expect(one).not.toBe(other)
    expect((await w.header('production')).params).toMatchObject({
      api_url: production.apiUrl,
      tenant: 'acme',
    })
    expect([staging.stats().refreshes, production.stats().refreshes]).toEqual([1, 0])
  })

  test('are found by their API, however it is written, also after a logout', async () => {
    const { w, staging, production } = await both()
    await w.daypass.logout('staging')
    for (const url of [staging.url, staging.apiUrl, `${staging.apiUrl}/`])
      expect(await w.daypass.identityAt(url)).toBe('staging')
    expect(await w.daypass.identityAt(production.url)).toBe('production')
  })

  test('without a login are not found, and the known ones are named', async () => {
    const { w, staging, production } = await both()
    expect(await failureOf(w.daypass.identityAt('https://api.example.com'))).toMatchObject({
      code: 'not_found',
      message: `no identity is at https://api.example.com; there are production (${production.apiUrl}), staging (${staging.apiUrl})`,
    })
    expect((await failureOf(w.daypass.identityAt('https://ada:secret@x.example'))).message).not.toContain(
      'ada',
    )
    const empty = await world()
    expect(await failureOf(empty.daypass.identityAt('https://api.example.com'))).toMatchObject({
      code: 'not_found',
      message: 'no identity is at https://api.example.com, nor at any other API',
    })
  })

  test('with two identities each have to be told apart by name', async () => {
    const { w, staging, login } = await both()
    await login(staging, 'other', 'passport')
    expect(await failureOf(w.daypass.identityAt(staging.url))).toMatchObject({
      code: 'usage',
      message: `several identities are at ${staging.url}: other, staging`,
      hint: 'name the one that is meant: -i other',
    })
  })

  test('are found in the configuration, too, and beside identities that are not right', async () => {
    const config: Config = {
      auth: {
        identities: {
          shop: { kind: 'passport/user', api_url: 'https://api.example.com/' },
          broken: {
            kind: 'aws/user',
            credentials: { access_key_id: 'x', secret_access_key: { env: 'NOT_SET' } },
          },
        },
      },
    }
    const w = await world({ config })
    expect(await w.daypass.identityAt('https://api.example.com/api/v1')).toBe('shop')
  })
})

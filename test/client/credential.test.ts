import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { createMemoryVault } from '../../src/vault/open-vault.ts'
import { answering } from '../oauth/kit.ts'
import { start } from '../testing/servers.ts'
import { failureOf, gate, world } from './client-context.ts'

const TTL = 3_600_000

describe('a credential', () => {
  test('is renewed once for twelve who ask at once, and the login lives', async () => {
    const server = await start()
    const vault = createMemoryVault()
    const locked: string[] = []
    const exclusive: typeof vault.exclusive = (name, purpose, work) => {
      locked.push(purpose)
      return vault.exclusive(name, purpose, work)
    }
    const w = await world({ server, vault: { ...vault, exclusive } })
    await w.login()
    w.advance(TTL - 30_000)
    const tokens = await Promise.all(Array.from({ length: 12 }, () => w.token()))
    expect(new Set(tokens).size).toBe(1)
    expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0, deadFamilies: 0 })
    expect(w.calls.deferred).toBe(1)
    // Within one process the first asks for all: one lock, one request.
    expect(locked).toEqual(['login', 'refresh'])
  })

  test('a failure is shared by those who asked, and the next call succeeds', async () => {
    const server = await start()
    const w = await world({ server })
    await w.login()
    w.advance(TTL + 1)
    server.failNext({ endpoint: 'refresh', status: 503 })
    const all = await Promise.all(Array.from({ length: 5 }, () => failureOf(w.token())))
    expect(new Set(all.map(({ code }) => code))).toEqual(new Set(['network']))
    expect(server.stats().by.refresh).toBe(1)
    w.advance(1000)
    expect(await w.token()).toMatch(/^at_/)
  })

  test('whose renewal was cut off after it took effect is not lost without a word', async () => {
    const server = await start({ refresh: { grace: 60_000 } })
    const w = await world({ server })
    await w.login()
    w.advance(TTL + 1)
    server.failNext({ endpoint: 'refresh', cut: 'after' })
    expect(await failureOf(w.token())).toMatchObject({ code: 'network' })
    w.advance(1)
    expect(await w.token()).toMatch(/^at_/)
  })

  test('of a server that rotates nothing keeps its refresh token', async () => {
    const server = await start({ refresh: 'reusable' })
    const w = await world({ server })
    await w.login()
    const before = await w.refreshToken()
    for (const _ of [1, 2, 3])
      expect((await w.daypass.refresh('work', { force: true })).outcome).toBe('renewed')
    expect(await w.refreshToken()).toBe(before)
    expect((await w.header()).renewable).toBe(true)
  })

  test('that the server ended is exit 4, marked, and a new login mends it', async () => {
    const server = await start()
    const w = await world({ server })
    await w.login()
    server.killFamilies()
    w.advance(TTL)
    expect(await failureOf(w.token())).toMatchObject({ code: 'login_required', hint: 'daypass login work' })
    expect((await w.daypass.status('work')).row.state).toBe('login_required')
    const asked = server.stats().by.refresh
    expect(await failureOf(w.token())).toMatchObject({ code: 'login_required' })
    expect(server.stats().by.refresh).toBe(asked)
    await w.daypass.login('work')
    expect(await w.token()).toMatch(/^at_/)
  })

  test.each([
    { status: 401, body: '' },
    { status: 400, body: '<html>' },
  ])('refused without a readable word (%j) is tried again on the next call', async (refusedRefresh) => {
    const server = await start({ refusedRefresh })
    const w = await world({ server })
    await w.login()
    server.expireRefreshTokens()
    w.advance(TTL)
    expect(await failureOf(w.token())).toMatchObject({ code: 'login_required' })
    w.advance(1)
    expect(await failureOf(w.token())).toMatchObject({ code: 'login_required' })
    expect(server.stats().by.refresh).toBe(2)
    expect((await w.header()).loginRequired).toBeUndefined()
  })

  test('bound to another server by now needs a login, and nothing is sent anywhere', async () => {
    const [one, two] = [await start(), await start()]
    const w = await world({ server: one })
    await w.login()
    for (const identity of [
      { kind: 'oidc/user', issuer: two.issuer, client_id: 'x' },
      { kind: 'oidc/user', endpoints: { token: two.endpoints.token }, client_id: 'x' },
    ]) {
      const moved = await world({
        vault: w.vault,
        config: { auth: { identities: { work: identity } } } as never,
      })
      expect(await failureOf(moved.daypass.credential('work'))).toMatchObject({ code: 'login_required' })
      expect((await moved.daypass.refresh('work', { force: true })).error?.code).toBe('login_required')
      expect(await failureOf(moved.daypass.fetch('work')(two.endpoints.resource))).toMatchObject({
        code: 'login_required',
      })
      expect((await moved.daypass.status('work')).row.state).toBe('login_required')
      expect(moved.requests).toEqual([])
    }
  })

  test('for longer than it ever lives is a mistake of the caller, found before anything is sent', async () => {
    const server = await start()
    const w = await world({ server })
    await w.login()
    const requests = server.stats().requests
    expect(await failureOf(w.daypass.credential('work', { minTtl: '2h' }))).toMatchObject({ code: 'usage' })
    expect(server.stats().requests).toBe(requests)
    expect(await w.daypass.credential('work', { minTtl: '59m' })).toMatchObject({ kind: 'bearer' })
  })

  test('by a clock that is hours off lives as long as the server says', async () => {
    const server = await start({ clockOffset: 5 * TTL })
    const w = await world({ server })
    await w.login()
    await w.token()
    expect(server.stats().by.refresh ?? 0).toBe(0)
    expect(Math.abs((await w.header()).clockOffset! - 5 * TTL)).toBeLessThan(2000)
    const left = Date.parse((await w.daypass.status('work')).row.expires_at!) - Date.now()
    expect(Math.abs(left - TTL)).toBeLessThan(5000)
  })
})

describe('a token of the environment', () => {
  const env = { GH_TOKEN: 'from-env' }

  test('stands in for an identity that was not named, and for no other', async () => {
    const config = {
      default: 'mine',
      auth: { identities: { mine: { kind: 'github/user', client_id: 'x' } } },
    } as never
    const w = await world({ env, config })
    expect(await w.daypass.getCredential()).toMatchObject({ identity: 'mine', variable: 'GH_TOKEN' })
    expect(await failureOf(w.daypass.getCredential('mine'))).toMatchObject({ code: 'login_required' })
    const named = await world({ env: { ...env, DAYPASS_IDENTITY: 'mine' }, config })
    expect(await failureOf(named.daypass.getCredential())).toMatchObject({ code: 'login_required' })
    const folder = await world({ env, config, folder: { identity: 'mine', file: '.daypass.yaml' } })
    expect(await folder.daypass.getCredential()).toMatchObject({ variable: 'GH_TOKEN' })
  })

  test('is nothing for an identity of another provider, and is never kept', async () => {
    const server = await start()
    const w = await world({ server, env })
    await w.login('work', { setDefault: true })
    expect(await w.daypass.getCredential()).toMatchObject({ identity: 'work' })
    expect((await w.vault.list()).map(({ name }) => name)).toEqual(['work'])
  })

  test('goes to the hosts of its provider alone', async () => {
    const server = await start({ personalTokens: ['from-env'] })
    const providers = {
      acme: { issuer: server.issuer, env: 'ACME_TOKEN', hosts: [`127.0.0.1:${server.port}`] },
    }
    const w = await world({ env: { ACME_TOKEN: 'from-env' }, config: { auth: { providers } } as never })
    expect((await w.daypass.fetch()(server.endpoints.resource)).status).toBe(200)
    expect(await failureOf(w.daypass.fetch()('https://evil.example/'))).toMatchObject({ code: 'refused' })
    expect(w.requests).toHaveLength(1)
  })
})

describe('fetch with an identity', () => {
  test('renews once after a 401, and asks again with the same body', async () => {
    const server = await start()
    const w = await world({ server })
    await w.login()
    server.expireAccessTokens()
    expect((await w.daypass.fetch('work')(server.endpoints.resource)).status).toBe(200)
    expect(server.stats().refreshes).toBe(1)
  })

  test('gives up after the second 401', async () => {
    const api = await answering(({ form }) => ({ status: 401, body: form.toString() }))
    const server = await start()
    const identity = {
      kind: 'oidc/user',
      issuer: server.issuer,
      client_id: server.clientId,
      hosts: [new URL(api.origin).host],
    }
    const w = await world({ server, config: { auth: { identities: { work: identity } } } as never })
    await w.daypass.login('work')
    const answer = await w.daypass.fetch('work')(api.origin, { method: 'POST', body: 'a=b' })
    expect([answer.status, await answer.text()]).toEqual([401, 'a=b'])
    expect(api.seen.map(({ form }) => form.get('a'))).toEqual(['b', 'b'])
    expect(new Set(api.seen.map(({ headers }) => headers.authorization)).size).toBe(2)
    expect(server.stats().refreshes).toBe(1)
  })

  test('sends a token to its own hosts and to no other', async () => {
    const server = await start()
    const w = await world({ server })
    await w.login()
    const before = w.requests.length
    for (const url of [
      'https://evil.example/',
      `http://evil.example:${server.port}/`,
      `http://127.0.0.1:${server.port + 1}/`,
      `http://localhost:${server.port}/`,
      `https://127.0.0.1.evil.example:${server.port}/`,
    ])
      expect(await failureOf(w.daypass.fetch('work')(url))).toMatchObject({
        code: 'refused',
      })
    expect(w.requests.length).toBe(before)
  })

  test('takes a host as it is written, whatever its letters', async () => {
    const server = await start()
    const hosts = ['API.Example.com', 'other.example:443']
    const identity = { kind: 'oidc/user', issuer: server.issuer, client_id: server.clientId, hosts }
    const seen: string[] = []
    const w = await world({
      server,
      config: { auth: { identities: { work: identity } } } as never,
      fetch: (input, init) => {
        const url = String(input instanceof Request ? input.url : input)
        if (!url.startsWith('https')) return fetch(input, init)
        seen.push(url)
        return Promise.resolve(new Response())
      },
    })
    await w.daypass.login('work')
    for (const host of ['api.example.com', 'other.example']) await w.daypass.fetch('work')(`https://${host}/`)
    expect(seen).toHaveLength(2)
    expect(await failureOf(w.daypass.fetch('work')(server.endpoints.resource))).toMatchObject({
      code: 'refused',
    })
    expect(await failureOf(w.daypass.fetch('work')('http://api.example.com/'))).toMatchObject({
      code: 'refused',
    })
  })

  test('a redirect to another host carries no token, and its 401 renews nothing', async () => {
    const evil = await answering({ status: 401 })
    const own = await answering({ status: 302, headers: { location: evil.origin } })
    const server = await start()
    const identity = {
      kind: 'oidc/user',
      issuer: server.issuer,
      client_id: server.clientId,
      hosts: [new URL(own.origin).host],
    }
    const w = await world({ server, config: { auth: { identities: { work: identity } } } as never })
    await w.daypass.login('work')
    expect((await w.daypass.fetch('work')(own.origin)).status).toBe(401)
    expect(own.seen[0]!.headers.authorization).toMatch(/^Bearer /)
    expect(evil.seen.map(({ headers }) => headers.authorization)).toEqual([undefined])
    expect(server.stats().refreshes).toBe(0)
  })
})

describe('a refresh', () => {
  test('says what happened: fresh, renewed, nothing to renew, failed', async () => {
    const server = await start({ personalTokens: ['pat'] })
    const w = await world({ server })
    await w.login()
    await w.login('pat', { method: 'token', token: new Secret('pat') })
    expect((await w.daypass.refresh('work')).outcome).toBe('fresh')
    expect((await w.daypass.refresh('work', { force: true })).outcome).toBe('renewed')
    expect((await w.daypass.refresh('pat', { force: true })).outcome).toBe('nothing_to_renew')
    server.failNext({ endpoint: 'refresh', status: 500 })
    w.advance(TTL - 30_000)
    expect(await w.daypass.refresh('work')).toMatchObject({ outcome: 'failed', error: { code: 'network' } })
    expect(await w.daypass.refresh('nobody')).toMatchObject({
      outcome: 'failed',
      error: { code: 'not_found' },
    })
  })
})

describe('check', () => {
  test('renews a token that the server refuses, and says when nothing helps', async () => {
    const server = await start()
    const w = await world({ server })
    await w.login()
    server.expireAccessTokens()
    await w.daypass.check('work')
    expect(server.stats().refreshes).toBe(1)
    server.killFamilies()
    expect(await failureOf(w.daypass.check('work'))).toMatchObject({ code: 'login_required' })
  })
})

describe('at the same time', () => {
  test('a logout that meets a renewal waits for it, and ends what it brought', async () => {
    const server = await start()
    const [held, begun, waiting] = [gate(), gate(), gate()]
    const vault = createMemoryVault()
    const w = await world({
      server,
      vault: {
        ...vault,
        exclusive(name, purpose, work) {
          if (purpose === 'logout') waiting.open()
          return vault.exclusive(name, purpose, work)
        },
      },
      fetch: async (input, init) => {
        const answer = await fetch(input, init)
        if (!String(init?.body ?? '').includes('grant_type=refresh_token')) return answer
        begun.open()
        await held.opened
        return answer
      },
    })
    await w.login()
    w.advance(TTL - 30_000)
    const renewal = w.token()
    await begun.opened
    const logout = w.daypass.logout('work')
    await waiting.opened
    expect(server.stats().revocations).toBe(0)
    held.open()
    await Promise.all([renewal, logout])
    expect((await w.vault.read('work'))?.grant).toBeUndefined()
    expect(await failureOf(w.token())).toMatchObject({ code: 'login_required' })
    expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0, deadFamilies: 1 })
  })

  test('whatever races a logout, nothing comes back', async () => {
    const server = await start({ refresh: 'survives' })
    const w = await world({ server })
    await w.login()
    w.advance(TTL - 30_000)
    const asked = Array.from({ length: 6 }, () => w.token().catch(() => undefined))
    const forced = Array.from({ length: 3 }, () => w.daypass.refresh('work', { force: true }))
    await Promise.all([...asked, w.daypass.logout('work'), ...forced])
    const after = await w.vault.read('work')
    expect([after?.grant, after?.header.loginRequired]).toEqual([undefined, 'it was logged out'])
    expect(server.stats()).toMatchObject({ reuses: 0, deadFamilies: 1 })
  })

  test('a login that meets a renewal wins, and what the renewal brought is revoked', async () => {
    const server = await start()
    const w = await world({ server })
    await w.login()
    w.advance(TTL - 30_000)
    await Promise.all([w.login(), ...Array.from({ length: 4 }, () => w.token())])
    expect((await w.daypass.refresh('work', { force: true })).outcome).toBe('renewed')
    expect(server.stats()).toMatchObject({ families: 2, deadFamilies: 1, reuses: 0 })
  })

  test('a removal that comes before a logout is not undone by it', async () => {
    const w = await world({ server: await start() })
    await w.login()
    let logout: Promise<unknown> | undefined
    await w.vault.exclusive('work', 'remove', async () => {
      logout = w.daypass.logout('work')
      // It has read the header once it asks for the lock; only then is the record gone.
      await new Promise((resolve) => setImmediate(resolve))
      await w.vault.remove('work')
    })
    await logout
    expect(await w.vault.list()).toEqual([])
  })
})

import { describe, expect, test } from 'vitest'
import { DaypassError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import type { AuthorizationServerOptions } from '../../src/testing/index.ts'
import { createMemoryVault } from '../../src/vault/open-vault.ts'
import { start } from '../testing/servers.ts'
import { failureOf, world } from './client-context.ts'

async function loggedIn(options: AuthorizationServerOptions = {}) {
  const server = await start(options)
  const w = await world({ server })
  await w.login()
  return { server, w }
}

describe('a logout', () => {
  test('revokes, forgets, says so, and `login NAME` needs no flags afterwards', async () => {
    const { server, w } = await loggedIn()
    expect(await w.daypass.logout('work')).toEqual({
      identity: 'work',
      revocation: { outcome: 'revoked' },
      wasDefault: true,
    })
    expect(server.stats()).toMatchObject({ revocations: 1, deadFamilies: 1 })
    expect((await w.vault.read('work'))?.grant).toBeUndefined()
    expect(await w.daypass.status('work')).toMatchObject({
      row: { state: 'login_required', expires_at: null, store: null },
    })
    expect(await failureOf(w.daypass.credential('work'))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login work',
    })
    expect(w.stored.default).toBeUndefined()
    await w.daypass.login('work')
    expect(await w.token()).toMatch(/^at_/)
  })

  test('is marked before the server hears of it, so that no process uses what it was cut off from ending', async () => {
    const { server, w } = await loggedIn()
    const kept = (await w.vault.read('work'))!
    let marked: string | undefined
    const stop = server.on(({ type }) => {
      if (type === 'revocation')
        void w.vault.header('work').then((header) => (marked = header?.loginRequired))
    })
    await w.daypass.logout('work')
    stop()
    expect(marked).toBe('its logout was cut off')
    // Killed at that moment: nothing is handed out, and a second logout ends it.
    await w.vault.write({ ...kept, header: { ...kept.header, loginRequired: marked! } })
    expect(await failureOf(w.daypass.credential('work'))).toMatchObject({ code: 'login_required' })
    expect((await w.daypass.logout('work')).revocation.outcome).toBe('revoked')
    expect((await w.vault.read('work'))?.grant).toBeUndefined()
  })

  test.each<[string, AuthorizationServerOptions, string]>([
    ['a server without revocation', { revocation: false }, 'unsupported'],
    ['a server that refuses it', { revocation: 'client-auth' }, 'failed'],
  ])('at %s removes what is kept all the same', async (_, options, outcome) => {
    const { w } = await loggedIn(options)
    expect((await w.daypass.logout('work')).revocation.outcome).toBe(outcome)
    expect((await w.vault.read('work'))?.grant).toBeUndefined()
  })

  test('from a server that is gone removes what is kept all the same', async () => {
    const { server, w } = await loggedIn()
    await server.close()
    expect((await w.daypass.logout('work')).revocation).toMatchObject({
      outcome: 'failed',
      why: expect.stringContaining('cannot reach'),
    })
    expect((await w.vault.read('work'))?.grant).toBeUndefined()
  })

  test('that is local only asks nothing of the server; a dry run does nothing at all', async () => {
    const { server, w } = await loggedIn()
    const requests = server.stats().requests
    expect((await w.daypass.logout('work', { dryRun: true })).revocation.outcome).toBe('revoked')
    expect((await w.vault.read('work'))?.grant).toBeDefined()
    expect((await w.daypass.logout('work', { localOnly: true })).revocation.outcome).toBe('skipped')
    expect((await w.vault.read('work'))?.grant).toBeUndefined()
    expect(server.stats().requests).toBe(requests)
  })

  test.each(['vault', 'keychain'] as const)(
    'of a record that cannot be opened (%s) forgets it, and says what it could not',
    async (code) => {
      const server = await start()
      const inner = createMemoryVault()
      let broken = false
      const error = new DaypassError(code, 'it does not open')
      const w = await world({
        server,
        vault: { ...inner, read: (name) => (broken ? Promise.reject(error) : inner.read(name)) },
      })
      await w.login()
      broken = true
      expect((await w.daypass.logout('work')).revocation).toEqual({
        outcome: 'failed',
        why: 'it does not open',
      })
      broken = false
      expect((await w.vault.read('work'))?.grant).toBeUndefined()
      expect(server.stats().revocations).toBe(0)
    },
  )

  test('twice is no error, and of an unknown name is one', async () => {
    const { w } = await loggedIn()
    await w.daypass.logout('work')
    expect((await w.daypass.logout('work')).revocation).toEqual({ outcome: 'none' })
    expect(await failureOf(w.daypass.logout('nobody'))).toMatchObject({ code: 'not_found' })
  })

  test('of an identity whose provider is configured no more ends it all the same', async () => {
    const server = await start()
    const providers = { acme: { issuer: server.issuer, client_id: server.clientId } }
    const w = await world({ server, config: { auth: { providers } } as never })
    await w.daypass.login('acme', { name: 'work' })
    const later = await world({ vault: w.vault })
    expect((await later.daypass.list()).identities.map(({ row }) => row.name)).toEqual(['work'])
    expect((await later.daypass.logout('work')).revocation).toEqual({ outcome: 'revoked' })
  })

  test('of static keys is refused, and the way to remove them is named', async () => {
    const w = await world()
    const credential = {
      kind: 'keys',
      cloud: 'aws',
      accessKeyId: 'AKIA',
      secretAccessKey: new Secret('x'),
      issuedAt: 1,
    } as const
    const header = {
      v: 1,
      name: 'keys',
      kind: 'oidc/user',
      provider: 'oidc',
      params: {},
      method: 'keys',
      renewable: false,
      createdAt: 1,
    } as const
    await w.vault.write({ header, grant: { credential } })
    expect(await failureOf(w.daypass.logout('keys'))).toMatchObject({
      code: 'usage',
      hint: 'daypass remove keys',
    })
    await w.daypass.remove('keys')
    expect(await w.vault.list()).toEqual([])
  })
})

describe('a removal', () => {
  test('revokes, and leaves nothing, the default neither', async () => {
    const { server, w } = await loggedIn()
    expect((await w.daypass.remove('work')).revocation).toEqual({ outcome: 'revoked' })
    expect(server.stats().deadFamilies).toBe(1)
    expect(await w.vault.list()).toEqual([])
    expect(w.stored.default).toBeUndefined()
  })

  test('of what lies in the configuration alone is said to be for its editor', async () => {
    const w = await world({ config: { auth: { identities: { mine: { kind: 'oidc/user' } } } } as never })
    expect(await failureOf(w.daypass.remove('mine'))).toMatchObject({
      code: 'not_found',
      hint: expect.stringContaining('config.yaml'),
    })
    expect(await failureOf(w.daypass.remove('nobody'))).toMatchObject({ code: 'not_found' })
  })
})

/** What an identity is called that nobody gave a name: its provider's file says, before the login or once the account is known. */
import { afterEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import type { Account, Header } from '../../src/core/types.ts'
import { defineProvider, oidc, type Provider } from '../../src/providers/index.ts'
import {
  type AuthorizationServer,
  scriptedBrowser,
  startAuthorizationServer,
} from '../../src/testing/index.ts'
import { failureOf, type WorldOptions, world } from './client-context.ts'

let server: AuthorizationServer
afterEach(() => server.close())

const called = (nameFor: Provider['nameFor']) =>
  defineProvider({ ...oidc, id: 'acme', title: 'Acme', kind: 'acme/user', ...(nameFor && { nameFor }) })

const byAccount = called((_, account) => account?.account?.split('@')[0])
const byIssuer = called(({ issuer }) => issuer && `at-${new URL(issuer).port}`)

async function acme(provider: Provider, options: WorldOptions = {}) {
  server = await startAuthorizationServer()
  const w = await world({ server, providers: { acme: provider, oidc }, ...options })
  const login = (more: Parameters<typeof w.daypass.login>[1] = {}) =>
    w.daypass.login('acme', { given: w.given!, ...more })
  const keep = (name: string, more: Partial<Header>, account: Account = { account: 'ada@example.com' }) =>
    w.daypass.importIdentity({
      name,
      provider: 'acme',
      method: 'browser',
      params: {},
      account,
      grant: { credential: BEARER },
      ...(more as object),
    })
  return { ...w, login, keep }
}

const BEARER = { kind: 'bearer', token: new Secret('static'), tokenType: 'bearer', issuedAt: 0 } as const

describe('a name that the account says', () => {
  test('is found after the login, and is nowhere needed before', async () => {
    const w = await acme(byAccount)
    const { header, default: isDefault } = await w.login()
    expect(header.name).toBe('ada')
    expect(isDefault).toBe('made')
    expect(await w.vault.names()).toEqual(['ada'])
    expect(await w.token('ada')).toMatch(/^at_/)
    expect(w.stored.default).toBe('ada')
  })

  test('gives way to the one that a person says', async () => {
    const w = await acme(byAccount)
    await w.login({ name: 'mine' })
    expect(await w.vault.names()).toEqual(['mine'])
  })

  test('is the same at the next login, whose predecessor is revoked', async () => {
    const w = await acme(byAccount)
    await w.login()
    await w.login()
    expect(await w.vault.names()).toEqual(['ada'])
    expect(server.stats()).toMatchObject({ families: 2, deadFamilies: 1, revocations: 1 })
  })

  test('is found by the second step of a login in two', async () => {
    const w = await acme(byAccount)
    const { id, url } = await w.daypass.startLogin('acme', { given: w.given!, method: 'browser' })
    const { url: pasted } = await scriptedBrowser({ stopAtCallback: true }).visit(url)
    expect((await w.daypass.finishLogin(id, { pasted }))?.header.name).toBe('ada')
    expect(await w.vault.names()).toEqual(['ada'])
  })

  test.each([
    ['no name', '../ada'],
    ['nothing at all', undefined],
  ])('that is %s is the id of the provider', async (_, name) => {
    const w = await acme(called((_params, account) => account && name))
    await w.login()
    expect(await w.vault.names()).toEqual(['acme'])
  })

  test('under which another person is kept is asked about, and what was issued in vain is revoked', async () => {
    const w = await acme(byAccount)
    await w.keep('ada', {}, { account: 'ada@other.example' })
    expect(await failureOf(w.login())).toMatchObject({
      code: 'usage',
      message: 'ada belongs to ada@other.example, and ada@example.com logged in',
    })
    expect(server.stats()).toMatchObject({ families: 1, deadFamilies: 1 })
    expect(await w.token('ada')).toBe('static')
    await w.login({ force: true })
    expect(await w.token('ada')).toMatch(/^at_/)
  })

  test('that stands for another provider is not taken', async () => {
    const w = await acme(byAccount, { config: { auth: { identities: { ada: { kind: 'oidc/user' } } } } })
    expect(await failureOf(w.login())).toMatchObject({
      code: 'usage',
      message: 'ada is an identity of oidc',
    })
    expect(await w.vault.names()).toEqual([])
  })

  test('that static keys have is theirs: the login is called beside it', async () => {
    const w = await acme(byAccount)
    await w.keep('ada', { method: 'keys' })
    expect((await w.login()).header.name).toBe('ada-oauth')
    expect(w.said).toContain('ada has static keys; this one is ada-oauth.')
    expect(await w.token('ada')).toBe('static')
    expect((await w.login()).header.name).toBe('ada-oauth')
    expect(await w.vault.names()).toEqual(['ada', 'ada-oauth'])
  })
})

describe('a name that the parameters say', () => {
  test('is found before the login, and what is kept under it counts', async () => {
    const w = await acme(byIssuer)
    const { header } = await w.login()
    expect(header.name).toBe(`at-${server.port}`)
    const again = await w.daypass.login('acme', { given: { params: w.given!.params } })
    expect(again.header).toMatchObject({ name: `at-${server.port}`, clientId: server.clientId })
  })
})

test('static keys give way to a login by that very name only where a person says so', async () => {
  const w = await acme(byAccount)
  await w.keep('ada', { method: 'keys' })
  expect(await failureOf(w.daypass.login('ada', { method: 'browser' }))).toMatchObject({
    code: 'usage',
    message: 'ada has static keys',
    hint: 'give the new one a name of its own with --name, or replace this one with --force',
  })
  expect(w.browser.opened).toEqual([])
  await w.daypass.login('ada', { force: true, given: w.given! })
  expect(await w.token('ada')).toMatch(/^at_/)
})

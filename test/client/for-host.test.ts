/** Whose credential a program gets that names a host: git, docker. */
import { afterEach, describe, expect, test } from 'vitest'
import { parseHostUrl } from '../../src/client/hosts.ts'
import type { Config, Identity } from '../../src/config/schema.ts'
import { Secret } from '../../src/core/secret.ts'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { failureOf, type WorldOptions, world } from './client-context.ts'

let server: AuthorizationServer
afterEach(() => server.close())

const HOST = 'git.example.com'
const at = (host: string, more: { user?: string; selected?: string } = {}) => ({
  use: 'git' as const,
  place: parseHostUrl('https', host)!,
  ...more,
})

/** Logged in under each of the names; all of them are for one host. */
async function people(names: string[], options: Omit<WorldOptions, 'server'> = {}) {
  server = await startAuthorizationServer({ accessTokenTtl: 3_600_000, personalTokens: ['personal'] })
  const { issuer, clientId: client_id } = server
  const identity: Identity = { kind: 'oidc/user', issuer, client_id, hosts: [HOST] }
  const identities = Object.fromEntries(names.map((name) => [name, identity]))
  const config: Config = { ...options.config, auth: { identities, ...options.config?.auth } }
  const one = await world({ server, ...options, config })
  for (const name of names) await one.daypass.login(name)
  const ask = async (...words: Parameters<typeof at>) =>
    (await one.daypass.getHostCredential(at(...words)))?.identity
  return { ...one, ask }
}

test('the only one of a host needs no name, and serves no other host', async () => {
  const { ask, warned, daypass } = await people(['work'])
  await daypass.use(undefined)
  expect(await ask(HOST)).toBe('work')
  for (const host of ['example.com', `evil.${HOST}`, `${HOST}.evil.test`, `${HOST}:444`, '127.0.0.1'])
    expect(await ask(host)).toBeUndefined()
  expect(warned).toEqual([])
})

describe('one of several', () => {
  test('is named, by the identity or the account', async () => {
    const { ask, warned } = await people(['work', 'home'])
    expect(await ask(HOST, { user: 'HOME' })).toBe('home')
    expect(await ask(HOST, { selected: 'home' })).toBe('home')
    expect(await ask(HOST, { user: 'nobody' })).toBeUndefined()
    expect(warned).toEqual([`none of the identities for ${HOST} is "nobody": home, work`])
  })

  test('is the one of the folder, or the default', async () => {
    const folder = { identity: 'home', file: '/src/.daypass.yaml' }
    const { ask, daypass } = await people(['work', 'home'], { folder })
    await daypass.use('work')
    expect(await ask(HOST)).toBe('home')
    expect(await ask(HOST, { user: 'work' })).toBe('work')
  })

  test('is the one of DAYPASS_IDENTITY, if that one is for the host', async () => {
    const env: Record<string, string> = { DAYPASS_IDENTITY: 'home' }
    const { ask, warned } = await people(['work', 'home'], { env })
    expect(await ask(HOST)).toBe('home')
    env.DAYPASS_IDENTITY = 'cloud'
    expect(await ask(HOST)).toBeUndefined()
    expect(warned).toHaveLength(1)
  })

  test('is not guessed', async () => {
    const { ask, daypass, warned } = await people(['work', 'home'])
    await daypass.use(undefined)
    expect(await ask(HOST)).toBeUndefined()
    expect(warned).toEqual([
      `several identities are for ${HOST}: home, work; next: daypass use NAME, or https://NAME@${HOST}/…`,
    ])
  })

  test('is named by what both are called: then it is the one that is meant here', async () => {
    const { ask, daypass } = await people(['work', 'home'])
    await daypass.use('home')
    expect(await ask(HOST, { user: 'ada@example.com' })).toBe('home')
    // Of a token that was handed out before.
    expect(await ask(HOST, { user: 'oauth2' })).toBe('home')
  })
})

describe('a token of the environment', () => {
  const GITHUB = { GITHUB_TOKEN: 'ghp_of-the-environment' }

  test('is for the hosts of its provider, and for no others', async () => {
    const { ask, daypass } = await people([], { env: GITHUB })
    const handed = await daypass.getHostCredential(at('github.com'))
    expect(handed).toMatchObject({ identity: '(environment)', user: 'x-access-token' })
    for (const host of [
      'evil.test',
      'github.com.evil.test',
      'github.com:444',
      'gitlab.com',
      'raw.github.com',
    ])
      expect(await ask(host)).toBeUndefined()
  })

  test('stands in for the default, and not for whom was named', async () => {
    const { ask, context, daypass } = await people([], { env: GITHUB })
    context.config.auth!.identities!.mine = { kind: 'github/user' }
    await daypass.use('mine')
    expect(await daypass.getHostCredential(at('github.com'))).toMatchObject({ variable: 'GITHUB_TOKEN' })
    expect(await daypass.getHostCredential(at('github.com', { user: 'x-access-token' }))).toMatchObject({
      variable: 'GITHUB_TOKEN',
      user: 'x-access-token',
    })
    for (const named of [{ user: 'mine' }, { selected: 'mine' }])
      expect(await failureOf(ask('github.com', named))).toMatchObject({ code: 'login_required' })
  })
})

test('a token of the environment that is for another API is not used instead', async () => {
  const env = { AUTOCOM_TOKEN: 'ac', AUTOCOM_API_URL: 'https://api.other.example/api/v1' }
  const { ask, context, daypass } = await people([], { env })
  const api_url = 'https://api.shop.example/api/v1'
  context.config.auth!.identities!.shop = { kind: 'autocom/user', api_url }
  await daypass.use('shop')
  expect(await ask('api.shop.example')).toBeUndefined()
  env.AUTOCOM_API_URL = api_url
  expect(await ask('api.shop.example')).toBe('shop')
})

test('an identity with keys has no token for a host', async () => {
  const { ask, context, daypass, warned } = await people(['work'])
  context.config.auth!.identities!.cloud = { kind: 'aws/user', hosts: [HOST] }
  await daypass.use('cloud')
  expect(await ask(HOST)).toBe('work')
  expect(warned).toEqual([])
})

test('what is wrong with another identity costs nothing, and is said where no identity is found', async () => {
  const broken: Identity = { kind: 'aws/assume-role', via: { identity: 'gone' } }
  const { ask, context, warned } = await people(['work'])
  context.config.auth!.identities!.broken = broken
  expect(await ask(HOST)).toBe('work')
  expect(warned).toEqual([])
  expect(await ask('other.example.com')).toBeUndefined()
  expect(warned).toEqual([expect.stringContaining('no identity "gone"')])
})

describe('what was refused', () => {
  test('is renewed once, when it is what was handed out', async () => {
    const { daypass, token, ask } = await people(['work', 'home'])
    const sent = new Secret(await token('work'))
    for (let i = 0; i < 3; i++) await daypass.renewHostCredential(at(HOST), sent)
    expect(server.stats().refreshes).toBe(1)
    expect(sent.equals(await token('work'))).toBe(false)
    expect(await ask(HOST, { user: 'work' })).toBe('work')
  })

  test('of another program or of another host is left alone', async () => {
    const { daypass, token, advance } = await people(['work'])
    await daypass.renewHostCredential(at('evil.test'), new Secret(await token('work')))
    // Not even one that is over.
    advance(3_600_000)
    await daypass.renewHostCredential(at(HOST), new Secret('a password'))
    await daypass.renewHostCredential(at(HOST, { selected: 'work' }), new Secret(''))
    expect(server.stats().refreshes).toBe(0)
  })

  test('and cannot be renewed: a login is needed', async () => {
    const { daypass } = await people(['work'])
    server.killFamilies()
    const sent = new Secret(await daypass.getHostCredential(at(HOST)).then(revealed))
    expect(await failureOf(daypass.renewHostCredential(at(HOST), sent))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login work',
    })
  })
})

const revealed = (
  handed: Awaited<ReturnType<Awaited<ReturnType<typeof world>>['daypass']['getHostCredential']>>,
) => (handed?.credential.kind === 'bearer' ? handed.credential.token.reveal() : '')

test('what there is, by host', async () => {
  const { daypass, context } = await people(['work'], { env: { GITHUB_TOKEN: 'x' } })
  context.config.auth!.identities!.lab = { kind: 'gitlab/user' }
  expect(await daypass.listHostCredentials('docker')).toEqual([{ host: HOST, user: 'ada@example.com' }])
  expect(await daypass.listAllowedHosts('work', 'docker')).toEqual([HOST])
})

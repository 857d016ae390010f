import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createDefinition } from '../../src/identity/definition.ts'
import { builtIn, defineOwnProvider } from '../../src/providers/index.ts'
import { loadFixtures } from './fixture.ts'

const FIXTURES = await loadFixtures()

const KNOWN_METHODS = ['browser', 'paste', 'device', 'token', 'keys']

describe.each(Object.entries(builtIn))('%s', (id, provider) => {
  const defaults = createDefinition('x', provider, { env: {} }).params

  test('is found under its own id, and its kind names it', () => {
    expect(provider.id).toBe(id)
    expect(provider.kind.split('/')[0]).toBe(id)
    expect(id).toMatch(/^[a-z][a-z0-9-]*$/)
    expect(provider.title).not.toBe('')
  })

  test('is spoken to by https only', () => {
    const { issuer, ...endpoints } = {
      issuer: provider.endpoints.issuer?.(defaults),
      ...provider.endpoints.urls?.(defaults, {}),
    }
    const urls = [
      issuer,
      ...Object.values(endpoints),
      provider.account.profile?.(defaults, provider.endpoints.urls?.(defaults, {}) ?? {}).url,
    ]
    for (const url of urls.filter((one) => one !== undefined && !one.startsWith('undefined')))
      expect(new URL(url!).protocol).toBe('https:')
  })

  test('redirects to a loopback host and an absolute path', () => {
    expect(provider.authorization.redirect.path).toMatch(/^\/[\w/-]*$/)
    expect(['127.0.0.1', 'localhost']).toContain(provider.authorization.redirect.host)
    expect(provider.authorization.redirect.ports.length).toBeGreaterThan(0)
    for (const port of provider.authorization.redirect.ports)
      expect(port === 0 || (port > 1023 && port < 65_536)).toBe(true)
  })

  test('offers ways in that there are, each once, and has what they need', () => {
    expect(provider.methods.every((method) => KNOWN_METHODS.includes(method))).toBe(true)
    expect(new Set(provider.methods).size).toBe(provider.methods.length)
    expect(provider.methods.includes('keys')).toBe(provider.keys !== undefined)
    expect(provider.client.register.length).toBeGreaterThan(0)
  })

  test('says of a recorded answer whose it is', () => {
    expect(provider.account.read(FIXTURES[id]!.claims)).toEqual(FIXTURES[id]!.reads)
  })

  test('makes of nonsense no account, and no exception', () => {
    for (const claims of [
      {},
      { sub: 5, email: {}, name: [], login: null, username: 7, ext: { cloud_name: 7 } },
      { ext: 'x' },
    ])
      for (const value of Object.values(provider.account.read(claims))) expect(typeof value).toBe('string')
  })

  test('knows the word for a grant that is over, and a margin that makes sense', () => {
    expect(provider.tokens.refresh.dead).toContain('invalid_grant')
    expect(provider.tokens.refresh.margin).toBeGreaterThanOrEqual(30_000)
    expect(provider.tokens.refresh.margin).toBeLessThanOrEqual(20 * 60_000)
  })

  test('holds no secret', () => {
    expect(inspect(provider, { depth: 9 })).not.toMatch(/client_secret['"]?\s*[:=]\s*['"]\S/)
  })
})

test('no two read the same variable of the environment', () => {
  const names = Object.values(builtIn).flatMap(
    ({ environment, client, authorization: { scopesEnv = [], redirectEnv } }) => [
      ...environment.token,
      ...(client.env ?? []),
      ...scopesEnv,
      ...(redirectEnv?.host ?? []),
      ...(redirectEnv?.port ?? []),
      ...new Set(Object.values(environment.endpoints ?? {}).flat()),
    ],
  )
  expect(new Set(names).size).toBe(names.length)
})

test('a directory that is part of a URL cannot lead out of it', () => {
  const { token } = builtIn.microsoft!.endpoints.urls!({ tenant: '../evil.example/x?y#' }, {})
  expect(new URL(token!).host).toBe('login.microsoftonline.com')
  expect(new URL(builtIn.microsoft!.tokens.idTokenIssuer!({ tid: '@evil.example' })).host).toBe(
    'login.microsoftonline.com',
  )
})

test('a provider of one’s own is OpenID Connect but for what it says', () => {
  const own = defineOwnProvider('acme', {
    issuer: 'https://id.acme.com',
    redirect: { ports: [8765] },
    env: 'ACME_TOKEN',
  })
  expect(own).toMatchObject({
    id: 'acme',
    title: 'acme',
    kind: 'acme/user',
    authorization: {
      redirect: { host: '127.0.0.1', ports: [8765], path: '/callback' },
      scopes: builtIn.oidc!.authorization.scopes,
    },
    methods: builtIn.oidc!.methods,
    environment: { token: ['ACME_TOKEN'] },
  })
  expect(own.endpoints.issuer?.(createDefinition('x', own, { env: {} }).params)).toBe('https://id.acme.com')
})

import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import type { Header } from '../../src/core/types.ts'
import {
  assertBound,
  createDefinition,
  type DefinitionLayers,
  resolveClient,
} from '../../src/identity/definition.ts'
import { listEnvTokens } from '../../src/identity/environment.ts'
import { chooseIdentity, createUnknownIdentityError, type SelectionFacts } from '../../src/identity/select.ts'
import { builtIn, defineOwnProvider } from '../../src/providers/index.ts'

const ALL: SelectionFacts = {
  selected: 'selected',
  env: 'from-env',
  folder: { identity: 'from-folder', file: '/x/.daypass.yaml' },
  fallback: { identity: 'the-default', from: 'daypass use' },
  environment: [{ provider: 'github', variable: 'GH_TOKEN' }],
  known: [
    { name: 'a', provider: 'github' },
    { name: 'b', provider: 'github' },
  ],
}

describe('which identity: the first hit wins', () => {
  test.each<[Partial<SelectionFacts>, object]>([
    [{}, { identity: 'selected', named: true }],
    [{ selected: undefined }, { identity: 'from-env', named: true }],
    [
      { selected: undefined, env: '' },
      { identity: 'from-folder', named: false },
    ],
    [
      { selected: undefined, env: undefined, folder: undefined },
      { identity: 'the-default', named: false },
    ],
    [
      { selected: undefined, env: undefined, folder: undefined, fallback: undefined },
      { environment: { provider: 'github', variable: 'GH_TOKEN' } },
    ],
  ])('without %j', (without, expected) => {
    expect(chooseIdentity({ ...ALL, ...without })).toMatchObject(expected)
    expect(chooseIdentity({ ...ALL, ...without }).because).not.toBe('')
  })

  const nothing: SelectionFacts = { environment: [], known: [] }

  test('none at all is a login that is missing; some and none meant is a question', () => {
    expect(() => chooseIdentity(nothing)).toThrow(
      expect.objectContaining({ code: 'login_required', hint: 'daypass login' }),
    )
    expect(() => chooseIdentity({ ...nothing, known: [{ name: 'a' }, { name: 'b' }] })).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('a, b') }),
    )
  })

  test('a name that is not known is answered with the nearest one', () => {
    expect(createUnknownIdentityError('wrok', ['work', 'home'])).toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('did you mean work'),
    })
    expect(createUnknownIdentityError('x', []).hint).toContain('daypass login')
  })
})

describe('a definition: parameter by parameter, the first hit wins', () => {
  const stored = {
    provider: 'oidc',
    params: { issuer: 'https://stored', scopes: 'stored' },
    clientId: 'stored',
  } as never
  const layers: DefinitionLayers = {
    overrides: { params: { issuer: 'https://flag' }, clientId: 'flag', scopes: ['flag'] },
    identity: { params: { issuer: 'https://identity' }, clientId: 'identity', scopes: ['identity'] },
    provider: { params: { issuer: 'https://provider' }, clientId: 'provider', scopes: ['provider'] },
    stored,
    env: { DAYPASS_OIDC_CLIENT_ID: 'env' },
  }

  test.each([
    [[], 'flag', 'https://flag', 'flag'],
    [['overrides'], 'env', 'https://identity', 'identity'],
    [['overrides', 'env'], 'identity', 'https://identity', 'identity'],
    [['overrides', 'env', 'identity'], 'provider', 'https://provider', 'provider'],
    [['overrides', 'env', 'identity', 'provider'], 'stored', 'https://stored', 'stored'],
    [['overrides', 'env', 'identity', 'provider', 'stored'], undefined, undefined, 'openid'],
  ])('without %j', (without, clientId, issuer, scope) => {
    const left = Object.fromEntries(Object.entries(layers).filter(([name]) => !without.includes(name)))
    const found = createDefinition('work', builtIn.oidc!, { env: {}, ...left })
    expect([found.clientId, found.params.issuer, found.scopes[0]]).toEqual([clientId, issuer, scope])
  })

  test('a variable that is set but empty says nothing', () => {
    const found = createDefinition('work', builtIn.oidc!, {
      ...layers,
      overrides: {},
      env: { DAYPASS_OIDC_CLIENT_ID: '' },
    })
    expect(found.clientId).toBe('identity')
  })

  test('a default of the provider’s file comes last', () => {
    expect(createDefinition('x', builtIn.gitlab!, { env: {} }).params.issuer).toBe('https://gitlab.com')
    const acme = defineOwnProvider('acme-id', {})
    expect(createDefinition('x', acme, { env: { DAYPASS_ACME_ID_CLIENT_ID: 'e' } }).clientId).toBe('e')
  })

  test('no client at all is said with the steps to register one', () => {
    expect(() => resolveClient(createDefinition('x', builtIn.github!, { env: {} }))).toThrow(
      expect.objectContaining({
        code: 'usage',
        hint: expect.stringContaining('github.com/settings/applications/new'),
      }),
    )
  })
})

describe('a grant is bound to the server that issued it', () => {
  const header = (endpoints: Header['endpoints'], params = {}): Header =>
    ({ name: 'work', endpoints, params }) as Header
  const at = (issuer?: string, endpoints = {}) =>
    createDefinition('work', builtIn.oidc!, {
      env: {},
      identity: { endpoints, ...(issuer && { params: { issuer } }) },
    })
  const token = (host: string) => ({ token: `https://${host}/token` })

  test.each([
    ['the same issuer', at('https://a'), { issuer: 'https://a', ...token('t') }],
    ['the same issuer with a slash', at('https://a/'), { issuer: 'https://a', ...token('t') }],
    ['the same token host by another path', at(undefined, { token: 'https://t/v2/token' }), token('t')],
    ['an issuer beside the same token host', at('https://a', token('t')), token('t')],
    ['nothing that is said', at(), { issuer: 'https://a', ...token('t') }],
  ])('%s is it', (_, definition, endpoints) => {
    expect(() => assertBound(definition, header(endpoints))).not.toThrow()
  })

  test.each([
    ['another issuer', at('https://b'), { issuer: 'https://a', ...token('t') }],
    ['another path of it', at('https://a/realms/b'), { issuer: 'https://a/realms/a', ...token('a') }],
    ['another token host', at(undefined, token('b')), token('a')],
    ['another port', at(undefined, { token: 'https://a:8443/token' }), token('a')],
    [
      'another token host behind the same issuer',
      at('https://a', token('b')),
      { issuer: 'https://a', ...token('a') },
    ],
    [
      'another issuer before the same token host',
      at('https://b', token('t')),
      { issuer: 'https://a', ...token('t') },
    ],
    ['an issuer, where it was endpoints', at('https://b'), token('a')],
    ['a host that looks like it', at(undefined, { token: 'https://a@b/token' }), token('a')],
  ])('%s is not', (_, definition, endpoints) => {
    expect(() => assertBound(definition, header(endpoints))).toThrow(
      expect.objectContaining({ code: 'login_required' }),
    )
  })

  test('a personal access token is bound to the server that it was given for', () => {
    const kept = header(undefined, { issuer: 'https://gitlab.corp' })
    expect(() => assertBound(at('https://gitlab.corp'), kept)).not.toThrow()
    expect(() => assertBound(at('https://gitlab.com'), kept)).toThrow(
      expect.objectContaining({ code: 'login_required' }),
    )
  })
})

test('a bearer of the environment is the first variable of each provider that says something', () => {
  const found = listEnvTokens(
    Object.values(builtIn),
    { GH_TOKEN: '', GITHUB_TOKEN: 'gh', GITLAB_TOKEN: 'gl' },
    5,
  )
  expect(found.map(({ provider, variable }) => [provider, variable])).toEqual([
    ['github', 'GITHUB_TOKEN'],
    ['gitlab', 'GITLAB_TOKEN'],
  ])
  expect(found[0]!.credential).toEqual({
    kind: 'bearer',
    token: new Secret('gh'),
    tokenType: 'bearer',
    issuedAt: 5,
  })
})

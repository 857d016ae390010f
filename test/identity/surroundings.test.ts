/** What the surroundings say changes no host that a kept credential is sent to, whatever provider it is of. */
import { describe, expect, test } from 'vitest'
import { listAllowedHosts } from '../../src/client/hosts.ts'
import { isLoopbackHost, mayBeThisMachine } from '../../src/core/loopback.ts'
import type { Endpoints, Header } from '../../src/core/types.ts'
import {
  assertBound,
  assertNoStrayVariable,
  createDefinition,
  findProfileUrl,
  listBearerEndpoints,
} from '../../src/identity/definition.ts'
import { chooseIdentity } from '../../src/identity/select.ts'
import { builtIn } from '../../src/providers/index.ts'
import type { Provider } from '../../src/providers/provider.ts'

const EVIL = 'https://evil.example'
const PARAMS = { issuer: 'https://id.example', api_url: 'https://api.example/api/v1' }

const paramsOf = ({ params }: Provider) =>
  Object.fromEntries(Object.entries(PARAMS).filter(([name]) => name in params))

/** As a login keeps it. */
function keptOf(provider: Provider, env = {}, endpoints: Endpoints = {}): Header {
  const settings = { params: paramsOf(provider), endpoints }
  const definition = createDefinition('work', provider, { env, identity: settings, ambient: 'environment' })
  return {
    name: 'work',
    provider: provider.id,
    params: definition.params,
    endpoints: { ...definition.endpoints, ...listBearerEndpoints(definition) },
    ambient: definition.ambient,
  } as Header
}

const VARIABLES = Object.values(builtIn).flatMap((provider) =>
  Object.entries(provider.environment.endpoints ?? {}).flatMap(([endpoint, names]) =>
    names.map((variable) => [variable, endpoint, provider] as const),
  ),
)

describe('a variable of the environment', () => {
  test.each(VARIABLES)('%s leads no kept credential elsewhere (%s)', (variable, endpoint, provider) => {
    const env = { [variable]: EVIL }
    const kept = keptOf(provider)
    const now = createDefinition('work', provider, { env, stored: kept })
    const hosts = Object.entries(now.endpoints).filter(([name]) => name !== 'sts')
    expect(JSON.stringify(hosts)).not.toContain('evil')
    const check = () => assertNoStrayVariable(now, kept)
    if (endpoint === 'sts' || provider.environment.atLogin?.includes(variable)) expect(check).not.toThrow()
    else
      expect(check).toThrow(
        expect.objectContaining({ code: 'refused', message: expect.stringContaining(variable) }),
      )
  })

  test.each(VARIABLES)(
    '%s of the login is kept, and need not be set again',
    (variable, endpoint, provider) => {
      const kept = keptOf(provider, { [variable]: EVIL })
      for (const env of [{}, { [variable]: EVIL }]) {
        const now = createDefinition('work', provider, { env, stored: kept })
        expect(() => assertNoStrayVariable(now, kept)).not.toThrow()
        expect(() => assertBound(now, kept)).not.toThrow()
        if (endpoint !== 'sts') expect(now.endpoints).toMatchObject({ [endpoint]: EVIL })
      }
    },
  )
})

describe('the configuration', () => {
  const all = Object.values(builtIn).flatMap((provider) =>
    (['userinfo', 'api', 'tenants', 'exchange'] as const)
      .filter((name) => keptOf(provider).endpoints![name] !== undefined)
      .map((name) => [provider.id, name, provider] as const),
  )
  test.each(all)('of %s that names another %s wants a login', (_id, name, provider) => {
    const kept = keptOf(provider)
    const settings = { params: paramsOf(provider), endpoints: { [name]: `${EVIL}/x` } }
    const now = createDefinition('work', provider, { env: {}, stored: kept, identity: settings })
    expect(() => assertBound(now, kept)).toThrow(expect.objectContaining({ code: 'login_required' }))
  })

  test.each(Object.values(builtIn).map((provider) => [provider.id, provider] as const))(
    'of %s says where a profile is asked, and no address of its own is asked with a token of another server',
    (_id, provider) => {
      const identity = { params: paramsOf(provider) }
      const own = createDefinition('work', provider, { env: {}, identity }).endpoints
      const there = { token: 'https://ghe.example/t', authorization: 'https://ghe.example/a' }
      const said = { ...there, userinfo: 'https://ghe.example/me' }
      const at = (endpoints: Endpoints) =>
        createDefinition('work', provider, { env: {}, identity: { ...identity, endpoints } })
      expect(findProfileUrl(at(said))).toBe(said.userinfo)
      const { userinfo = '', ...other } = {
        ...at(there).endpoints,
        userinfo: findProfileUrl(at(there)) ?? '',
      }
      // The API that a person named is not the provider's.
      expect(userinfo.replace(PARAMS.api_url, '')).not.toMatch(/github\.com|gitlab\.com|microsoft\.com/)
      for (const name of ['revocation', 'exchange'] as const)
        if (own[name] !== undefined) expect(other[name]).toMatch(/^https:\/\/ghe\.example\//)
    },
  )
})

test('hosts that a discovery document names are nobody’s, for no program', () => {
  const foreign = (path: string) => `https://github.com/${path}`
  const found = {
    issuer: 'https://id.example',
    token: foreign('t'),
    userinfo: foreign('u'),
    revocation: foreign('r'),
  }
  for (const id of ['oidc', 'gitlab', 'google']) {
    const provider = builtIn[id]!
    const definition = createDefinition('work', provider, {
      env: {},
      identity: { params: paramsOf(provider) },
    })
    for (const bound of [found, { userinfo: foreign('u') }])
      for (const use of ['git', 'docker', undefined] as const)
        expect(listAllowedHosts(definition, bound, use), id).not.toContain('github.com')
  }
})

test('a personal access token of another server is none of github.com', () => {
  const endpoints = { userinfo: 'https://ghe.example/api/v3/user' }
  const definition = createDefinition('work', builtIn.github!, { env: {}, identity: { endpoints } })
  expect(listAllowedHosts(definition, endpoints, 'git')).toEqual(['ghe.example', 'gist.ghe.example'])
  expect(listAllowedHosts(definition, endpoints, 'docker')).toEqual([])
})

describe('a credential of the environment', () => {
  const GITHUB = { provider: 'github', variable: 'GITHUB_TOKEN' }
  const AWS = { provider: 'aws', variable: 'AWS_ACCESS_KEY_ID' }
  const work = { name: 'work', provider: 'oidc' }

  test.each([
    ['serves where nothing is known', {}, [GITHUB], [], GITHUB],
    ['serves beside identities of its provider', {}, [GITHUB], [{ name: 'gh', provider: 'github' }], GITHUB],
    ['serves whoever names its provider', { selected: 'github' }, [GITHUB], [work], GITHUB],
    ['serves whoever names its provider by DAYPASS_IDENTITY', { env: 'aws' }, [GITHUB, AWS], [work], AWS],
    [
      'serves beside the identities of its provider, not of the first',
      {},
      [GITHUB, AWS],
      [{ name: 'a', provider: 'aws' }],
      AWS,
    ],
  ])('%s', (_, given, environment, known, expected) => {
    expect(chooseIdentity({ ...given, environment, known })).toMatchObject({ environment: expected })
  })

  test('serves no other provider, nor beside what cannot be told', () => {
    for (const known of [[work], [{ name: 'damaged' }], [{ name: 'gh', provider: 'github' }, work]])
      expect(() => chooseIdentity({ environment: [GITHUB], known })).toThrow(
        expect.objectContaining({ code: 'usage' }),
      )
    const named = { name: 'github', provider: 'oidc' }
    expect(chooseIdentity({ selected: 'github', environment: [GITHUB], known: [named] })).toMatchObject({
      identity: 'github',
    })
  })
})

test('this machine, however it is written', () => {
  const here = [
    'localhost',
    'LOCALHOST.',
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0',
    '0.0.0.0',
    '[::1]',
  ]
  const more = [
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::FFFF:7f00:2]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:0.0.0.0]',
    '127.8.9.1',
  ]
  for (const host of [...here, ...more])
    expect(isLoopbackHost(new URL(`http://${host}`).hostname), host).toBe(true)
  const others = [
    'localhost.evil.test',
    '127.0.0.1.evil.test',
    '10.0.0.1',
    '[::2]',
    '[::ffff:10.0.0.1]',
    '1.0.0.127',
  ]
  for (const host of others) expect(mayBeThisMachine(new URL(`http://${host}`).hostname), host).toBe(false)
  // A resolver may ask others for it.
  expect([isLoopbackHost('a.localhost'), mayBeThisMachine('a.localhost')]).toEqual([false, true])
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  listAllowedHosts,
  listAllowedOrigins,
  parseHostUrl,
  resolveHelperUser,
} from '../../src/client/hosts.ts'
import type { Header } from '../../src/core/types.ts'
import { type ConfiguredSettings, createDefinition } from '../../src/identity/definition.ts'
import { github, gitlab, oidc } from '../../src/providers/index.ts'
import type { Provider } from '../../src/providers/provider.ts'

describe('the place that a program names', () => {
  test.each([
    ['https', 'github.com', 'github.com'],
    ['https', 'GitHub.COM', 'github.com'],
    ['https', 'github.com:443', 'github.com'],
    ['https', 'git.example.com:8443', 'git.example.com:8443'],
    ['https', 'xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['https', 'my_host.internal', 'my_host.internal'],
    ['http', '127.0.0.1:3000', '127.0.0.1:3000'],
    ['http', 'localhost', 'localhost'],
    ['http', '[::1]:3000', '[::1]:3000'],
  ])('%s %s is %s', (protocol, host, expected) => {
    expect(parseHostUrl(protocol, host)?.host).toBe(expected)
  })

  test.each([
    ['http', 'github.com'],
    ['http', '127.0.0.1.evil.test'],
    ['http', 'localhost.evil.test'],
    ['ssh', 'github.com'],
    ['ftp', 'github.com'],
    ['HTTPS', 'github.com'],
    ['', 'github.com'],
    ['https', ''],
    ['https', 'github.com.'],
    ['https', '.github.com'],
    ['https', 'github..com'],
    ['https', 'github.com:'],
    ['https', 'github.com:0'],
    ['https', 'github.com:0443'],
    ['https', 'github.com:65536'],
    ['https', 'github.com:443:443'],
    ['https', 'evil.test@github.com'],
    ['https', 'github.com@evil.test'],
    ['https', 'user:password@github.com'],
    ['https', 'github.com/evil'],
    ['https', 'github.com\\evil.test'],
    ['https', 'github.com?evil.test'],
    ['https', 'github.com#evil.test'],
    ['https', 'github.com evil.test'],
    ['https', ' github.com'],
    ['https', 'github.com\t'],
    ['https', 'github.com\n'],
    ['https', '%67ithub.com'],
    ['https', 'ｇithub.com'],
    ['https', 'gıthub.com'],
    ['https', 'gⅰthub.com'],
    ['https', 'github。com'],
    ['https', 'git\u00adhub.com'],
    ['https', 'git\u200bhub.com'],
    ['https', 'gitlab.\u212adn.example'],
    ['https', 'bücher.example'],
    ['https', '2130706433'],
    ['https', '0x7f.1'],
    ['https', '127.1'],
    ['https', '0177.0.0.1'],
    ['https', '[0:0::1]'],
    ['https', '[::ffff:127.0.0.1]'],
  ])('%s %j is none', (protocol, host) => {
    expect(parseHostUrl(protocol, host)).toBeUndefined()
  })

  test('is what is written, whatever that is', () => {
    const piece = fc.constantFrom(
      ...'github.com:443@/\\%[]ｇ。\u200b\u212aK#? \t0x17-_'.split(''),
      'evil.test',
    )
    fc.assert(
      fc.property(fc.string({ unit: piece, maxLength: 20 }), (host) => {
        const place = parseHostUrl('https', host)
        if (place === undefined) return
        expect(place.href).toBe(`https://${host.toLowerCase().replace(/:443$/, '')}/`)
      }),
    )
  })
})

const about = (provider: Provider, params: Record<string, string> = {}, identity: ConfiguredSettings = {}) =>
  createDefinition('work', provider, { env: {}, identity: { params, ...identity } })

const header = (more: Partial<Header>) => more as Header

describe('the hosts of an identity', () => {
  test('of GitHub', () => {
    expect(listAllowedHosts(about(github), undefined, 'git')).toEqual(['github.com', 'gist.github.com'])
    expect(listAllowedHosts(about(github), undefined, 'docker')).toEqual(['ghcr.io'])
    expect(listAllowedHosts(about(github), undefined)).toEqual(['github.com', 'api.github.com'])
  })

  test('of a GitHub of one’s own', () => {
    const own = about(
      github,
      {},
      { endpoints: { token: 'https://ghe.example.com/login/oauth/access_token' } },
    )
    expect(listAllowedHosts(own, undefined, 'git')).toEqual(['ghe.example.com', 'gist.ghe.example.com'])
    expect(listAllowedHosts(own, undefined, 'docker')).toEqual([])
  })

  test('of GitLab, before anybody has logged in', () => {
    expect(listAllowedHosts(about(gitlab), undefined, 'git')).toEqual(['gitlab.com'])
    expect(listAllowedHosts(about(gitlab), undefined, 'docker')).toEqual(['registry.gitlab.com'])
    const own = about(gitlab, { issuer: 'https://gitlab.example.com:8443' })
    expect(listAllowedHosts(own, undefined, 'git')).toEqual(['gitlab.example.com:8443'])
    expect(listAllowedHosts(own, undefined, 'docker')).toEqual([])
  })

  test('are those of the configuration, and no others, where it says some', () => {
    const said = { hosts: ['Git.Example.com:443', 'registry.example.com:5000'] }
    for (const use of ['git', 'docker', undefined] as const) {
      expect(listAllowedHosts(about(github, {}, said), undefined, use)).toEqual([
        'git.example.com',
        'registry.example.com:5000',
      ])
    }
  })

  test('of any server: its own, and no other that it names', () => {
    const own = about(oidc, { issuer: 'https://id.example.com' })
    const kept = header({ endpoints: { userinfo: 'https://api.example.com/me' } })
    expect(listAllowedHosts(own, kept.endpoints, 'git')).toEqual(['id.example.com'])
    const said = about(
      oidc,
      { issuer: 'https://id.example.com' },
      { endpoints: { userinfo: 'https://api.example.com/me' } },
    )
    expect(listAllowedHosts(said, kept.endpoints, 'git')).toEqual(['id.example.com', 'api.example.com'])
  })
})

test('where requests with a token may go: https, and plainly to this machine alone', () => {
  const of = (...about: Parameters<typeof listAllowedOrigins>) =>
    Object.fromEntries(listAllowedOrigins(...about))
  expect(of(about(github))).toEqual({
    'github.com': 'https://github.com',
    'api.github.com': 'https://api.github.com',
    'gist.github.com': 'https://gist.github.com',
  })
  const hosts = ['localhost', '127.0.0.1:3000', '[::1]:3000', 'api.example.com:8080', '127.0.0.1.evil.test']
  expect(of(about(oidc, {}, { hosts }))).toEqual({
    localhost: 'http://localhost',
    '127.0.0.1:3000': 'http://127.0.0.1:3000',
    '[::1]:3000': 'http://[::1]:3000',
    'api.example.com:8080': 'https://api.example.com:8080',
    '127.0.0.1.evil.test': 'https://127.0.0.1.evil.test',
  })
  // What says that it has a certificate is believed.
  expect(of(about(oidc, { issuer: 'https://127.0.0.1:8443' }))).toEqual({
    '127.0.0.1:8443': 'https://127.0.0.1:8443',
  })
  expect(of(about(oidc), { api: 'https://localhost/v1' })).toEqual({ localhost: 'https://localhost' })
})

test('the user beside a token', () => {
  const named = (account: string) => header({ account: { account } })
  expect(resolveHelperUser('docker', about(github), named('ada'))).toBe('ada')
  expect(resolveHelperUser('docker', about(github), undefined)).toBe('x-access-token')
  expect(resolveHelperUser('docker', about(gitlab), named('ada'))).toBe('oauth2')
  expect(resolveHelperUser('docker', about(oidc), named('ada@example.com'))).toBe('ada@example.com')
  expect(resolveHelperUser('docker', about(oidc), named('acme:ada'))).toBe('<token>')
  expect(resolveHelperUser('docker', about(oidc), named('ada\n'))).toBe('<token>')
  expect(resolveHelperUser('docker', about(oidc), undefined)).toBe('<token>')
  expect(resolveHelperUser('git', about(github), named('ada'))).toBe('x-access-token')
  expect(resolveHelperUser('git', about(oidc), named('ada'))).toBe('oauth2')
})

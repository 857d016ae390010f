import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findCrossFaults } from '../../src/config/checks.ts'
import { isEnvRef } from '../../src/config/env-tag.ts'
import { checkConfig, locateInConfig, parseConfig } from '../../src/config/parse.ts'
import { runs } from '../fuzz.ts'
import { EXAMPLE } from './example.ts'

const FILE = '/home/me/.config/daypass/config.yaml'
const messages = (text: string) => checkConfig(text, FILE).problems.map((problem) => problem.message)
const identity = (lines: string) =>
  `auth:\n  identities:\n    work:\n      kind: aws/user\n${lines.replace(/^/gm, '      ')}\n`
const provider = (lines: string) => `auth:\n  providers:\n    own:\n${lines.replace(/^/gm, '      ')}\n`

test('the whole example is read as it is', () => {
  expect(parseConfig(EXAMPLE, FILE)).toEqual({
    auth: {
      identities: {
        'my-user': {
          kind: 'aws/user',
          principal_arn: 'arn:aws:iam::123456789012:user/me',
          credentials: {
            region: 'us-east-1',
            access_key_id: { env: 'MY_AWS_ACCESS_KEY_ID' },
            secret_access_key: { env: 'MY_AWS_SECRET_ACCESS_KEY' },
            mfa_arn: 'arn:aws:iam::123456789012:mfa/me',
            webflow_enabled: true,
          },
          session: { duration: '12h' },
        },
        'prod-admin': {
          kind: 'aws/assume-role',
          via: { identity: 'my-user' },
          principal: { role_arn: 'arn:aws:iam::123456789012:role/AdminRole' },
        },
        ali: { kind: 'alibaba/user', site: 'intl' },
        shop: {
          kind: 'passport/user',
          api_url: 'https://api.example.com/api/v1',
          tenant: 'acme',
          client_id: '0b5c…',
        },
      },
      providers: {
        'acme-id': {
          issuer: 'https://id.acme.com',
          client_id: 'acme-cli',
          scopes: ['openid', 'offline_access'],
          redirect: { host: '127.0.0.1', ports: [8765, 8766], path: '/callback' },
          hosts: ['api.acme.com'],
          env: 'ACME_TOKEN',
        },
      },
      keyring: { type: 'auto' },
    },
    default: 'my-user',
  })
})

describe('read without complaint', () => {
  const fine: Record<string, [string, unknown]> = {
    'an empty file': ['', {}],
    'comments alone': ['# nothing yet\n', {}],
    'a block whose lines are commented out': ['auth:\n  identities:\n  # work:\n', { auth: {} }],
    'a byte order mark and CRLF': ['\ufeffdefault: work\r\n', { default: 'work' }],
    'a YAML merge': [
      'auth:\n  identities:\n    a: &a {kind: alibaba/user, site: cn}\n    b: {<<: *a, site: intl}\n',
      {
        auth: {
          identities: { a: { kind: 'alibaba/user', site: 'cn' }, b: { kind: 'alibaba/user', site: 'intl' } },
        },
      },
    ],
    'a parent that may be in the vault': [
      'auth: {identities: {a: {kind: aws/assume-role, via: {identity: gone}, principal: {assume_role: "acs:ram::1:role/x"}}}}',
      {
        auth: {
          identities: {
            a: {
              kind: 'aws/assume-role',
              via: { identity: 'gone' },
              principal: { assume_role: 'acs:ram::1:role/x' },
            },
          },
        },
      },
    ],
  }
  test.each(Object.entries(fine))('%s', (_what, [text, expected]) => {
    expect(parseConfig(text, FILE)).toEqual(expected)
  })

  test('an account number keeps its leading zero', () => {
    const config = parseConfig(identity('account_id: 012345678901'), FILE)
    expect(config.auth?.identities?.work?.account_id).toBe('012345678901')
  })

  test('scopes in one text', () => {
    const config = parseConfig(identity('scopes: "openid  offline_access"'), FILE)
    expect(config.auth?.identities?.work?.scopes).toEqual(['openid', 'offline_access'])
  })

  test('plain http for loopback hosts, every RFC 8414 spelling, a query at an endpoint', () => {
    const lines =
      'issuer: http://[::1]:8080/x\nendpoints:\n  token_endpoint: http://127.0.0.1/t?p=1\n  device: http://localhost:1/d'
    expect(messages(provider(lines))).toEqual([])
  })

  test('a page that shows the code of a login by paste, or the name for none', () => {
    for (const redirect of ['urn:ietf:wg:oauth:2.0:oob', 'https://id.example.com/code?of=daypass'])
      expect(messages(identity(`paste_redirect_uri: ${redirect}`))).toEqual([])
  })

  test('only the tag makes a reference', () => {
    const config = parseConfig(identity('region: !env REGION'), FILE)
    expect(
      isEnvRef(config.auth?.identities?.work?.credentials?.region ?? config.auth?.identities?.work?.region),
    ).toBe(true)
    expect(messages(identity('region: {env: REGION}'))).toEqual([
      'config.yaml:5:15: expected text in auth.identities.work.region',
    ])
  })

  test('names of JavaScript objects are no identities', () => {
    const config = parseConfig(identity(''), FILE)
    expect(config.auth?.identities?.toString).toBeUndefined()
  })
})

describe('mistakes, with their places', () => {
  const mistakes: Record<string, [string, string]> = {
    'an unknown key': [
      identity('regoin: us-east-1'),
      '5:7: unknown key "regoin" in auth.identities.work, did you mean "region"',
    ],
    'another spelling': [
      identity('credentials:\n  accessKeyId: x'),
      '6:9: unknown key "accessKeyId" in auth.identities.work.credentials, did you mean "access_key_id"',
    ],
    'an unknown key at the top': ['atuh: {}\n', '1:1: unknown key "atuh", did you mean "auth"'],
    'identities outside of auth': [
      'identities: {}\n',
      '1:1: unknown key "identities", known are auth, default',
    ],
    'a name of JavaScript': [
      identity('via:\n  constructor: 1'),
      '6:9: unknown key "constructor" in auth.identities.work.via, known are identity, provider',
    ],
    'no kind': ['auth:\n  identities:\n    work: {}\n', '3:5: missing key "kind" in auth.identities.work'],
    'an identity without anything': [
      'auth:\n  identities:\n    work:\n',
      '3:5: expected keys and values in auth.identities.work',
    ],
    'a kind that is none': [
      'auth:\n  identities:\n    a:\n      kind: aws/usr\n',
      '4:13: unknown kind in auth.identities.a.kind, did you mean "aws/user"',
    ],
    'another provider than the kind says': [
      identity('provider: alibaba'),
      '5:17: kind says another provider than auth.identities.work.provider',
    ],
    'a list for text': [identity('region: [a]'), '5:15: expected text in auth.identities.work.region'],
    'a list for a block': [
      identity('session: []'),
      '5:16: expected keys and values in auth.identities.work.session',
    ],
    'text for a block': [
      identity('session: 12h'),
      '5:16: expected keys and values in auth.identities.work.session',
    ],
    'text for a flag': [
      identity('credentials: {webflow_enabled: no}'),
      '5:38: expected true or false in auth.identities.work.credentials.webflow_enabled',
    ],
    'a tenant that no header could carry': [
      identity('tenant: "acme, globex"'),
      '5:15: expected a tenant like acme in auth.identities.work.tenant',
    ],
    'a page for codes that anyone on the way could read': [
      identity('paste_redirect_uri: http://id.example.com/code'),
      '5:27: expected urn:ietf:wg:oauth:2.0:oob or an https URL in auth.identities.work.paste_redirect_uri',
    ],
    'no value': [identity('tenant:'), '5:7: expected text in auth.identities.work.tenant'],
    'a word of two': [identity('site: china'), '5:13: expected cn or intl in auth.identities.work.site'],
    'a duration': [
      identity('session: {duration: 12 hours}'),
      '5:27: expected a length of time like 90s, 10m or 12h in auth.identities.work.session.duration',
    ],
    'a region that is a host': [
      identity('region: evil.com/'),
      '5:15: expected a region like eu-west-1 in auth.identities.work.region',
    ],
    'plain http': [
      identity('api_url: http://example.com'),
      '5:16: expected https (plain http is for loopback hosts only) in auth.identities.work.api_url',
    ],
    'a host that only begins like loopback': [
      identity('api_url: http://127.0.0.1.evil.com'),
      '5:16: expected https (plain http is for loopback hosts only) in auth.identities.work.api_url',
    ],
    'no URL': [
      identity('issuer: id.example.com'),
      '5:15: expected an https URL in auth.identities.work.issuer',
    ],
    'a password in a URL': [
      identity('issuer: https://a:b@c.d'),
      '5:15: expected a URL without a name or password in auth.identities.work.issuer',
    ],
    'a host with a scheme': [
      identity('hosts: [https://a.b]'),
      '5:15: expected a host like api.example.com in auth.identities.work.hosts.0',
    ],
    'a wildcard host': [
      identity('hosts: ["*.a.b"]'),
      '5:15: expected a host like api.example.com in auth.identities.work.hosts.0',
    ],
    'a port': [
      provider('issuer: https://a.b\nredirect: {ports: [65536]}'),
      '5:26: expected a port from 1 to 65535 in auth.providers.own.redirect.ports.0',
    ],
    'a redirect host': [
      provider('issuer: https://a.b\nredirect: {host: 0.0.0.0}'),
      '5:24: expected 127.0.0.1 or localhost in auth.providers.own.redirect.host',
    ],
    'a provider without addresses': [
      provider('client_id: x'),
      '3:5: missing key "issuer" or "endpoints" in auth.providers.own',
    ],
    "a built-in provider's name": [
      'auth:\n  providers:\n    github: {issuer: https://a.b}\n',
      '3:5: the provider "github" is built in, choose another name in auth.providers',
    ],
    'a name that cannot be one': [
      'auth:\n  identities:\n    "a b": {kind: aws/user}\n',
      '3:5: expected a name of 1 to 64 of A-Z a-z 0-9 . _ @ -, beginning with a letter or a digit, in auth.identities',
    ],
    'a reserved name': [
      'auth:\n  identities:\n    constructor: {kind: aws/user}\n',
      '3:5: this name is reserved in auth.identities',
    ],
    'a key without its secret': [
      identity('credentials:\n  access_key_id: x'),
      '6:9: "access_key_id" without "secret_access_key" in auth.identities.work.credentials',
    ],
    'a secret without its key': [
      identity('credentials:\n  secret_access_key: x'),
      '6:9: "secret_access_key" without "access_key_id" in auth.identities.work.credentials',
    ],
    'a role without a parent': [
      'auth:\n  identities:\n    r:\n      kind: aws/assume-role\n      principal: {role_arn: "acs:ram::1:role/x"}\n',
      '3:5: missing key "identity" in auth.identities.r.via',
    ],
    'a parent without a role': [
      'auth:\n  identities:\n    r:\n      kind: alibaba/ram-role\n      via: {identity: x}\n',
      '3:5: missing key "role_arn" in auth.identities.r.principal',
    ],
    'a cycle': [
      'auth:\n  identities:\n    a: {kind: aws/user, via: {identity: b}}\n    b: {kind: aws/user, via: {identity: c}}\n    c: {kind: aws/user, via: {identity: a}}\n    d: {kind: aws/user, via: {identity: a}}\n',
      '3:41: a cycle in auth.identities.a.via.identity: a -> b -> c -> a',
    ],
    'a cycle of one': [
      identity('via: {identity: work}'),
      '5:23: a cycle in auth.identities.work.via.identity: work -> work',
    ],
    'two defaults': [
      'auth:\n  identities:\n    a: {kind: aws/user, default: true}\n    b: {kind: aws/user, default: true}\n',
      '4:25: another identity is the default already, in auth.identities.b',
    ],
    'a default that cannot be a name': [
      'default: -x\n',
      '1:10: expected a name of 1 to 64 of A-Z a-z 0-9 . _ @ -, beginning with a letter or a digit, in default',
    ],
    'the same key twice': ['default: a\ndefault: b\n', '2:1: the same key stands here twice'],
    'another tag': [
      identity('region: !secret x'),
      '5:15: a tag that is not known; the only one is !env NAME',
    ],
    'a tag with a default': [
      identity('region: !env A b'),
      '5:15: a tag that is not known; the only one is !env NAME',
    ],
    'a tab': ['auth:\n\tidentities: {}\n', '2:1: a tab used for indentation; use spaces'],
    'no end of a quote': ['default: "work\n', '2:1: a quote, bracket, comma or space is missing'],
    'a list at the top': ['- a\n', '1:1: expected keys and values'],
    'an alias to nowhere': ['default: *a\n', '1:1: not YAML that can be read (nesting or aliases)'],
  }
  test.each(Object.entries(mistakes))('%s', (_what, [text, expected]) => {
    expect(messages(text)).toEqual([`config.yaml:${expected}`])
    expect(() => parseConfig(text, FILE)).toThrow(
      expect.objectContaining({ code: 'configuration', message: `config.yaml:${expected}` }),
    )
  })

  test('every one of them, in the order of the file', () => {
    const text = identity('regoin: x\ntenat: y\nsite: z\ncredentials: {access_key_id: k}')
    const problems = checkConfig(text, FILE).problems
    expect(problems.map(({ line, column }) => [line, column])).toEqual([
      [5, 7],
      [6, 7],
      [7, 13],
      [8, 21],
    ])
    const hint = 'daypass config validate shows this and 3 more'
    expect(() => parseConfig(text, FILE)).toThrow(expect.objectContaining({ code: 'configuration', hint }))
  })
})

test('a chain of parents takes no time, however long it is', () => {
  const chain = Array.from({ length: 4_000 }, (_, i) => [`i${i}`, { via: { identity: `i${i + 1}` } }])
  expect(findCrossFaults({ auth: { identities: Object.fromEntries(chain) } }, [])).toEqual([])
})

test('each cycle is told once, at its first member, and nothing that is none', () => {
  const names = [...'abcdefgh']
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...names, 'nobody'), { minLength: 8, maxLength: 8 }), (parents) => {
      const parent = new Map(names.map((name, index) => [name, parents[index]!]))
      const from = (name: string): string[] => {
        const way = [name]
        while (way.length < 9 && parent.has(way.at(-1)!)) way.push(parent.get(way.at(-1)!)!)
        return way.slice(0, way.indexOf(name, 1) + 1)
      }
      const first = names.filter((name) => from(name).length > 0 && [...from(name)].sort()[0] === name)
      const identities = Object.fromEntries(
        [...parent].map(([name, identity]) => [name, { via: { identity } }]),
      )
      const told = findCrossFaults({ auth: { identities } }, []).map(({ message }) => message)
      expect(told).toEqual(first.map((name) => `a cycle in {in}: ${from(name).join(' -> ')}`))
    }),
    runs(1_000),
  )
})

test('the place of a key', () => {
  expect(locateInConfig(EXAMPLE, ['auth', 'identities', 'shop', 'tenant'])).toEqual({ line: 24, column: 7 })
})

/** Which variables carry a credential, and which may not stand beside it. */
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import type { BearerCredential, KeysCredential } from '../../src/core/types.ts'
import { buildEnvChanges, buildLiveChanges, listVariableNames } from '../../src/formats/variables.ts'
import { awsVariables } from '../../src/providers/aws/variables.ts'
import { builtIn, defineOwnProvider } from '../../src/providers/index.ts'

const secret = new Secret('the-secret')
const session = new Secret('the-session')
const keys: KeysCredential = {
  kind: 'keys',
  cloud: 'aws',
  accessKeyId: 'ASIA',
  secretAccessKey: secret,
  sessionToken: session,
  issuedAt: 0,
  expiresAt: Date.UTC(2026, 0, 2, 3, 4, 5),
}
const bearer: BearerCredential = { kind: 'bearer', token: secret, tokenType: 'bearer', issuedAt: 0 }
const aws = { id: 'aws', environment: { token: [], export: awsVariables } }
const RIVALS = ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_SECURITY_TOKEN', 'AWS_ROLE_ARN']

describe('keys of AWS', () => {
  test('with everything', () => {
    const { set, clear } = buildEnvChanges(aws, keys, { region: 'eu-west-1' })
    expect(set).toEqual([
      { name: 'AWS_ACCESS_KEY_ID', value: 'ASIA' },
      { name: 'AWS_SECRET_ACCESS_KEY', value: secret },
      { name: 'AWS_SESSION_TOKEN', value: session },
      { name: 'AWS_CREDENTIAL_EXPIRATION', value: '2026-01-02T03:04:05Z' },
      { name: 'AWS_REGION', value: 'eu-west-1' },
      { name: 'AWS_DEFAULT_REGION', value: 'eu-west-1' },
    ])
    expect(clear).toEqual(awsVariables.clears)
    expect(clear).toEqual(expect.arrayContaining(RIVALS))
  })

  test('permanent ones take away the session of others; a region that is set stays', () => {
    const { sessionToken: _, expiresAt: __, ...permanent } = keys
    const { set, clear } = buildEnvChanges(aws, permanent)
    expect(set.map(({ name }) => name)).toEqual(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
    expect(clear).toEqual(expect.arrayContaining(['AWS_SESSION_TOKEN', 'AWS_CREDENTIAL_EXPIRATION']))
    expect(clear).not.toEqual(expect.arrayContaining(['AWS_REGION']))
  })

  test('the end is told by the clock of the program that compares it', () => {
    const { set } = buildEnvChanges(aws, keys, { clockOffset: 60_000 })
    expect(set).toContainEqual({ name: 'AWS_CREDENTIAL_EXPIRATION', value: '2026-01-02T03:03:05Z' })
  })

  test('taken away again: what they may have set', () => {
    expect(listVariableNames(aws)).toEqual([
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'AWS_SESSION_TOKEN',
      'AWS_CREDENTIAL_EXPIRATION',
      'AWS_REGION',
      'AWS_DEFAULT_REGION',
    ])
  })
})

describe('a token', () => {
  test.each([
    ['oidc', builtIn.oidc!, ['OIDC_TOKEN']],
    ['github', builtIn.github!, ['GH_TOKEN', 'GITHUB_TOKEN']],
    ['gitlab', builtIn.gitlab!, ['GITLAB_TOKEN']],
    ['one of one’s own', defineOwnProvider('acme-id', {}), ['ACME_ID_TOKEN']],
    ['one that names its variable', defineOwnProvider('acme', { env: 'ACME' }), ['ACME']],
    ['one that begins with a digit', defineOwnProvider('1up', {}), ['_1UP_TOKEN']],
  ])('of %s', (_, provider, names) => {
    expect(buildEnvChanges(provider, bearer)).toEqual({
      set: names.map((name) => ({ name, value: secret })),
      clear: [],
    })
    expect(listVariableNames(provider)).toEqual(names)
  })
})

describe('a token that is of use in one tenant of one API', () => {
  const params = { api_url: 'https://api.example.com/api/v1', tenant: 'acme' }

  test('comes with both', () => {
    expect(buildEnvChanges(builtIn.autocom!, bearer, { params }).set).toEqual([
      { name: 'AUTOCOM_TOKEN', value: secret },
      { name: 'AUTOCOM_TENANT', value: 'acme' },
      { name: 'AUTOCOM_API_URL', value: 'https://api.example.com/api/v1' },
    ])
    expect(buildEnvChanges(builtIn.passport!, bearer, { params }).set.map(({ name }) => name)).toEqual([
      'PASSPORT_TOKEN',
      'PASSPORT_TENANT',
      'PASSPORT_API_URL',
    ])
  })

  test('takes away the tenant of another login where it has none', () => {
    const { set, clear } = buildEnvChanges(builtIn.autocom!, bearer, { params: { api_url: params.api_url } })
    expect(set.map(({ name }) => name)).toEqual(['AUTOCOM_TOKEN', 'AUTOCOM_API_URL'])
    expect(clear).toEqual(['AUTOCOM_TENANT'])
  })

  test('is taken away with both', () => {
    expect(listVariableNames(builtIn.autocom!)).toEqual([
      'AUTOCOM_TOKEN',
      'AUTOCOM_TENANT',
      'AUTOCOM_API_URL',
    ])
  })
})

describe('a value that is made of several', () => {
  const shop = {
    id: 'shop',
    environment: {
      token: [],
      export: {
        composed: {
          SHOP_URL: ({ kind }, { account, endpoints: { api = '' } }) =>
            kind === 'bearer' && account ? ['shop://', account, '?token=', secret, '&at=', api] : undefined,
          SHOP_TENANT: (_, { params }) => (params.tenant ? [params.tenant] : undefined),
        },
      },
    },
  } satisfies Parameters<typeof buildEnvChanges>[0]
  const odd = new Secret('a b&c=%')

  test('stands beside the token; what holds a secret is one, and what holds none may be seen', () => {
    const beside = { account: 'acme', params: { tenant: 't' }, endpoints: { api: 'https://x.example' } }
    const { set, clear } = buildEnvChanges(shop, bearer, beside)
    expect(set.map(({ name, value }) => [name, typeof value === 'string' ? value : value.reveal()])).toEqual([
      ['SHOP_TOKEN', 'the-secret'],
      ['SHOP_URL', 'shop://acme?token=the-secret&at=https://x.example'],
      ['SHOP_TENANT', 't'],
    ])
    expect(set.map(({ value }) => String(value))).toEqual(['[secret]', '[secret]', 't'])
    expect(set.map(({ holds }) => holds)).toEqual([undefined, [secret], undefined])
    expect(clear).toEqual([])
  })

  test('has its secret as an address has it', () => {
    const { cloudinary } = builtIn
    const { set } = buildEnvChanges(cloudinary!, { ...bearer, token: odd }, { account: 'acme' })
    expect(new URL((set[0]!.value as Secret).reveal()).searchParams.get('oauth_token')).toBe(odd.reveal())
  })

  test('that there is none of is taken away', () => {
    expect(buildEnvChanges(shop, bearer).clear).toEqual(['SHOP_URL', 'SHOP_TENANT'])
    expect(listVariableNames(shop)).toEqual(['SHOP_TOKEN', 'SHOP_URL', 'SHOP_TENANT'])
  })
})

describe('an account of Cloudinary', () => {
  const { cloudinary } = builtIn
  const pair: KeysCredential = { ...keys, cloud: 'cloudinary', accessKeyId: '8748' }
  const urlOf = (credential: typeof pair | typeof bearer, api?: string) => {
    const { set } = buildEnvChanges(cloudinary!, credential, {
      account: 'acme',
      endpoints: api ? { api } : {},
    })
    expect(set.map(({ name }) => name)).toEqual(['CLOUDINARY_URL'])
    return (set[0]!.value as Secret).reveal()
  }

  test.each([
    [
      bearer,
      undefined,
      'cloudinary://acme?oauth_token=the-secret&upload_prefix=https%3A%2F%2Fapi.cloudinary.com',
    ],
    [
      bearer,
      'https://api-eu.cloudinary.com/',
      'cloudinary://acme?oauth_token=the-secret&upload_prefix=https%3A%2F%2Fapi-eu.cloudinary.com',
    ],
    [pair, undefined, 'cloudinary://8748:the-secret@acme'],
    [
      pair,
      'https://api-eu.cloudinary.com',
      'cloudinary://8748:the-secret@acme?upload_prefix=https%3A%2F%2Fapi-eu.cloudinary.com',
    ],
  ])('is one variable, which says its region where that is not the usual one', (credential, api, url) => {
    expect(urlOf(credential, api)).toBe(url)
  })

  test.each(['http://api.example.com', 'ftp://127.0.0.1', 'nonsense'])('is not sent to %s', (api) => {
    expect(() => urlOf(bearer, api)).toThrow(expect.objectContaining({ code: 'configuration' }))
  })

  test('takes away what would win over it', () => {
    expect(buildEnvChanges(cloudinary!, bearer, { account: 'acme' }).clear).toEqual([
      'CLOUDINARY_CLOUD_NAME',
      'CLOUDINARY_API_KEY',
      'CLOUDINARY_API_SECRET',
      'CLOUDINARY_OAUTH_TOKEN',
    ])
    expect(listVariableNames(cloudinary!)).toEqual(['CLOUDINARY_URL'])
  })
})

test('keys of a provider that names no variables for them are an error, not an empty success', () => {
  expect(() => buildEnvChanges(builtIn.oidc!, keys)).toThrow('the provider oidc names no variables for keys')
})

test('every name of every provider can be the name of a variable', () => {
  for (const provider of Object.values(builtIn))
    for (const name of listVariableNames(provider)) expect(name).toMatch(/^[A-Z_][A-Z0-9_]*$/)
})

describe('keys of Alibaba Cloud', () => {
  const { alibaba } = builtIn
  const alibabaKeys: KeysCredential = { ...keys, cloud: 'alibaba', accessKeyId: 'STS.x' }

  test('are set for its own tools and for Terraform, with what keeps them from looking elsewhere', () => {
    const { set, clear } = buildEnvChanges(alibaba!, alibabaKeys, { region: 'cn-hangzhou' })
    expect(Object.fromEntries(set.map(({ name, value }) => [name, value]))).toEqual({
      ALIBABA_CLOUD_ACCESS_KEY_ID: 'STS.x',
      ALICLOUD_ACCESS_KEY: 'STS.x',
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: secret,
      ALICLOUD_SECRET_KEY: secret,
      ALIBABA_CLOUD_SECURITY_TOKEN: session,
      ALICLOUD_SECURITY_TOKEN: session,
      ALIBABA_CLOUD_REGION_ID: 'cn-hangzhou',
      ALICLOUD_REGION: 'cn-hangzhou',
      ALIBABA_CLOUD_IGNORE_PROFILE: 'TRUE',
      ALIBABA_CLOUD_CLI_PROFILE_DISABLED: 'true',
    })
    expect(clear).toEqual(
      expect.arrayContaining([
        'ALIBABA_CLOUD_PROFILE',
        'ALIBABA_CLOUD_CREDENTIALS_URI',
        'ALIBABA_CLOUD_ROLE_ARN',
        'ALICLOUD_ASSUME_ROLE_ARN',
      ]),
    )
    expect(clear.filter((name) => set.some((each) => each.name === name))).toEqual([])
  })

  test('permanent ones take away the token of others', () => {
    const { sessionToken: _, expiresAt: __, ...permanent } = alibabaKeys
    const { clear } = buildEnvChanges(alibaba!, permanent)
    expect(clear).toEqual(expect.arrayContaining(['ALIBABA_CLOUD_SECURITY_TOKEN', 'ALICLOUD_SECURITY_TOKEN']))
  })

  test('taken away again are the fixed ones, too', () => {
    expect(listVariableNames(alibaba!)).toEqual(
      expect.arrayContaining(['ALIBABA_CLOUD_SECURITY_TOKEN', 'ALIBABA_CLOUD_IGNORE_PROFILE']),
    )
  })
})

describe('an address that is asked for keys', () => {
  const address = { url: 'http://127.0.0.1:1/v1/x', bearer: secret }
  const beside = { region: 'eu-west-1', emptyFile: '/empty' }
  const asObject = (set: readonly { name: string; value: unknown }[]) =>
    Object.fromEntries(set.map(({ name, value }) => [name, value instanceof Secret ? value.reveal() : value]))

  test('of AWS: its address and its bearer, no keys, no profile and no file', () => {
    const { set, clear } = buildLiveChanges(awsVariables, awsVariables.live!, address, beside)
    expect(asObject(set)).toEqual({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: address.url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'the-secret',
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_CONFIG_FILE: '/empty',
      AWS_SHARED_CREDENTIALS_FILE: '/empty',
      AWS_CREDENTIAL_PROFILES_FILE: '/empty',
      BOTO_CONFIG: '/empty',
    })
    const keyNames = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_SECRET_KEY']
    // The file would win over the bearer beside it.
    const files = ['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']
    expect(clear).toEqual(expect.arrayContaining([...keyNames, ...files, ...RIVALS]))
    expect(clear).not.toContain('AWS_CONTAINER_CREDENTIALS_FULL_URI')
  })

  test('of AWS with the bearer in a file: it is nowhere else', () => {
    const inFile = { ...address, bearerFile: '/run/bearer' }
    const { set, clear } = buildLiveChanges(awsVariables, awsVariables.live!, inFile, beside)
    expect(asObject(set)).toMatchObject({ AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/run/bearer' })
    expect(Object.values(asObject(set))).not.toContain('the-secret')
    expect(clear).toContain('AWS_CONTAINER_AUTHORIZATION_TOKEN')
  })

  test('of Alibaba Cloud: the bearer is a part of the address, which is a secret then', () => {
    const variables = builtIn.alibaba!.environment.export!
    const { set, clear } = buildLiveChanges(variables, variables.live!, address, beside)
    expect(set[0]!.value).toBeInstanceOf(Secret)
    expect(asObject(set)).toEqual({
      ALIBABA_CLOUD_CREDENTIALS_URI: `${address.url}/the-secret`,
      ALIBABA_CLOUD_REGION_ID: 'eu-west-1',
      ALICLOUD_REGION: 'eu-west-1',
      ALIBABA_CLOUD_CREDENTIALS_FILE: '/empty',
      ALIBABA_CLOUD_IGNORE_PROFILE: 'TRUE',
      ALIBABA_CLOUD_CLI_PROFILE_DISABLED: 'true',
      ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true',
    })
    const names = ['ALIBABA_CLOUD_ACCESS_KEY_ID', 'ALICLOUD_SECRET_KEY', 'ALIBABA_CLOUD_SECURITY_TOKEN']
    expect(clear).toEqual(expect.arrayContaining([...names, 'ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS']))
    expect(clear).not.toContain('ALIBABA_CLOUD_CREDENTIALS_URI')
  })
})

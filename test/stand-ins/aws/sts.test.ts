import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
  type GetSessionTokenCommandInput,
} from '@aws-sdk/client-sts'
import { describe, expect, test } from 'vitest'
import { login, start } from './client.ts'
import type { Role } from './options.ts'
import { ADA, keysOf, sts, stsRefusal } from './sts-client.ts'

const ACCOUNT = 'arn:aws:iam::111122223333'
const USER = `${ACCOUNT}:user/ada`
const DEPLOY = `${ACCOUNT}:role/Deploy`
const DEVICE = `${ACCOUNT}:mfa/ada`
const ADMIN = { kind: 'role', role: 'Admin', session: 'ada' } as const

const deploy = (more: Partial<AssumeRoleCommandInput> = {}) =>
  new AssumeRoleCommand({ RoleArn: DEPLOY, RoleSessionName: 'ci', ...more })

const session = (input: GetSessionTokenCommandInput = {}) => new GetSessionTokenCommand(input)
const whoAmI = () => new GetCallerIdentityCommand({})

const DENIED = [
  403,
  'AccessDenied',
  `User: ${USER} is not authorized to perform: sts:AssumeRole on resource: ${DEPLOY}`,
]

/** One role, and what its trust policy wants. */
const withRole = (role: Partial<Role> = {}) => start({ roles: [{ arn: DEPLOY, trust: [USER], ...role }] })

describe('GetCallerIdentity', () => {
  test('tells whose the long-term keys are', async () => {
    const { url } = await start()
    const { Arn, Account, UserId } = await sts(url, ADA).send(whoAmI())
    expect([Arn, Account]).toEqual([USER, '111122223333'])
    expect(UserId).toMatch(/^AIDA[A-Z2-7]{17}$/)
  })

  test('tells whose the keys of a login are', async () => {
    const { url } = await start({ person: ADMIN })
    const { accessToken } = await login(url)
    const { Arn, UserId } = await sts(url, accessToken).send(whoAmI())
    expect(Arn).toBe('arn:aws:sts::111122223333:assumed-role/Admin/ada')
    expect(UserId).toMatch(/^AROA[A-Z2-7]{17}:ada$/)
  })
})

describe('AssumeRole', () => {
  test('gives keys of the role, which work', async () => {
    const { url, stats } = await start()
    const answer = await sts(url, ADA).send(deploy({ DurationSeconds: 900 }))
    const arn = 'arn:aws:sts::111122223333:assumed-role/Deploy/ci'
    expect(answer.AssumedRoleUser?.Arn).toBe(arn)
    expect((await sts(url, keysOf(answer)).send(whoAmI())).Arn).toBe(arn)
    expect(stats()).toMatchObject({ keysIssued: 1, by: { AssumeRole: 1, GetCallerIdentity: 1 } })
  })

  test('tells when they end, on its own clock', async () => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    const { url } = await start({ now: () => now, clockOffset: 600_000 })
    const client = sts(url, ADA)
    client.config.systemClockOffset = now - Date.now()
    const { Credentials } = await client.send(deploy({ DurationSeconds: 900 }))
    expect(Credentials?.Expiration?.toISOString()).toBe('2026-01-01T00:25:00.000Z')
  })

  test('takes everything that it knows', async () => {
    const { url } = await withRole({ externalId: 'partner:1', mfa: true, maxSession: 43_200 })
    const answer = await sts(url, ADA).send(
      deploy({
        DurationSeconds: 43_200,
        ExternalId: 'partner:1',
        SerialNumber: DEVICE,
        TokenCode: '123456',
        SourceIdentity: 'ada@example.com',
        Tags: [{ Key: 'team', Value: 'Größe 1' }],
      }),
    )
    expect(answer).toMatchObject({ SourceIdentity: 'ada@example.com', PackedPolicySize: 6 })
  })

  const VALIDATION = (message: string) => [400, 'ValidationError', message]
  const ONE = (value: string, must: string) =>
    VALIDATION(
      `1 validation error detected: Value ${value} failed to satisfy constraint: Member must ${must}`,
    )

  test.each<[string, Partial<AssumeRoleCommandInput>, unknown[]]>([
    ['no role', { RoleArn: 'role/Deploy-of-nobody' }, VALIDATION('role/Deploy-of-nobody is invalid')],
    [
      'a name of two words',
      { RoleSessionName: 'a b' },
      ONE("'a b' at 'roleSessionName'", 'satisfy regular expression pattern: [\\w+=,.@-]*'),
    ],
    ['no name', { RoleSessionName: undefined }, ONE("null at 'roleSessionName'", 'not be null')],
    [
      'a quarter less a second',
      { DurationSeconds: 899 },
      ONE("'899' at 'durationSeconds'", 'have value greater than or equal to 900'),
    ],
    [
      'more than half a day',
      { DurationSeconds: 43_201 },
      ONE("'43201' at 'durationSeconds'", 'have value less than or equal to 43200'),
    ],
    [
      'more than the role allows',
      { DurationSeconds: 3601 },
      VALIDATION('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.'),
    ],
    [
      'an odd external id',
      { ExternalId: 'a b' },
      ONE("'a b' at 'externalId'", 'satisfy regular expression pattern: [\\w+=,.@:/-]*'),
    ],
    [
      'an odd source',
      { SourceIdentity: 'a b' },
      ONE("'a b' at 'sourceIdentity'", 'satisfy regular expression pattern: [\\w+=,.@-]*'),
    ],
    [
      'a tag twice',
      {
        Tags: [
          { Key: 'a', Value: '1' },
          { Key: 'A', Value: '2' },
        ],
      },
      VALIDATION('Duplicate tag keys found. Please note that Tag keys are case insensitive.'),
    ],
    [
      'too many tags',
      { Tags: Array.from({ length: 51 }, (_, n) => ({ Key: `k${n}`, Value: '' })) },
      VALIDATION('The number of session tags exceeds 50'),
    ],
    [
      'a tag without a key',
      { Tags: [{ Key: '', Value: '' }] },
      ONE("'' at 'tags.1.member.key'", 'have length greater than or equal to 1'),
    ],
    [
      'a short code',
      { SerialNumber: DEVICE, TokenCode: '1' },
      ONE("'1' at 'tokenCode'", 'have length greater than or equal to 6'),
    ],
  ])('refuses %s', async (_, input, no) => {
    const { url, stats } = await start()
    expect(await stsRefusal(sts(url, ADA).send(deploy(input)))).toEqual(no)
    expect(stats()).toMatchObject({ keysIssued: 0, refusals: [{ door: 'AssumeRole', why: no[2] }] })
  })

  test.each<[string, Partial<Role>, Partial<AssumeRoleCommandInput>]>([
    ['whom the role does not trust', { trust: [`${ACCOUNT}:user/eve`] }, {}],
    ['who knows no external id', { externalId: 'x1' }, {}],
    ['who knows another external id', { externalId: 'x1' }, { ExternalId: 'x2' }],
    ['who shows no second factor', { mfa: true }, {}],
    ['who names a role that is not there', { arn: `${ACCOUNT}:role/Other` }, {}],
  ])('is denied to one %s', async (_, role, input) => {
    const { url } = await withRole(role)
    expect(await stsRefusal(sts(url, ADA).send(deploy(input)))).toEqual(DENIED)
  })

  test('from a role lasts an hour at most', async () => {
    const roles = [{ arn: DEPLOY, trust: [`${ACCOUNT}:role/Admin`], maxSession: 43_200 }]
    const { url } = await start({ person: ADMIN, roles })
    const client = sts(url, (await login(url)).accessToken)
    expect(await stsRefusal(client.send(deploy({ DurationSeconds: 3601 })))).toEqual(
      VALIDATION(
        'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
      ),
    )
    expect((await client.send(deploy({ DurationSeconds: 3600 }))).Credentials).toBeDefined()
  })

  test('from a login of a user may last longer', async () => {
    const { url } = await withRole({ maxSession: 43_200 })
    const client = sts(url, (await login(url)).accessToken)
    expect((await client.send(deploy({ DurationSeconds: 43_200 }))).Credentials).toBeDefined()
  })

  test('keeps the source identity from role to role', async () => {
    const { url } = await start()
    const first = await sts(url, ADA).send(deploy({ SourceIdentity: 'ada' }))
    const client = sts(url, keysOf(first))
    expect((await client.send(deploy())).SourceIdentity).toBe('ada')
    expect((await stsRefusal(client.send(deploy({ SourceIdentity: 'eve' }))))[2]).toMatch(
      'sts:SetSourceIdentity',
    )
  })

  test('is nothing for root', async () => {
    const { url } = await start({ person: { kind: 'root' } })
    const { accessToken } = await login(url)
    expect(await stsRefusal(sts(url, accessToken).send(deploy()))).toEqual([
      403,
      'AccessDenied',
      'Roles may not be assumed by root accounts.',
    ])
  })
})

describe('a second factor', () => {
  const INVALID = [
    403,
    'AccessDenied',
    'MultiFactorAuthentication failed with invalid MFA one time pass code. ',
  ]

  test.each([
    ['code', { SerialNumber: DEVICE }],
    ['device', { TokenCode: '123456' }],
  ])('is no factor without its %s', async (_, input) => {
    const { url } = await start()
    const no = await stsRefusal(sts(url, ADA).send(deploy(input)))
    expect(no[2]).toMatch('must provide both MFA serial number and one time pass code.')
  })

  test('is refused with a wrong code', async () => {
    const { url } = await start()
    const input = { SerialNumber: DEVICE, TokenCode: '000000' }
    expect(await stsRefusal(sts(url, ADA).send(deploy(input)))).toEqual(INVALID)
  })

  test('is refused with another user’s device', async () => {
    const { url } = await start()
    const input = { SerialNumber: `${ACCOUNT}:mfa/eve`, TokenCode: '123456' }
    expect((await stsRefusal(sts(url, ADA).send(session(input))))[2]).toMatch('unable to validate MFA code')
  })

  test('is good once', async () => {
    const { url } = await start()
    const input = { SerialNumber: DEVICE, TokenCode: '123456' }
    await sts(url, ADA).send(session(input))
    expect(await stsRefusal(sts(url, ADA).send(deploy(input)))).toEqual(INVALID)
  })

  test('shown to GetSessionToken opens a role that wants it', async () => {
    const { url } = await withRole({ mfa: true })
    const input = { SerialNumber: DEVICE, TokenCode: '234567' }
    const client = sts(url, keysOf(await sts(url, ADA).send(session(input))))
    expect((await client.send(deploy())).Credentials).toBeDefined()
  })
})

describe('GetSessionToken', () => {
  test('gives keys of the same user, which work', async () => {
    const { url } = await start()
    const answer = await sts(url, ADA).send(session({ DurationSeconds: 129_600 }))
    expect((await sts(url, keysOf(answer)).send(whoAmI())).Arn).toBe(USER)
  })

  test.each([
    [899, 'greater than or equal to 900'],
    [129_601, 'less than or equal to 129600'],
  ])('refuses %i seconds', async (DurationSeconds, limit) => {
    const { url } = await start()
    expect((await stsRefusal(sts(url, ADA).send(session({ DurationSeconds }))))[2]).toMatch(limit)
  })

  test('wants long-term keys', async () => {
    const { url } = await start()
    const { accessToken } = await login(url)
    expect(await stsRefusal(sts(url, accessToken).send(session()))).toEqual([
      403,
      'AccessDenied',
      'Cannot call GetSessionToken with session credentials',
    ])
  })
})

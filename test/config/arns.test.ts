/** ARNs are held to their shape when the file is read, where line and column can be told. */
import { describe, expect, test } from 'vitest'
import { checkConfig, parseConfig } from '../../src/config/parse.ts'

const problems = (text: string) => checkConfig(text, 'config.yaml').problems.map(({ message }) => message)

const user = (lines: string) => `auth:
  identities:
    work:
      kind: aws/user
      ${lines}
`
const taking = (line: string, kind = 'aws/assume-role') => `auth:
  identities:
    admin:
      kind: ${kind}
      via: { identity: work }
      principal:
        ${line}
`

describe('a mistake with its line and column', () => {
  const BAD = [
    'arn:aws:iam::123456789012:Admin',
    'arn:aws:iam::12345:role/Admin',
    'arn:aws:sts::123456789012:role/Admin',
    'arn:amazon:iam::123456789012:role/Admin',
    'arn:aws-mars:iam::123456789012:role/Admin',
    'arn:aws:iam:us-east-1:123456789012:role/Admin',
    'arn:aws:iam::123456789012:role/',
    'arn:aws:iam::123456789012:role/Admin Role',
    'acs:ram::x:role/Admin',
    'AdminRole',
  ]

  test.each(BAD)('is role_arn: %s', (arn) => {
    const expected = (key: string) =>
      `config.yaml:7:${key.length + 11}: expected the ARN of a role like arn:aws:iam::123456789012:role/Admin in auth.identities.admin.principal.${key}`
    expect(problems(taking(`role_arn: ${arn}`))).toEqual([expected('role_arn')])
    expect(problems(taking(`assume_role: ${arn}`))).toEqual([expected('assume_role')])
  })

  test.each(['arn:aws:iam::123456789012:user/me', 'arn:aws-mars:iam::123456789012:mfa/me', 'my phone', 'me'])(
    'is mfa_arn: %s',
    (arn) =>
      expect(problems(user(`credentials: { mfa_arn: "${arn}" }`))).toEqual([
        'config.yaml:5:31: expected the ARN of a device like arn:aws:iam::123456789012:mfa/me in auth.identities.work.credentials.mfa_arn',
      ]),
  )

  test.each([
    'arn:aws-mars:iam::123456789012:user/me',
    'arn:aws:iam::123456789012:mfa/me',
    'arn:aws:sts::123456789012:assumed-role/R',
    'me',
  ])('is principal_arn: %s', (arn) =>
    expect(problems(user(`principal_arn: ${arn}`))).toEqual([
      'config.yaml:5:22: expected an ARN like arn:aws:iam::123456789012:user/me in auth.identities.work.principal_arn',
    ]),
  )

  test.each(['1234-5678-9012', '12345', 'me'])('is account_id: %s', (account) =>
    expect(problems(user(`account_id: ${account}`))).toEqual([
      'config.yaml:5:19: expected an account number like 123456789012 in auth.identities.work.account_id',
    ]),
  )

  test.each(['access_key_id', 'secret_access_key'])('is %s without its other half', (key) => {
    const other = key === 'access_key_id' ? 'secret_access_key' : 'access_key_id'
    expect(problems(user(`credentials: { ${key}: very-secret }`))).toEqual([
      `config.yaml:5:22: "${key}" without "${other}" in auth.identities.work.credentials`,
    ])
  })

  test('is a cycle, which is printed', () => {
    const role = (name: string, parent: string) =>
      `    ${name}: { kind: aws/assume-role, via: { identity: ${parent} }, principal: { role_arn: "arn:aws:iam::123456789012:role/R" } }\n`
    const text = `auth:\n  identities:\n${role('one', 'three')}${role('two', 'one')}${role('three', 'two')}`
    expect(problems(text)).toEqual([
      'config.yaml:3:52: a cycle in auth.identities.one.via.identity: one -> three -> two -> one',
    ])
    expect(() => parseConfig(text, 'config.yaml')).toThrow('a cycle in')
  })
})

describe('no mistake', () => {
  const PARTITIONS = [
    'aws',
    'aws-cn',
    'aws-us-gov',
    'aws-iso',
    'aws-iso-b',
    'aws-iso-e',
    'aws-iso-f',
    'aws-eusc',
  ]

  test.each(PARTITIONS)('in the partition %s', (partition) => {
    const base = `arn:${partition}:iam::123456789012`
    expect(problems(taking(`role_arn: ${base}:role/team/a-b/Admin+1=,.@_x`))).toEqual([])
    expect(problems(user(`credentials: { mfa_arn: "${base}:mfa/me" }`))).toEqual([])
    for (const who of ['root', 'user/team/me', 'role/Admin'])
      expect(problems(user(`principal_arn: ${base}:${who}`))).toEqual([])
    expect(
      problems(user(`principal_arn: arn:${partition}:sts::123456789012:assumed-role/R/me@example.com`)),
    ).toEqual([])
  })

  test.each([
    taking('role_arn: acs:ram::1234567890123456:role/admin', 'alibaba/ram-role'),
    taking('role_arn: !env ROLE_ARN'),
    user('credentials: { mfa_arn: GAHT12345678 }'),
    user('credentials: { mfa_arn: !env MFA }'),
    user('principal_arn: !env ME'),
    user('account_id: 012345678901'),
    user('account_id: "123456789012"'),
  ])('%#', (text) => expect(problems(text)).toEqual([]))
})

/** What Alibaba Cloud's file says: hosts by site, and what may be written otherwise. */
import { describe, expect, test } from 'vitest'
import type { Endpoints } from '../../../src/core/types.ts'
import { createDefinition } from '../../../src/identity/definition.ts'
import { alibabaExchange } from '../../../src/providers/alibaba/exchange.ts'
import { alibaba } from '../../../src/providers/index.ts'

const endpointsOf = (
  params: Record<string, string>,
  env: Record<string, string> = {},
  endpoints: Endpoints = {},
) => createDefinition('work', alibaba, { env, identity: { params, endpoints } }).endpoints

describe('endpoints', () => {
  test.each([
    ['cn', 'aliyun.com', 'https://sts.aliyuncs.com'],
    ['intl', 'alibabacloud.com', 'https://sts.ap-southeast-1.aliyuncs.com'],
  ])('of the site %s', (site, domain, sts) => {
    expect(endpointsOf({ site })).toEqual({
      signin: `https://signin.${domain}`,
      oauth: `https://oauth.${domain}`,
      authorization: `https://signin.${domain}/oauth2/v1/auth`,
      token: `https://oauth.${domain}/v1/token`,
      revocation: `https://oauth.${domain}/v1/revoke`,
      exchange: `https://oauth.${domain}/v1/exchange`,
      sts,
    })
  })

  test('of STS may stand in the environment, as a host alone', () => {
    const at = (host: string) => endpointsOf({}, { ALIBABA_CLOUD_STS_ENDPOINT: host }).sts
    expect(at('sts.cn-beijing.aliyuncs.com')).toBe('https://sts.cn-beijing.aliyuncs.com')
    expect(at('http://127.0.0.1:8080')).toBe('http://127.0.0.1:8080')
    expect(at('127.0.0.1:8080')).toBe('https://127.0.0.1:8080')
  })

  test('that are configured come first', () => {
    const own = endpointsOf(
      {},
      { ALIBABA_CLOUD_STS_ENDPOINT: 'a.example' },
      { oauth: 'http://127.0.0.1:1', sts: 'http://127.0.0.1:2' },
    )
    expect(own).toMatchObject({
      token: 'http://127.0.0.1:1/v1/token',
      exchange: 'http://127.0.0.1:1/v1/exchange',
      authorization: 'https://signin.aliyun.com/oauth2/v1/auth',
      sts: 'http://127.0.0.1:2',
    })
  })
})

test.each([
  ['acs:ram::1:user/ada', 'acs:ram::1:user/ada', true],
  ['acs:ram::1:user/ada', 'acs:ram::1:user/ad', false],
  ['acs:ram::1:assumed-role/Admin/ada', 'acs:ram::1:role/admin', true],
  ['acs:ram::2:assumed-role/Admin/ada', 'acs:ram::1:role/admin', false],
  ['acs:ram::1:assumed-role/Admin-2/ada', 'acs:ram::1:role/admin', false],
  ['acs:ram::1:role/admin', 'acs:ram::1:role/admin', true],
])('%s, where %s is wanted: %s', (principal, principal_arn, isRight) => {
  const refused = alibaba.account.verify!('alibaba/user', { principal_arn }, { principal })
  expect(refused).toBe(isRight ? undefined : `it is to be ${principal_arn}`)
})

describe('the answer of an exchange', () => {
  const keys = { accessKeyId: 'A', accessKeySecret: 'S', securityToken: 'T', expiration: 'E' }

  test('is read in both spellings', () => {
    const pascal = { AccessKeyId: 'A', AccessKeySecret: 'S', SecurityToken: 'T', Expiration: 'E' }
    const read = { accessKeyId: 'A', secretAccessKey: 'S', sessionToken: 'T', expiration: 'E' }
    expect(alibabaExchange.parseKeys(keys)).toEqual(read)
    expect(alibabaExchange.parseKeys(pascal)).toEqual(read)
  })

  test.each([
    { ...keys, securityToken: '' },
    { ...keys, accessKeySecret: 7 },
    { accessKeyId: 'A', accessKeySecret: 'S' },
    {},
  ])('without all three has no keys: %j', (answer) => {
    expect(alibabaExchange.parseKeys(answer)).toBeUndefined()
  })
})

/** Hosts of AWS: by partition, by region, and by what is said instead. */
import { describe, expect, test } from 'vitest'
import type { Header } from '../../../src/core/types.ts'
import { createDefinition, isBound } from '../../../src/identity/definition.ts'
import { aws } from '../../../src/providers/aws/index.ts'
import { removeRegion, resolvePartition } from '../../../src/providers/aws/partitions.ts'
import { awsWire } from '../../../src/providers/aws/wire.ts'

const endpointsAt = (region: string, env: Record<string, string> = {}, endpoints = {}) =>
  createDefinition('work', aws, {
    env,
    identity: { params: { region }, endpoints },
    ambient: 'environment',
  }).endpoints

test.each([
  [
    'us-east-1',
    'aws',
    'us-east-1.signin.aws.amazon.com',
    'sts.us-east-1.amazonaws.com',
    'signin.aws.amazon.com',
  ],
  [
    'eu-central-1',
    'aws',
    'eu-central-1.signin.aws.amazon.com',
    'sts.eu-central-1.amazonaws.com',
    'signin.aws.amazon.com',
  ],
  [
    'cn-north-1',
    'aws-cn',
    'cn-north-1.signin.amazonaws.cn',
    'sts.cn-north-1.amazonaws.com.cn',
    'signin.amazonaws.cn',
  ],
  [
    'us-gov-west-1',
    'aws-us-gov',
    'us-gov-west-1.signin.amazonaws-us-gov.com',
    'sts.us-gov-west-1.amazonaws.com',
    'signin.amazonaws-us-gov.com',
  ],
  [
    'us-iso-east-1',
    'aws-iso',
    'us-iso-east-1.signin.c2shome.ic.gov',
    'sts.us-iso-east-1.c2s.ic.gov',
    'signin.c2shome.ic.gov',
  ],
  [
    'us-isob-east-1',
    'aws-iso-b',
    'us-isob-east-1.signin.sc2shome.sgov.gov',
    'sts.us-isob-east-1.sc2s.sgov.gov',
    'signin.sc2shome.sgov.gov',
  ],
  [
    'eu-isoe-west-1',
    'aws-iso-e',
    'eu-isoe-west-1.signin.csphome.adc-e.uk',
    'sts.eu-isoe-west-1.cloud.adc-e.uk',
    'signin.csphome.adc-e.uk',
  ],
  [
    'us-isof-south-1',
    'aws-iso-f',
    'us-isof-south-1.signin.csphome.hci.ic.gov',
    'sts.us-isof-south-1.csp.hci.ic.gov',
    'signin.csphome.hci.ic.gov',
  ],
  [
    'eusc-de-east-1',
    'aws-eusc',
    'eusc-de-east-1.signin.amazonaws-eusc.eu',
    'sts.eusc-de-east-1.amazonaws.eu',
    'signin.amazonaws-eusc.eu',
  ],
])('%s is of the partition %s, and has its hosts', (region, partition, signin, sts, federation) => {
  expect(resolvePartition(region).id).toBe(partition)
  expect(endpointsAt(region)).toEqual({
    signin: `https://${signin}`,
    authorization: `https://${signin}/v1/authorize`,
    token: `https://${signin}/v1/token`,
    sts: `https://${sts}`,
    federation: `https://${federation}/federation`,
  })
  expect(removeRegion(signin)).toBe(federation)
})

test.each(['evil.example', 'us-east-1.signin.evil.example', 'a.b.signin.aws.amazon.com', '127.0.0.1:4567'])(
  'a host that is not of AWS is itself: %s',
  (host) => expect(removeRegion(host)).toBe(host),
)

test('the regions of a partition are one server to a grant, and those of two are two', () => {
  const [here, there, china] = ['us-east-1', 'eu-west-1', 'cn-north-1'].map((region) =>
    removeRegion(new URL(endpointsAt(region).token!).host),
  )
  expect(here).toBe(there)
  expect(here).not.toBe(china)
})

test('a login stays good when its identity works in another region of the partition, and not beyond', () => {
  const at = (region: string) => createDefinition('work', aws, { env: {}, identity: { params: { region } } })
  const { token, authorization } = endpointsAt('us-east-1')
  const header: Header = {
    v: 1,
    name: 'work',
    kind: 'aws/user',
    provider: 'aws',
    params: { region: 'us-east-1' },
    endpoints: { token: token!, authorization: authorization! },
    method: 'browser',
    renewable: true,
    createdAt: 0,
  }
  expect(isBound(at('us-east-1'), header)).toBe(true)
  expect(isBound(at('eu-west-1'), header)).toBe(true)
  expect(isBound(at('cn-north-1'), header)).toBe(false)
  const elsewhere = { ...header, endpoints: { token: 'https://us-east-1.signin.evil.example/v1/token' } }
  expect(isBound(at('us-east-1'), elsewhere)).toBe(false)
})

describe('endpoints that are said', () => {
  const ONE = 'http://127.0.0.1:1'
  const TWO = 'http://127.0.0.1:2'

  test('in the environment come before those of AWS, the ones of a service first', () => {
    expect(endpointsAt('eu-west-1', { AWS_ENDPOINT_URL: ONE })).toMatchObject({
      authorization: `${ONE}/v1/authorize`,
      token: `${ONE}/v1/token`,
      sts: ONE,
    })
    expect(endpointsAt('eu-west-1', { AWS_ENDPOINT_URL: ONE, AWS_ENDPOINT_URL_STS: TWO })).toMatchObject({
      token: `${ONE}/v1/token`,
      sts: TWO,
    })
    expect(endpointsAt('eu-west-1', { AWS_ENDPOINT_URL_SIGNIN: TWO })).toMatchObject({
      token: `${TWO}/v1/token`,
      sts: 'https://sts.eu-west-1.amazonaws.com',
    })
  })

  test('in the configuration come before those of the environment', () => {
    const env = { AWS_ENDPOINT_URL: ONE }
    expect(endpointsAt('eu-west-1', env, { signin: TWO })).toMatchObject({
      token: `${TWO}/v1/token`,
      sts: ONE,
    })
  })
})

describe('answers of Sign-In', () => {
  const keys = { accessKeyId: 'A', secretAccessKey: 'S', sessionToken: 'T' }

  test('are read in both spellings', () => {
    const camel = {
      accessToken: keys,
      tokenType: 'aws_sigv4',
      expiresIn: 900,
      refreshToken: 'R',
      idToken: 'I',
    }
    const snake = {
      access_token: { access_key_id: 'A', secret_access_key: 'S', session_token: 'T' },
      token_type: 'aws_sigv4',
      expires_in: 900,
      refresh_token: 'R',
      id_token: 'I',
    }
    expect(awsWire.decodeResponse(camel)).toEqual(awsWire.decodeResponse(snake))
    expect(awsWire.parseKeys(awsWire.decodeResponse(camel).access_token as string)).toEqual({
      cloud: 'aws',
      ...keys,
    })
  })

  test.each([
    { ...keys, sessionToken: '' },
    { ...keys, secretAccessKey: 7 },
    { accessKeyId: 'A', secretAccessKey: 'S' },
    'a text',
    null,
    [],
  ])('without all three keys have none: %j', (accessToken) => {
    expect(awsWire.decodeResponse({ accessToken, refreshToken: 'R' })).toMatchObject({
      access_token: undefined,
      refresh_token: 'R',
    })
  })
})

/** The addresses that open AWS' console. */
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import type { KeysCredential } from '../../src/core/types.ts'
import { buildConsoleUrl, type ConsolePage, getSigninTokenUrl } from '../../src/formats/console-url.ts'

const BASE = 'https://signin.aws.amazon.com/federation'
const HOST = 'console.aws.amazon.com'
const keys: KeysCredential = {
  kind: 'keys',
  cloud: 'aws',
  accessKeyId: 'ASIA',
  secretAccessKey: new Secret('a/b+c&d='),
  sessionToken: new Secret('IQoJ/+=='),
  issuedAt: 0,
}

const queryOf = (url: string) => Object.fromEntries(new URL(url).searchParams)

describe('where the sign-in token is asked for', () => {
  test('with the three parts of the keys, as they are', () => {
    const url = getSigninTokenUrl(BASE, keys)
    expect(url.startsWith(`${BASE}?`)).toBe(true)
    const { Action, Session } = queryOf(url)
    expect(Action).toBe('getSigninToken')
    expect(JSON.parse(Session!)).toEqual({
      sessionId: 'ASIA',
      sessionKey: 'a/b+c&d=',
      sessionToken: 'IQoJ/+==',
    })
  })

  test('not with permanent keys, and not with those of another cloud', () => {
    const { sessionToken: _, ...permanent } = keys
    expect(() => getSigninTokenUrl(BASE, permanent)).toThrow(/takes temporary keys/)
    expect(() => getSigninTokenUrl(BASE, { ...keys, cloud: 'alibaba' })).toThrow(/another cloud/)
  })
})

describe('what the browser opens', () => {
  const url = (page: Partial<ConsolePage> = {}) =>
    buildConsoleUrl(BASE, new Secret('sign+in/token='), { consoleHost: HOST, ...page })

  test('has the sign-in token, and whom to go to afterwards', () => {
    const { Action, SigninToken, Issuer } = queryOf(url({ issuer: 'https://login.example.com/' }))
    expect({ Action, SigninToken, Issuer }).toEqual({
      Action: 'login',
      SigninToken: 'sign+in/token=',
      Issuer: 'https://login.example.com/',
    })
    expect(queryOf(url())).not.toHaveProperty('Issuer')
  })

  test.each<[Partial<ConsolePage>, string]>([
    [{}, 'https://console.aws.amazon.com/console/home'],
    [{ region: 'eu-west-1' }, 'https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1'],
    [
      { region: 'eu-west-1', service: 's3' },
      'https://eu-west-1.console.aws.amazon.com/s3/home?region=eu-west-1',
    ],
    [{ service: 'iam' }, 'https://console.aws.amazon.com/iam/home'],
    [
      { region: 'us-east-2', service: 'dynamodb' },
      'https://us-east-2.console.aws.amazon.com/dynamodbv2/home?region=us-east-2',
    ],
    [
      { region: 'cn-north-1', service: 'ec2', consoleHost: 'console.amazonaws.cn' },
      'https://cn-north-1.console.amazonaws.cn/ec2/home?region=cn-north-1',
    ],
    [
      { destination: 'https://s3.console.aws.amazon.com/s3/buckets?region=x', service: 'ec2' },
      'https://s3.console.aws.amazon.com/s3/buckets?region=x',
    ],
  ])('%j leads to %s', (page, destination) => {
    expect(queryOf(url(page)).Destination).toBe(destination)
  })

  test.each<Partial<ConsolePage>>([
    { region: 'evil.example/' },
    { region: 'eu-west-1.evil' },
    { region: '-' },
    { service: '../signin' },
    { service: 'constructor?' },
    { destination: 'https://evil.example/' },
    { destination: 'https://evilconsole.aws.amazon.com.evil.example/' },
    { destination: 'https://xconsole.aws.amazon.com/' },
    { destination: 'http://console.aws.amazon.com/' },
    { destination: 'https://user@console.aws.amazon.com/' },
    { destination: 'javascript:alert(1)' },
    { destination: '' },
  ])('%j leads nowhere', (page) => {
    expect(() => url(page)).toThrow(expect.objectContaining({ code: 'usage' }))
  })
})

/** Alibaba Cloud's own SDK against the stand-in, and against us: what we believe of the wire is not our own belief alone. */
import { createRequire } from 'node:module'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fromDaypass } from '../../../src/alibaba.ts'
import { Secret } from '../../../src/core/secret.ts'
import { percentEncode, signRequest } from '../../../src/sts/sign-acs3.ts'
import { ADA as ARN, cloud, MINUTE, roleArn, session } from '../../client/alibaba-context.ts'
import { failureOf } from '../../client/client-context.ts'
import type { AlibabaOptions } from './options.ts'
import { ADA, startAlibaba } from './server.ts'

// CommonJS, with its classes under `default`.
const load = createRequire(import.meta.url)
const { default: Client, AssumeRoleRequest } = load(
  '@alicloud/sts20150401',
) as typeof import('@alicloud/sts20150401')
const { default: Credential } = load('@alicloud/credentials') as typeof import('@alicloud/credentials')
const { default: OAuthCredentialsProvider } = load(
  '@alicloud/credentials/dist/src/providers/oauth.js',
) as typeof import('@alicloud/credentials/dist/src/providers/oauth.js')
/** What the client itself stands on. */
const core = createRequire(load.resolve('@alicloud/sts20150401'))('@alicloud/openapi-core') as {
  $OpenApiUtil: { Config: new (config: object) => ConstructorParameters<typeof Client>[0] }
  OpenApiUtil: { getAuthorization(request: object, ...signing: string[]): string }
}

async function standIn(options: AlibabaOptions = {}) {
  const ali = await startAlibaba(options)
  onTestFinished(() => ali.close())
  return ali
}

type Keys = Partial<Record<'accessKeyId' | 'accessKeySecret' | 'securityToken', string>>

function clientOf(url: string, keys: Keys | { credential: InstanceType<typeof Credential> }) {
  const where = { endpoint: new URL(url).host, protocol: 'http', regionId: 'cn-hangzhou' }
  return new Client(new core.$OpenApiUtil.Config({ ...where, ...keys }))
}

describe('STS', () => {
  test('says whose an AccessKey is', async () => {
    const ali = await standIn()
    const { body } = await clientOf(ali.url, ADA).getCallerIdentity()
    expect([body?.identityType, body?.arn, body?.accountId]).toEqual(['RAMUser', ARN, ali.account])
  })

  test('gives keys of a role, which are good there', async () => {
    const ali = await standIn()
    const request = new AssumeRoleRequest({
      roleArn: roleArn('Deploy'),
      roleSessionName: 'ada@here.now',
      durationSeconds: 900,
    })
    const { body } = await clientOf(ali.url, ADA).assumeRole(request)
    const { accessKeyId, accessKeySecret, securityToken, expiration } = body!.credentials!
    expect(expiration).toHaveLength(20)
    const own = clientOf(ali.url, {
      accessKeyId: accessKeyId!,
      accessKeySecret: accessKeySecret!,
      securityToken: securityToken!,
    })
    expect((await own.getCallerIdentity()).body?.arn).toBe(session('Deploy', 'ada@here.now'))
  })

  test.each([
    [{ accessKeyId: 'LTAI0' }, 'InvalidAccessKeyId.NotFound'],
    [{ accessKeySecret: 'wrong' }, 'SignatureDoesNotMatch'],
    [{ securityToken: 'of somebody' }, 'InvalidSecurityToken.MismatchWithAccessKey'],
  ])('says no as the SDK reads it: %o', async (wrong, code) => {
    const ali = await standIn()
    const error = await failureOf(clientOf(ali.url, { ...ADA, ...wrong }).getCallerIdentity())
    expect(error).toMatchObject({ code })
  })
})

describe('our signature', () => {
  const nonce = 'f1e2d3c4b5a6'
  const time = Date.UTC(2026, 0, 2, 3, 4, 5)

  test.each([
    ['permanent keys', {}, undefined],
    ['temporary keys', {}, 'CAIS+/token=='],
    [
      'parameters of every kind',
      { RoleArn: 'acs:ram::1:role/A', RoleSessionName: "a*b'(c)!~é x/y+z%", Policy: '{"a":["*"]}', Z: '' },
      'CAIS',
    ],
  ])('of %s is the one of the SDK', (_, parameters, token) => {
    const query = Object.entries(parameters)
      .map(([name, value]) => `${percentEncode(name)}=${percentEncode(String(value))}`)
      .join('&')
    const url = new URL(`https://sts.aliyuncs.com/${query && `?${query}`}`)
    const { accessKeyId, accessKeySecret } = ADA
    const { authorization, ...headers } = signRequest(
      { url, action: 'AssumeRole', version: '2015-04-01', time, nonce },
      {
        accessKeyId,
        secretAccessKey: new Secret(accessKeySecret),
        ...(token && { sessionToken: new Secret(token) }),
      },
    )
    const request = { method: 'POST', pathname: '/', query: parameters, headers }
    const theirs = core.OpenApiUtil.getAuthorization(
      request,
      'ACS3-HMAC-SHA256',
      headers['x-acs-content-sha256']!,
      accessKeyId,
      accessKeySecret,
    )
    expect(authorization).toBe(theirs)
  })
})

describe('the OAuth provider of the SDK', () => {
  test('refreshes and exchanges at the stand-in, as aliyun’s profile would have it', async () => {
    const w = await cloud()
    await w.login('work')
    const { refreshToken, source } = (await w.vault.read('work'))!.grant!
    const kept: unknown[] = []
    const provider = OAuthCredentialsProvider.builder()
      .withClientId('4038181954557748008')
      .withSignInUrl(w.ali.url)
      .withRefreshToken(refreshToken!.reveal())
      .withAccessToken(source!.token.reveal())
      .withAccessTokenExpire(Math.floor(Date.now() / 1000) + 60)
      .withTokenUpdateCallback(async (...tokens) => void kept.push(tokens))
      .build()
    const keys = await provider.getCredentials()
    expect(w.ali.stats()).toMatchObject({ by: { refresh: 1, exchange: 2 }, refusals: [] })
    expect((await clientOf(w.ali.url, { ...keys }).getCallerIdentity()).body?.arn).toBe(ARN)
    expect(kept).toHaveLength(1)
  })
})

describe('a client of the SDK', () => {
  test('calls with keys of an identity, renewed where they are stale', async () => {
    const w = await cloud()
    await w.login('work')
    const credential = new Credential(null, fromDaypass({ identity: 'work', daypass: w.daypass }))
    const client = clientOf(w.ali.url, { credential })
    expect((await client.getCallerIdentity()).body?.arn).toBe(ARN)
    w.advance(46 * MINUTE)
    // The SDK signs by this machine's clock, and time did not pass for it.
    w.ali.setClockOffset(-46 * MINUTE)
    expect((await client.getCallerIdentity()).body?.arn).toBe(ARN)
    expect(w.ali.stats().by).toMatchObject({ refresh: 1, exchange: 2 })
  })
})

/** Keys that are handed in: an AccessKey, temporary ones with their end, and those that a role is taken on with. */
import { describe, expect, test } from 'vitest'
import { createEnvRef } from '../../src/config/env-tag.ts'
import { type ErrorCode, EXIT } from '../../src/core/errors.ts'
import { ADA as USER } from '../stand-ins/alibaba/server.ts'
import { ACCOUNT, ADA, asked, cloud, HOUR, MINUTE, role, roleArn, session } from './alibaba-context.ts'
import { failureOf } from './client-context.ts'

const AK = { access_key_id: USER.accessKeyId, access_key_secret: USER.accessKeySecret }
const line = (more: object = {}) => `${JSON.stringify({ ...AK, ...more })}\n`
const byKeys = { method: 'keys' } as const
const OWNER = {
  access_key_id: 'LTAI5tExampleOfTheOwner0',
  access_key_secret: 'v7Jq3ExampleOfASecretOfRoot000',
}

describe('an AccessKey', () => {
  test('is kept once Alibaba Cloud has said whose it is, and handed out as it is', async () => {
    const w = await cloud({}, { types: [line()] })
    await w.login('work', byKeys)
    const keys = await w.keys()
    expect([keys.accessKeyId, keys.secretAccessKey.reveal(), keys.sessionToken, keys.expiresAt]).toEqual([
      USER.accessKeyId,
      USER.accessKeySecret,
      undefined,
      undefined,
    ])
    expect(await w.row()).toMatchObject({
      kind: 'alibaba/user',
      principal: ADA,
      account: ACCOUNT,
      method: 'keys',
    })
    expect(w.ali.stats().by).toEqual({ GetCallerIdentity: 1 })
    expect(await failureOf(w.daypass.logout('work'))).toMatchObject({
      code: 'usage',
      hint: 'daypass remove work',
    })
  })

  test('that is refused is exit 4, and what was kept before stays', async () => {
    const w = await cloud({}, { types: [line(), line({ access_key_secret: 'of somebody else' })] })
    await w.login('work', byKeys)
    const error = await failureOf(w.login('work', byKeys))
    expect(error).toMatchObject({
      code: 'login_required',
      hint: 'hand in other keys; what was kept before is as it was',
    })
    expect(error.message).toMatch(
      /^Alibaba Cloud does not take these keys \(\S+ answered 400 SignatureDoesNotMatch Specified signature/,
    )
    expect(error.message).not.toContain(USER.accessKeySecret)
    expect(await w.caller()).toBe(ADA)
  })

  test('of the account’s owner is warned about', async () => {
    const w = await cloud({}, { types: [`${JSON.stringify(OWNER)}\n`] })
    await w.login('work', byKeys)
    expect(w.warned).toEqual([expect.stringMatching(/^this is the account's owner, who may do everything/)])
  })

  test('of another person than was said is exit 6, and not kept', async () => {
    const w = await cloud({}, { types: [line()], work: { account_id: '9999999999999999' } })
    const error = await failureOf(w.login('work', byKeys))
    expect(error).toMatchObject({ code: 'refused' })
    expect(error.message).toBe(`${ADA} has logged in to work, and it is to be account 9999999999999999`)
    expect(await w.vault.names()).toEqual([])
  })

  test('of the configuration comes before what a login kept', async () => {
    const credentials = { access_key_id: createEnvRef('MY_ID'), secret_access_key: createEnvRef('MY_SECRET') }
    const env = { MY_ID: USER.accessKeyId, MY_SECRET: USER.accessKeySecret }
    const w = await cloud({}, { work: { credentials }, env })
    expect((await w.keys()).accessKeyId).toBe(USER.accessKeyId)
    await w.login('work')
    expect(w.ali.stats().by).toEqual({ GetCallerIdentity: 1 })
    expect(await w.row()).toMatchObject({ store: 'config', method: 'keys' })
  })

  test('of the environment is used where nothing is chosen', async () => {
    const env = {
      ALIBABA_CLOUD_ACCESS_KEY_ID: 'LTAI1',
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'secret',
      ALIBABA_CLOUD_SECURITY_TOKEN: 'token',
    }
    const w = await cloud({}, { env })
    const handed = await w.daypass.getCredential()
    expect(handed).toMatchObject({ identity: '(environment)', variable: 'ALIBABA_CLOUD_ACCESS_KEY_ID' })
    expect(handed.credential).toMatchObject({ cloud: 'alibaba', accessKeyId: 'LTAI1' })
    expect((await w.daypass.list()).identities[0]!.row).toMatchObject({ name: '(environment)', active: true })
  })
})

describe('an STS token', () => {
  /** As another program hands it over. */
  async function temporary(more: (end: number) => object) {
    const first = await cloud()
    await first.login('work')
    const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = await first.keys()
    const handed = {
      access_key_id: accessKeyId,
      access_key_secret: secretAccessKey.reveal(),
      sts_token: sessionToken!.reveal(),
      ...more(expiresAt!),
    }
    const { url } = first.ali
    const endpoints = { signin: url, oauth: url, sts: url }
    const w = await cloud({}, { types: [JSON.stringify(handed)], work: { endpoints } })
    return { ...w, ali: first.ali, accessKeyId }
  }

  test.each([
    ['expiration', (end: number) => ({ expiration: new Date(end).toISOString() })],
    ['sts_expiration', (end: number) => ({ sts_expiration: Math.floor(end / 1000) })],
  ])('is good until its end (%s), and then a login is needed', async (_, more) => {
    const w = await temporary(more)
    await w.login('work', byKeys)
    expect(await w.row()).toMatchObject({ principal: ADA, state: 'valid', method: 'keys' })
    w.advance(HOUR - 2 * MINUTE)
    expect((await w.keys()).accessKeyId).toBe(w.accessKeyId)
    w.advance(2 * MINUTE)
    expect(await failureOf(w.keys())).toMatchObject({ code: 'login_required', hint: 'daypass login work' })
    expect(await w.row()).toMatchObject({ state: 'expired' })
  })

  test('that is over already is exit 4, and not kept', async () => {
    const w = await temporary(() => ({}))
    w.ali.expireKeys()
    const error = await failureOf(w.login('work', byKeys))
    expect(error.code).toBe('login_required')
    expect(error.message).toContain('InvalidSecurityToken.Expired')
    expect(await w.vault.names()).toEqual([])
  })
})

describe('a RAM role from keys of its own', () => {
  const handedIn = (more: object = {}) => line({ ram_role_arn: roleArn('Deploy'), ...more })

  test('is what is handed out, and is taken on again without a person', async () => {
    const w = await cloud({}, { types: [handedIn()] })
    await w.login('work', byKeys)
    expect(await w.caller()).toBe(session('Deploy', 'daypass-work'))
    expect((await w.header()).kind).toBe('alibaba/ram-role')
    expect(await w.row()).toMatchObject({
      principal: session('Deploy', 'daypass-work'),
      method: 'keys',
      state: 'valid',
    })
    const first = await w.keys()
    w.advance(44 * MINUTE)
    expect((await w.keys()).accessKeyId).toBe(first.accessKeyId)
    w.advance(2 * MINUTE)
    expect(await w.row()).toMatchObject({ state: 'stale' })
    expect(await w.caller()).toBe(session('Deploy', 'daypass-work'))
    w.advance(46 * MINUTE)
    expect(await w.caller()).toBe(session('Deploy', 'daypass-work'))
    expect(asked(w.ali, 'AssumeRole')).toBe(3)
    expect(asked(w.ali, 'auth')).toBe(0)
  })

  test('takes the name of its session, and an external id', async () => {
    const roles = [role('Deploy', { externalId: 'acme' })]
    const more = { ram_session_name: 'ada-here', external_id: 'acme' }
    const w = await cloud({ roles }, { types: [handedIn(more)] })
    await w.login('work', byKeys)
    expect(await w.caller()).toBe(session('Deploy', 'ada-here'))
    w.advance(HOUR)
    expect(await w.caller()).toBe(session('Deploy', 'ada-here'))
  })

  test.each([
    [
      'no identity trusts',
      [role('Deploy', { trust: [] })],
      'NoPermission',
      /trust policy of the role has to name you/,
    ],
    ['does not exist', [], 'EntityNotExist.Role', /^there is no such role in that account/],
  ])('that %s is exit 6, and nothing is kept', async (_, roles, code, hint) => {
    const w = await cloud({ roles }, { types: [handedIn()] })
    const error = await failureOf(w.login('work', byKeys))
    expect(error).toMatchObject({ code: 'refused', hint: expect.stringMatching(hint) })
    expect(error.message).toContain(code)
    expect(await w.vault.names()).toEqual([])
  })

  test('whose keys are disabled needs other keys, and says so', async () => {
    const w = await cloud({}, { types: [handedIn()] })
    await w.login('work', byKeys)
    w.ali.disable(USER.accessKeyId)
    w.advance(46 * MINUTE)
    const error = await failureOf(w.keys())
    expect(error).toMatchObject({ code: 'login_required', hint: 'daypass login work' })
    expect(error.message).toMatch(
      /^Alibaba Cloud does not take these keys \(\S+ answered 404 InvalidAccessKeyId\.NotFound/,
    )
  })

  test('keeps its keys sealed, and does not hand them out', async () => {
    const w = await cloud({}, { types: [handedIn()] })
    await w.login('work', byKeys)
    const entry = (await w.vault.read('work'))!
    expect(entry.grant!.longTerm!.accessKeyId).toBe(USER.accessKeyId)
    expect(JSON.stringify(entry.header)).not.toContain(USER.accessKeySecret)
    expect((await w.keys()).accessKeyId).not.toBe(USER.accessKeyId)
  })

  test('in passing trouble is used while it lives', async () => {
    const w = await cloud({}, { types: [handedIn()] })
    await w.login('work', byKeys)
    const first = await w.keys()
    w.advance(46 * MINUTE)
    w.ali.failNext({
      door: 'AssumeRole',
      sts: [400, 'Throttling.User', 'Request was denied due to user flow control.'],
    })
    expect((await w.keys()).accessKeyId).toBe(first.accessKeyId)
    expect(w.warned.at(-1)).toMatch(/^work could not be renewed, using what is left of it/)
  })
})

describe('what the token service says no with', () => {
  test.each([
    [404, 'InvalidAccessKeyId.NotFound', 4],
    [400, 'InvalidAccessKeyId.Inactive', 4],
    [400, 'InvalidSecurityToken.Malformed', 4],
    [400, 'InvalidSecurityToken.Expired', 4],
    [400, 'SignatureDoesNotMatch', 4],
    [400, 'Throttling', 5],
    [503, 'ServiceUnavailable', 5],
    [403, 'NoPermission', 6],
    [400, 'InvalidParameter.RoleArn', 6],
    [404, 'EntityNotExist.Role', 6],
    [400, 'SomethingElse', 6],
  ])('(%i %s) is exit %i', async (status, code, exit) => {
    const w = await cloud({}, { types: [line()] })
    w.ali.failNext({ door: 'GetCallerIdentity', sts: [status, code, 'In its own words.'] })
    const error = await failureOf(w.login('work', byKeys))
    expect(EXIT[error.code as ErrorCode]).toBe(exit)
    expect(error.message).toContain(`answered ${status} ${code} In its own words.`)
  })

  test('nothing of its own, as a portal does, is passing', async () => {
    const w = await cloud({}, { types: [line()] })
    w.ali.failNext({ door: 'GetCallerIdentity', body: '<html>Sign in to the network</html>' })
    const error = await failureOf(w.login('work', byKeys))
    expect(error.message).toMatch(/^\S+ gave an answer \(200\) that is not Alibaba Cloud's$/)
  })
})

test.each([
  ['{"access_key_id":"LTAI1"}', 'both access_key_id and secret_access_key are needed'],
  ['LTAI1', 'the keys are not one line of JSON'],
])('what is no pair of keys (%s) is a usage error', async (text, message) => {
  const w = await cloud({}, { types: [text] })
  expect(await failureOf(w.login('work', byKeys))).toMatchObject({ code: 'usage', message })
})

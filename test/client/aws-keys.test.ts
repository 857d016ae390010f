/** Where the keys of `aws/user` come from: configuration, then the vault, then the browser. */
import { describe, expect, test } from 'vitest'
import { createEnvRef } from '../../src/config/env-tag.ts'
import type { Identity } from '../../src/config/schema.ts'
import { ADA, asked, cloud, configured, ID, KEYS, SECRET } from './aws-context.ts'
import { failureOf } from './client-context.ts'

const WRONG = { ...KEYS, secret_access_key: 'of-somebody-else' }
const ENV = { access_key_id: createEnvRef('MY_ID'), secret_access_key: createEnvRef('MY_SECRET') }
const user = (credentials: Identity['credentials'], more: Partial<Identity> = {}) =>
  configured({ work: { kind: 'aws/user', credentials: credentials!, ...more } })
const typed = (text: object) => ({ types: [JSON.stringify(text)] })

describe('keys of the configuration', () => {
  test('come first, need no login, and are kept nowhere else', async () => {
    const w = await cloud({}, { config: user(KEYS) })
    expect(await w.caller('work')).toBe(ADA)
    expect(await w.vault.names()).toEqual([])
    expect(await w.row('work')).toMatchObject({ state: 'valid', method: 'keys', store: 'config' })
    expect(await w.daypass.refresh('work')).toMatchObject({ outcome: 'nothing_to_renew' })
    expect(await w.daypass.refresh('work', { force: true })).toMatchObject({ outcome: 'nothing_to_renew' })
    expect(w.browser.opened).toEqual([])
  })

  test('are read from the environment when they are used', async () => {
    const env: Record<string, string> = {}
    const w = await cloud({}, { config: user(ENV), env })
    Object.assign(w.host.env, { MY_ID: ID, MY_SECRET: SECRET })
    expect(await w.caller('work')).toBe(ADA)
  })

  test('of which both are unset in the environment are no keys: the vault is next, then the browser', async () => {
    const w = await cloud({}, { config: user(ENV) })
    expect(await failureOf(w.keys('work'))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login work',
    })
    await w.login('work')
    expect(w.browser.opened).toHaveLength(1)
    expect(await w.row('work')).toMatchObject({ method: 'browser', store: 'memory' })
  })

  test.each([
    ['MY_ID', ID, 'access_key_id of work is set, but secret_access_key is not: $MY_SECRET is empty'],
    ['MY_SECRET', SECRET, 'secret_access_key of work is set, but access_key_id is not: $MY_ID is empty'],
  ])('of which %s alone is set are a mistake, whatever else there is', async (name, value, message) => {
    const w = await cloud({}, { config: user(ENV) })
    await w.login('work')
    Object.assign(w.host.env, { [name]: value })
    const error = await failureOf(w.keys('work'))
    expect(error).toMatchObject({ code: 'configuration', message })
    expect(error.message + error.hint).not.toContain(value)
    expect(await failureOf(w.login('work'))).toMatchObject({ code: 'configuration', message })
    expect(w.browser.opened).toHaveLength(1)
  })

  test('that AWS refuses are an error that names config.yaml, though a login is kept', async () => {
    const w = await cloud({}, { config: user(ENV) })
    await w.login('work')
    Object.assign(w.host.env, { MY_ID: ID, MY_SECRET: WRONG.secret_access_key })
    const error = await failureOf(w.login('work'))
    expect(error).toMatchObject({ code: 'login_required', hint: 'mend credentials of work in config.yaml' })
    expect(error.message).toMatch(/^AWS does not take these keys \(\S+ answered 403 SignatureDoesNotMatch/)
    expect(await failureOf(w.daypass.check('work'))).toMatchObject({
      code: 'login_required',
      hint: 'mend credentials of work in config.yaml',
    })
    expect(w.browser.opened).toHaveLength(1)
    expect((await w.vault.read('work'))?.grant).toBeDefined()
  })

  test('are checked by a login, which says whose they are', async () => {
    const w = await cloud({}, { config: user(KEYS) })
    await w.login('work')
    expect(w.browser.opened).toEqual([])
    expect(await w.row('work')).toMatchObject({ principal: ADA, state: 'valid', store: 'config' })
    expect((await w.vault.read('work'))?.grant).toBeUndefined()
    await w.daypass.check('work')
  })

  test('are no way into the root user, which goes straight to the browser', async () => {
    const config = configured({ top: { kind: 'aws/root', credentials: KEYS } })
    const w = await cloud({ person: { kind: 'root' } }, { config })
    expect(await failureOf(w.keys('top'))).toMatchObject({ code: 'login_required' })
    await w.login('top')
    expect(await w.caller('top')).toBe('arn:aws:iam::111122223333:root')
    expect(await failureOf(w.login('top', { method: 'keys' }))).toMatchObject({ code: 'usage' })
  })
})

describe('keys that a login keeps', () => {
  test.each([
    ['of our own', { access_key_id: ID, secret_access_key: SECRET }],
    ['of AWS', { AccessKeyId: ID, SecretAccessKey: SECRET }],
    ['of its files', { aws_access_key_id: ID, aws_secret_access_key: SECRET }],
    ['of Alibaba Cloud', { access_key_id: ID, access_key_secret: SECRET }],
    [
      'of iam create-access-key',
      { AccessKey: { UserName: 'ada', AccessKeyId: ID, SecretAccessKey: SECRET } },
    ],
  ])('come as one line of JSON in names %s, and are checked', async (_, json) => {
    const w = await cloud({}, typed(json))
    await w.login('aws', { name: 'work', method: 'keys' })
    expect(await w.caller('work')).toBe(ADA)
    expect(await w.row('work')).toMatchObject({
      method: 'keys',
      state: 'valid',
      principal: ADA,
      expires_at: null,
    })
    expect(w.browser.opened).toEqual([])
  })

  test('may be temporary ones', async () => {
    const w = await cloud()
    await w.login('aws', { name: 'first' })
    const { accessKeyId, secretAccessKey, sessionToken } = await w.keys('first')
    const json = {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey.reveal(),
      SessionToken: sessionToken!.reveal(),
    }
    const again = await cloud({}, { ...typed(json), env: { AWS_ENDPOINT_URL: w.aws.url } })
    await again.login('aws', { name: 'work', method: 'keys' })
    expect(await w.callerWith(await again.keys('work'))).toBe(ADA)
  })

  test.each([
    ['{"access_key_id":"AKIAIOSFODNN7EXAMPLE"}', 'both access_key_id and secret_access_key are needed'],
    ['{"secret_access_key":"very-secret"}', 'both access_key_id and secret_access_key are needed'],
    ['AKIAIOSFODNN7EXAMPLE very-secret', 'the keys are not one line of JSON'],
    ['"very-secret"', 'the keys are not one line of JSON'],
    ['null', 'the keys are not one line of JSON'],
    ['', 'the keys are not one line of JSON'],
  ])('are refused, and not repeated, when they come as %s', async (text, message) => {
    const w = await cloud({}, { types: [text] })
    const error = await failureOf(w.login('aws', { name: 'work', method: 'keys' }))
    expect(error).toMatchObject({ code: 'usage', message })
    expect(error.hint).toBe('pipe in one line: {"access_key_id":"…","secret_access_key":"…"}')
    expect(w.requests).toEqual([])
    expect(await w.vault.names()).toEqual([])
  })

  test('are asked for on a terminal, the secret one without an echo', async () => {
    const w = await cloud({}, { interactive: true, answers: [ID], types: [SECRET] })
    await w.login('aws', { name: 'work', method: 'keys', given: { params: { region: 'us-east-1' } } })
    expect(w.asked).toEqual(['Access key id of AWS:', 'Its secret access key (not shown):'])
    expect(await w.caller('work')).toBe(ADA)
  })

  test('that AWS refuses are not kept, and what was kept before stays', async () => {
    const w = await cloud({}, { types: [JSON.stringify(KEYS), JSON.stringify(WRONG)] })
    await w.login('aws', { name: 'work', method: 'keys' })
    const error = await failureOf(w.login('work', { method: 'keys' }))
    expect(error).toMatchObject({
      code: 'login_required',
      hint: 'hand in other keys; what was kept before is as it was',
    })
    expect(error.message).not.toContain(WRONG.secret_access_key)
    expect(await w.caller('work')).toBe(ADA)
  })

  test('come before the browser, and give way to keys of the configuration', async () => {
    const w = await cloud({}, { ...typed(KEYS), config: user(ENV) })
    await w.login('work', { method: 'keys' })
    expect((await w.keys('work')).accessKeyId).toBe(ID)
    Object.assign(w.host.env, { MY_ID: 'AKIAOTHER', MY_SECRET: 'other' })
    expect((await w.keys('work')).accessKeyId).toBe('AKIAOTHER')
  })

  test('are no login that one could log out of', async () => {
    const w = await cloud({}, typed(KEYS))
    await w.login('aws', { name: 'work', method: 'keys' })
    expect(await failureOf(w.daypass.logout('work'))).toMatchObject({
      code: 'usage',
      hint: 'daypass remove work',
    })
    await w.daypass.remove('work')
    expect(await w.vault.names()).toEqual([])
  })

  test('that are refused later are told by a check', async () => {
    const w = await cloud({}, typed(KEYS))
    await w.login('aws', { name: 'work', method: 'keys' })
    await w.daypass.check('work')
    const other = await cloud({ users: [{ name: 'ada', accessKeyId: ID, secretAccessKey: 'changed' }] })
    Object.assign(w.host.env, { AWS_ENDPOINT_URL_STS: other.aws.url })
    expect(await failureOf(w.daypass.check('work'))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login work',
    })
  })
})

describe('webflow_enabled: false', () => {
  const config = user({ webflow_enabled: false })

  test('opens no browser: without a terminal the methods that work are named', async () => {
    const w = await cloud({}, { config })
    const error = await failureOf(w.login('work'))
    expect(error).toMatchObject({ code: 'login_required', hint: 'daypass login aws work --method keys' })
    for (const method of ['browser', 'paste'] as const)
      expect(await failureOf(w.login('work', { method }))).toMatchObject({ code: 'usage' })
    expect(await failureOf(w.daypass.startLogin('work'))).toMatchObject({ code: 'usage' })
    expect(w.browser.opened).toEqual([])
    expect(asked(w.aws, 'authorize')).toBe(0)
  })

  test('asks for keys on a terminal', async () => {
    const w = await cloud({}, { config, interactive: true, answers: ['us-east-1', ID], types: [SECRET] })
    await w.login('work')
    expect(await w.caller('work')).toBe(ADA)
    expect(w.said.join('\n')).not.toContain('http')
    expect(w.browser.opened).toEqual([])
  })
})

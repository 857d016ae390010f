/** Roles that were made: kept, renewed, shared and ended like logins. */
import { describe, expect, test } from 'vitest'
import type { Identity } from '../../src/config/schema.ts'
import { createMemoryVault } from '../../src/vault/open-vault.ts'
import {
  asked,
  assumes,
  cloud,
  configured,
  KEYS,
  MINUTE,
  renewals,
  role,
  roleArn,
  STATIC,
  session,
  WORK,
  withAdmin,
} from './aws-context.ts'
import { failureOf, gate } from './client-context.ts'

describe('a role that was made', () => {
  test('is renewed as the hour ends, from keys that are renewed first', async () => {
    const w = await withAdmin()
    await w.login('work')
    const first = await w.keys('admin')
    w.advance(54 * MINUTE)
    expect((await w.keys('admin')).accessKeyId).toBe(first.accessKeyId)
    w.advance(2 * MINUTE)
    expect(await w.row('admin')).toMatchObject({ state: 'stale' })
    expect((await w.keys('admin')).accessKeyId).not.toBe(first.accessKeyId)
    expect(renewals(w.aws)).toEqual([1])
    expect(asked(w.aws, 'AssumeRole')).toBe(2)
    expect(w.aws.stats().refusals).toEqual([])
  })

  test('is renewed once for twelve who ask at once', async () => {
    const w = await withAdmin()
    await w.login('work')
    await w.keys('admin')
    w.advance(58 * MINUTE)
    const all = await Promise.all(Array.from({ length: 12 }, () => w.keys('admin')))
    expect(new Set(all.map(({ accessKeyId }) => accessKeyId)).size).toBe(1)
    expect(asked(w.aws, 'AssumeRole')).toBe(2)
    expect(renewals(w.aws)).toEqual([1])
  })

  test('is renewed on demand, and for a program that was refused it', async () => {
    const w = await withAdmin()
    await w.login('work')
    const first = await w.keys('admin')
    expect(await w.daypass.refresh('admin')).toMatchObject({ outcome: 'fresh' })
    expect(await w.daypass.refresh('admin', { force: true })).toMatchObject({ outcome: 'renewed' })
    const second = await w.keys('admin')
    expect(second.accessKeyId).not.toBe(first.accessKeyId)
    const third = await w.daypass.credential('admin', { rejected: second.secretAccessKey })
    expect(third).not.toMatchObject({ accessKeyId: second.accessKeyId })
    expect(asked(w.aws, 'AssumeRole')).toBe(3)
    await w.daypass.check('admin')
  })

  test('is used for what is left of it while the network is down', async () => {
    const w = await withAdmin()
    await w.login('work')
    const first = await w.keys('admin')
    w.advance(57 * MINUTE)
    w.aws.failNext({ door: 'AssumeRole', cut: 'before' })
    expect((await w.keys('admin')).accessKeyId).toBe(first.accessKeyId)
    w.aws.failNext({ door: 'AssumeRole', refuse: 'Throttling' })
    expect((await w.keys('admin')).accessKeyId).toBe(first.accessKeyId)
    expect(w.warned.map((text) => text.split(':')[0])).toEqual([
      'admin could not be renewed, using what is left of it',
      'admin could not be renewed, using what is left of it',
    ])
    expect((await w.keys('admin')).accessKeyId).not.toBe(first.accessKeyId)
  })

  test('is used for what is left of it while its parent cannot be renewed', async () => {
    const w = await withAdmin()
    await w.login('work')
    const first = await w.keys('admin')
    w.advance(57 * MINUTE)
    w.aws.failNext({ door: 'refresh', cut: 'before' })
    expect((await w.keys('admin')).accessKeyId).toBe(first.accessKeyId)
    w.advance(5 * MINUTE)
    w.aws.failNext({ door: 'refresh', cut: 'before' })
    expect(await failureOf(w.keys('admin'))).toMatchObject({ code: 'network' })
    expect(asked(w.aws, 'AssumeRole')).toBe(1)
  })

  test('leaves no trace when the first one could not be made', async () => {
    const w = await withAdmin()
    await w.login('work')
    w.aws.failNext({ door: 'AssumeRole', cut: 'before' })
    expect(await failureOf(w.keys('admin'))).toMatchObject({ code: 'network' })
    expect(await w.row('admin')).toMatchObject({ state: 'stale', expires_at: null })
    expect(await w.caller('admin')).toBe(session('Admin', 'daypass-admin'))
  })

  test.each(['logout', 'remove'] as const)('is gone with the %s of its parent', async (verb) => {
    const w = await withAdmin()
    await w.login('work')
    await w.keys('admin')
    await w.daypass[verb]('work')
    expect((await w.vault.read('admin'))?.grant).toBeUndefined()
    expect(await failureOf(w.keys('admin'))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login work',
    })
    expect(await w.row('admin')).toMatchObject({ state: 'login_required' })
  })

  test('is not used when AWS says that the login of its parent is over', async () => {
    const w = await withAdmin()
    await w.login('work')
    await w.keys('admin')
    w.aws.endSessions('USER_CREDENTIALS_CHANGED')
    await w.daypass.refresh('work', { force: true })
    expect(await failureOf(w.keys('admin'))).toMatchObject({
      code: 'login_required',
      message: expect.stringMatching(
        /^admin needs a login of work: the password was changed since the login/,
      ),
      hint: 'daypass login work',
    })
    expect(await w.row('admin')).toMatchObject({ state: 'login_required' })
  })

  test('is not used after another login of its parent, but made anew', async () => {
    const w = await withAdmin()
    await w.login('work')
    const first = await w.keys('admin')
    await w.login('work')
    expect(await w.row('admin')).toMatchObject({ state: 'stale' })
    expect((await w.keys('admin')).accessKeyId).not.toBe(first.accessKeyId)
  })

  test('is made anew when its definition says something else', async () => {
    const principal: NonNullable<Identity['principal']> = {}
    const config = configured({ work: WORK, admin: assumes('work', 'Admin', principal) })
    const w = await cloud({ roles: [role('Admin'), role('Reader')] }, { config })
    await w.login('work')
    await w.keys('admin')
    const { principal: said } = config.auth!.identities!.admin!
    said!.role_arn = roleArn('Reader')
    expect(await w.row('admin')).toMatchObject({ state: 'stale' })
    expect(await w.caller('admin')).toBe(session('Reader', 'daypass-admin'))
    said!.session_name = 'other'
    expect(await w.caller('admin')).toBe(session('Reader', 'other'))
    await w.keys('admin')
    expect(asked(w.aws, 'AssumeRole')).toBe(3)
  })

  test('goes on when the keys of its parent were over before their time', async () => {
    const w = await withAdmin()
    await w.login('work')
    await w.keys('admin')
    w.aws.expireKeys()
    expect(await w.daypass.refresh('admin', { force: true })).toMatchObject({ outcome: 'renewed' })
    expect(await w.caller('admin')).toBe(session('Admin', 'daypass-admin'))
    expect(renewals(w.aws)).toEqual([1])
    expect(asked(w.aws, 'AssumeRole')).toBe(3)
  })

  test('says once that it is given less than was asked for, however often it has to ask', async () => {
    const w = await withAdmin({ duration: '12h' })
    await w.login('work')
    w.aws.expireKeys()
    await w.keys('admin')
    expect(asked(w.aws, 'AssumeRole')).toBe(2)
    expect(w.warned).toHaveLength(1)
  })

  test('says whose keys to mend when AWS takes those of the configuration no more', async () => {
    const parent: Identity = { kind: 'aws/user', credentials: { ...KEYS, secret_access_key: 'changed' } }
    const w = await withAdmin({}, { parent })
    const error = await failureOf(w.keys('admin'))
    expect(error).toMatchObject({ code: 'login_required', hint: 'mend credentials of work in config.yaml' })
    expect(error.message).toMatch(/AWS does not take these keys/)
  })
})

test('a role that AWS does not give is asked for once more by those who wait for it, not by each', async () => {
  const [here, held] = [gate(), gate()]
  const vault = createMemoryVault()
  const waiting = { now: 0 }
  const exclusive: typeof vault.exclusive = (name, ...rest) => {
    waiting.now += name === 'admin' ? 1 : 0
    return vault.exclusive(name, ...rest)
  }
  const config = configured({ work: STATIC, admin: assumes('work', 'Admin') })
  const first = await cloud(
    { roles: [] },
    {
      config,
      vault: { ...vault, exclusive },
      fetch: async (...request) => {
        here.open()
        await held.opened
        return fetch(...request)
      },
    },
  )
  const env = { AWS_ENDPOINT_URL: first.aws.url }
  const one = failureOf(first.keys('admin'))
  await here.opened
  const others = await Promise.all(
    [1, 2, 3, 4].map(() => cloud({}, { config, env, vault: { ...vault, exclusive } })),
  )
  const refused = others.map((other) => failureOf(other.keys('admin')))
  await expect.poll(() => waiting.now).toBe(5)
  held.open()
  for (const error of await Promise.all([one, ...refused])) expect(error).toMatchObject({ code: 'refused' })
  expect(asked(first.aws, 'AssumeRole')).toBe(2)
})

/** RAM roles made from a login, over the client. */
import { describe, expect, test } from 'vitest'
import type { Identity } from '../../src/config/schema.ts'
import type { AlibabaOptions } from '../stand-ins/alibaba/options.ts'
import { ADA as USER } from '../stand-ins/alibaba/server.ts'
import { asked, assumes, cloud, HOUR, MINUTE, role, roleArn, session } from './alibaba-context.ts'
import { failureOf } from './client-context.ts'

const STATIC: Partial<Identity> = {
  credentials: { access_key_id: USER.accessKeyId, secret_access_key: USER.accessKeySecret },
}

/** `admin`, made from `work`, and `audit`, made from `admin`. */
const family = (
  principal: Identity['principal'] = {},
  more: { options?: AlibabaOptions; work?: Partial<Identity> } = {},
) =>
  cloud(
    {
      roles: [
        role('Admin', { maxSession: 4 * 3600 }),
        role('Audit', { trust: [roleArn('Admin')], externalId: 'acme/audit' }),
      ],
      ...more.options,
    },
    {
      ...(more.work && { work: more.work }),
      identities: {
        admin: assumes('work', 'Admin', principal),
        audit: assumes('admin', 'Audit', { external_id: 'acme/audit', session_name: 'ada' }),
      },
    },
  )

describe('a role', () => {
  test('is made from a login, kept, and made anew with fifteen minutes left', async () => {
    const w = await family()
    await w.login('work')
    expect(await w.caller('admin')).toBe(session('Admin', 'daypass-admin'))
    const first = await w.keys('admin')
    w.advance(44 * MINUTE)
    expect((await w.keys('admin')).accessKeyId).toBe(first.accessKeyId)
    w.advance(2 * MINUTE)
    expect(await w.caller('admin')).toBe(session('Admin', 'daypass-admin'))
    expect(asked(w.ali, 'AssumeRole')).toBe(2)
    expect(await w.row('admin')).toMatchObject({
      kind: 'alibaba/ram-role',
      method: 'derived',
      state: 'valid',
    })
  })

  test('of a role of a login, with an external id and a name of its own', async () => {
    const w = await family()
    await w.login('work')
    expect(await w.caller('audit')).toBe(session('Audit', 'ada'))
    expect(asked(w.ali, 'AssumeRole')).toBe(2)
  })

  test('needs a login of the one at the end of the chain', async () => {
    const w = await family()
    expect(await failureOf(w.keys('audit'))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login work',
    })
    await w.login('audit')
    expect(await w.caller('audit')).toBe(session('Audit', 'ada'))
  })

  test('of a login lasts an hour at most, with a note; of static keys as long as it may', async () => {
    const w = await family({ duration: '3h' })
    await w.login('work')
    const chained = await w.keys('admin')
    expect(Math.round((chained.expiresAt! - chained.issuedAt) / MINUTE)).toBe(60)
    expect(w.warned).toEqual([
      'admin: 3h were asked for, and Alibaba Cloud gives a chain of roles 1h at most',
    ])
    const own = await family({ duration: '3h' }, { work: STATIC })
    const long = await own.keys('admin')
    expect(Math.round((long.expiresAt! - long.issuedAt) / HOUR)).toBe(3)
    expect(own.warned).toEqual([])
  })

  test('of less than a quarter of an hour is a mistake of the configuration', async () => {
    const w = await family({ duration: '10m' }, { work: STATIC })
    expect(await failureOf(w.keys('admin'))).toMatchObject({
      code: 'configuration',
      message: 'admin: a role lasts 15m at least, not 10m',
      hint: 'write 15m or more for its duration',
    })
    expect(asked(w.ali, 'AssumeRole')).toBe(0)
  })

  test('is tried once more with new keys of the login, where its old ones are over', async () => {
    const w = await family()
    await w.login('work')
    w.ali.expireKeys()
    expect(await w.caller('admin')).toBe(session('Admin', 'daypass-admin'))
    expect([asked(w.ali, 'AssumeRole'), asked(w.ali, 'exchange')]).toEqual([2, 2])
  })

  test('is gone with its login', async () => {
    const w = await family()
    await w.login('work')
    await w.keys('audit')
    const { revocation, dropped } = await w.daypass.logout('work')
    expect(revocation).toEqual({ outcome: 'revoked' })
    expect(dropped?.toSorted()).toEqual(['admin', 'audit'])
    expect(w.ali.stats().families).toMatchObject([{ ended: true }])
    expect(await failureOf(w.keys('admin'))).toMatchObject({ code: 'login_required' })
  })

  test('cannot be taken on by the owner of the account', async () => {
    const w = await family({}, { options: { person: { kind: 'root' }, roles: [role('Admin')] } })
    await w.login('work')
    const error = await failureOf(w.keys('admin'))
    expect(error).toMatchObject({
      code: 'refused',
      hint: expect.stringContaining('the owner of the account'),
    })
    expect(error.message).toContain('Roles may not be assumed by root accounts.')
  })

  test('signs by the clock of a server that is ahead', async () => {
    const w = await family({}, { options: { clockOffset: 20 * MINUTE } })
    await w.login('work')
    expect(await w.caller('admin')).toBe(session('Admin', 'daypass-admin'))
  })
})

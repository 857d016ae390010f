/** Roles: what they are made from, with what, and for how long. */
import { describe, expect, test } from 'vitest'
import {
  ACCOUNT,
  asked,
  assumes,
  type Cloud,
  cloud,
  configured,
  HOUR,
  MINUTE,
  renewals,
  role,
  roleArn,
  STATIC,
  session,
  WORK,
  withAdmin,
} from './aws-context.ts'
import { failureOf } from './client-context.ts'

/** Whole minutes: AWS tells ends in whole seconds. */
const life = async (w: Cloud, name: string) => {
  const { issuedAt, expiresAt } = await w.header(name)
  return Math.round((expiresAt! - issuedAt!) / MINUTE) * MINUTE
}

describe('a role', () => {
  test('is made from a login, kept sealed, and named for its identity', async () => {
    const w = await withAdmin()
    await w.login('work')
    expect(await w.row('admin')).toMatchObject({ state: 'stale', method: 'derived', expires_at: null })
    expect(await w.caller('admin')).toBe(session('Admin', 'daypass-admin'))
    expect(await w.row('admin')).toMatchObject({
      kind: 'aws/assume-role',
      method: 'derived',
      state: 'valid',
      principal: session('Admin', 'daypass-admin'),
      account: ACCOUNT,
      store: 'memory',
      region: 'us-east-1',
    })
    await w.keys('admin')
    expect(asked(w.aws, 'AssumeRole')).toBe(1)
  })

  test('is made from keys of the configuration without any login', async () => {
    const w = await withAdmin({}, { parent: STATIC })
    expect(await w.caller('admin')).toBe(session('Admin', 'daypass-admin'))
    expect(await w.vault.names()).toEqual(['admin'])
  })

  test('has the region of what it is made from, and may have its own', async () => {
    const config = configured({
      work: { kind: 'aws/user', credentials: { region: 'eu-west-1' } },
      admin: assumes('work', 'Admin'),
      here: { ...assumes('work', 'Admin'), region: 'us-east-1' },
    })
    const w = await cloud({ roles: [role('Admin')], regions: ['eu-west-1'] }, { config })
    await w.login('work')
    expect(await w.row('admin')).toMatchObject({ region: 'eu-west-1' })
    expect(await w.row('here')).toMatchObject({ region: 'us-east-1' })
    expect(await w.caller('admin')).toBe(session('Admin', 'daypass-admin'))
  })

  test('is taken with all that its definition says', async () => {
    const w = await withAdmin(
      {
        session_name: 'ada@example.com',
        external_id: 'of/the:partner',
        source_identity: 'ada',
        tags: { team: 'red + blue', cost: '1' },
        duration: '30m',
      },
      { parent: STATIC, role: { externalId: 'of/the:partner' } },
    )
    expect(await w.caller('admin')).toBe(session('Admin', 'ada@example.com'))
    expect(await life(w, 'admin')).toBe(30 * MINUTE)
    const body = w.requests
      .map(({ init }) => new URLSearchParams(String(init?.body)))
      .find((one) => one.has('RoleArn'))
    expect(Object.fromEntries(body!)).toMatchObject({
      ExternalId: 'of/the:partner',
      SourceIdentity: 'ada',
      'Tags.member.1.Key': 'team',
      'Tags.member.1.Value': 'red + blue',
      'Tags.member.2.Key': 'cost',
    })
  })

  test('lasts for an hour at most when it is made from a session, and that is said', async () => {
    const w = await withAdmin({ duration: '12h' }, { role: { maxSession: 43_200 } })
    await w.login('work')
    await w.keys('admin')
    expect(await life(w, 'admin')).toBe(HOUR)
    expect(w.warned).toEqual(['admin: 12h were asked for, and AWS gives a chain of roles 1h at most'])
  })

  test.each([
    ['principal', { duration: '12h' }, {}],
    ['session', {}, { session: { duration: '12h' } }],
  ])(
    'lasts for up to twelve hours when it is made from keys, as %s.duration says',
    async (_, principal, identity) => {
      const w = await withAdmin(principal, { parent: STATIC, identity, role: { maxSession: 43_200 } })
      await w.keys('admin')
      expect(await life(w, 'admin')).toBe(12 * HOUR)
      expect(w.warned).toEqual([])
    },
  )

  test('has no login of its own: the one that it begins with is logged in to', async () => {
    const w = await withAdmin()
    await w.login('admin')
    expect(w.said).toContain('admin is made from work, which is what to log in to.')
    expect(await w.row('work')).toMatchObject({ method: 'browser', state: 'valid' })
    expect(await w.caller('admin')).toBe(session('Admin', 'daypass-admin'))
    const other = await withAdmin()
    await other.login('aws', { name: 'admin' })
    expect(await other.row('work')).toMatchObject({ method: 'browser', state: 'valid' })
  })

  test('that AWS does not give says what has to be mended, and is asked for again', async () => {
    const w = await withAdmin({}, { role: { trust: [] } })
    await w.login('work')
    const error = await failureOf(w.keys('admin'))
    expect(error.code).toBe('refused')
    expect(error.message).toMatch(
      /^\S+ answered 403 AccessDenied User: arn:aws:iam::111122223333:user\/ada is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role\/Admin$/,
    )
    expect(error.hint).toMatch(/^the trust policy of the role has to name you/)
    expect(await w.row('admin')).toMatchObject({ state: 'stale', expires_at: null, method: 'derived' })
    expect(await failureOf(w.daypass.credential('admin', { minTtl: '10m' }))).toMatchObject({
      code: 'refused',
    })
  })

  test('is not made from what a person has to log in to', async () => {
    const w = await withAdmin()
    const needed = { code: 'login_required', hint: 'daypass login work' }
    expect(await failureOf(w.keys('admin'))).toMatchObject(needed)
    expect(await w.row('admin')).toMatchObject({ state: 'login_required', method: 'derived' })
    await w.login('work')
    await w.keys('admin')
    w.advance(12 * HOUR)
    expect(await failureOf(w.keys('admin'))).toMatchObject(needed)
    expect(await w.daypass.status('admin')).toMatchObject({ row: { state: 'login_required' } })
  })
})

describe('a chain of three roles', () => {
  const ROLES = [
    role('One'),
    role('Two', { trust: [roleArn('One')] }),
    role('Three', { trust: [roleArn('Two')] }),
  ]
  const chain = () =>
    cloud(
      { roles: ROLES },
      {
        config: configured({
          work: WORK,
          one: assumes('work', 'One'),
          two: assumes('one', 'Two'),
          three: assumes('two', 'Three'),
        }),
      },
    )

  test('is made from its beginning on, each link kept', async () => {
    const w = await chain()
    await w.login('three')
    expect(await w.row('work')).toMatchObject({ state: 'valid', method: 'browser' })
    expect(await w.caller('three')).toBe(session('Three', 'daypass-three'))
    expect(await w.vault.names()).toEqual(['one', 'three', 'two', 'work'])
    await w.keys('two')
    await w.keys('one')
    expect(asked(w.aws, 'AssumeRole')).toBe(3)
    expect(w.aws.stats().refusals).toEqual([])
  })

  test('is renewed where it is stale, and no further', async () => {
    const w = await chain()
    await w.login('work')
    await w.keys('one')
    w.advance(30 * MINUTE)
    await w.keys('three')
    w.advance(28 * MINUTE)
    await w.keys('three')
    expect(asked(w.aws, 'AssumeRole')).toBe(3)
    w.advance(30 * MINUTE)
    await w.keys('three')
    expect(asked(w.aws, 'AssumeRole')).toBe(6)
  })

  test('goes on when all its keys were over before their time', async () => {
    const w = await chain()
    await w.login('work')
    await w.keys('three')
    w.aws.expireKeys()
    expect(await w.daypass.refresh('three', { force: true })).toMatchObject({ outcome: 'renewed' })
    expect(await w.caller('three')).toBe(session('Three', 'daypass-three'))
    expect(renewals(w.aws)).toEqual([1])
  })

  test('is gone with a logout of its beginning', async () => {
    const w = await chain()
    await w.login('work')
    await w.keys('three')
    await w.daypass.logout('work')
    for (const name of ['one', 'two', 'three']) {
      expect((await w.vault.read(name))?.grant).toBeUndefined()
      expect(await failureOf(w.keys(name))).toMatchObject({
        code: 'login_required',
        hint: 'daypass login work',
      })
    }
  })

  test('names the link that AWS does not give', async () => {
    const w = await cloud(
      { roles: [ROLES[0]!, role('Two', { trust: [] })] },
      { config: configured({ work: WORK, one: assumes('work', 'One'), two: assumes('one', 'Two') }) },
    )
    await w.login('work')
    const error = await failureOf(w.keys('two'))
    expect(error.message).toContain(`assumed-role/One/daypass-one is not authorized`)
  })
})

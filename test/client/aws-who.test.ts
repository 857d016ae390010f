/** Who must have signed in, the root user, and the region that it is done in. */
import { describe, expect, test } from 'vitest'
import type { Identity } from '../../src/config/schema.ts'
import { aws } from '../../src/providers/aws/index.ts'
import type { Person } from '../stand-ins/aws/options.ts'
import { ACCOUNT, ADA, asked, assumes, cloud, configured, KEYS, role } from './aws-context.ts'
import { failureOf } from './client-context.ts'

const ROOT = `arn:aws:iam::${ACCOUNT}:root`
const FEDERATED: Person = { kind: 'role', role: 'team/Developer', session: 'ada@example.com' }

describe('an identity that says who it is', () => {
  const wrong = [
    [
      'principal_arn',
      { principal_arn: `arn:aws:iam::${ACCOUNT}:user/eve` },
      `it is to be arn:aws:iam::${ACCOUNT}:user/eve`,
    ],
    ['account_id', { account_id: '999988887777' }, 'it is to be account 999988887777'],
  ] as const

  test.each(wrong)('refuses another %s after a browser login, and keeps nothing', async (_, said, why) => {
    const w = await cloud({}, { config: configured({ work: { kind: 'aws/user', ...said } }) })
    const error = await failureOf(w.login('work'))
    expect(error).toMatchObject({
      code: 'refused',
      message: `${ADA} has logged in to work, and ${why}`,
      hint: 'sign out in the browser, then: daypass login work',
    })
    expect(await w.vault.names()).toEqual([])
    const { body } = await w.browser.visited()
    expect(body).not.toContain("You're logged in")
  })

  test.each(wrong)('refuses keys of another %s, and keeps what was kept before', async (_, said, why) => {
    const identity: Identity = { kind: 'aws/user' }
    const config = configured({ work: identity })
    const w = await cloud({}, { config, types: [JSON.stringify(KEYS), JSON.stringify(KEYS)] })
    await w.login('work', { method: 'keys' })
    Object.assign(identity, said)
    expect(await failureOf(w.login('work', { method: 'keys' }))).toMatchObject({
      code: 'refused',
      message: `${ADA} has logged in to work, and ${why}`,
    })
    expect(await w.caller('work')).toBe(ADA)
  })

  test.each(wrong)('refuses the configured keys of another %s', async (_, said, why) => {
    const config = configured({ work: { kind: 'aws/user', credentials: KEYS, ...said } })
    const w = await cloud({}, { config })
    const error = await failureOf(w.login('work'))
    expect(error.code).toBe('refused')
    expect(error.message).toContain(why)
  })

  test.each([
    [{ principal_arn: ADA, account_id: ACCOUNT }, { kind: 'user', name: 'ada' } as Person],
    [{ principal_arn: `arn:aws:iam::${ACCOUNT}:role/team/Developer` }, FEDERATED],
    [{ principal_arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Developer/ada@example.com` }, FEDERATED],
  ])('keeps the one that it says: %j', async (said, person) => {
    const w = await cloud({ person }, { config: configured({ work: { kind: 'aws/user', ...said } }) })
    await w.login('work')
    expect((await w.row('work')).account).toBe(ACCOUNT)
  })

  test('is not satisfied by a role whose name only begins the same', async () => {
    const config = configured({
      work: { kind: 'aws/user', principal_arn: `arn:aws:iam::${ACCOUNT}:role/Dev` },
    })
    const w = await cloud({ person: FEDERATED }, { config })
    expect(await failureOf(w.login('work'))).toMatchObject({ code: 'refused' })
  })

  test('is known by its id_token where AWS cannot be asked', async () => {
    const config = configured({ work: { kind: 'aws/user', principal_arn: ADA } })
    const w = await cloud({}, { config })
    w.aws.failNext({ door: 'GetCallerIdentity', cut: 'before' })
    await w.login('work')
    expect(await w.row('work')).toMatchObject({ principal: ADA, account: ACCOUNT })
  })
})

describe('the root user', () => {
  test('is warned about, by whatever kind it was logged in', async () => {
    for (const target of ['aws/root', 'aws']) {
      const w = await cloud({ person: { kind: 'root' } })
      await w.login(target, { name: 'top' })
      expect(w.warned).toEqual([
        'this is the root user, who may do everything: better to log in as a user or a role',
      ])
      expect(await w.row('top')).toMatchObject({
        kind: target === 'aws' ? 'aws/user' : 'aws/root',
        principal: ROOT,
      })
    }
  })

  test('is who must sign in to aws/root: anyone else is refused and not kept', async () => {
    const config = configured({ top: { kind: 'aws/root', account_id: ACCOUNT } })
    const w = await cloud({}, { config })
    expect(await failureOf(w.login('top'))).toMatchObject({
      code: 'refused',
      message: `${ADA} has logged in to top, and it is to be the root user`,
    })
    expect(await failureOf(w.login('aws/root', { name: 'other' }))).toMatchObject({ code: 'refused' })
    expect(await w.vault.names()).toEqual([])
    w.aws.signInAs({ kind: 'root' })
    await w.login('top')
    expect(await w.caller('top')).toBe(ROOT)
  })

  test('of another account is refused', async () => {
    const config = configured({ top: { kind: 'aws/root', account_id: '999988887777' } })
    const w = await cloud({ person: { kind: 'root' } }, { config })
    expect(await failureOf(w.login('top'))).toMatchObject({ code: 'refused' })
  })
})

describe('the region of a login', () => {
  const asks = aws.params.region!.ask
  const all = {
    flag: { given: { params: { region: 'eu-west-1' } } },
    identity: configured({ work: { kind: 'aws/user', credentials: { region: 'eu-west-2' } } }),
    env: { AWS_REGION: 'eu-west-3', AWS_DEFAULT_REGION: 'eu-central-1' },
    elsewhere: async () => 'eu-north-1',
  }
  const plain = configured({ work: { kind: 'aws/user' } })
  const regionOf = async (more: Parameters<typeof cloud>[1], flag = {}) => {
    const w = await cloud({}, { config: plain, ...more })
    await w.login('work', flag)
    return [(await w.header('work')).params.region, w.asked.filter((question) => question === asks).length]
  }

  test('is what the flag says, then the identity, the environment, the AWS profile, the person, and us-east-1', async () => {
    const { flag, identity: config, env, elsewhere } = all
    const person = { interactive: true, answers: ['ap-south-1'] }
    expect(await regionOf({ config, env, elsewhere, ...person }, flag)).toEqual(['eu-west-1', 0])
    expect(await regionOf({ config, env, elsewhere, ...person })).toEqual(['eu-west-2', 0])
    expect(await regionOf({ env, elsewhere, ...person })).toEqual(['eu-west-3', 0])
    const { AWS_DEFAULT_REGION } = env
    expect(await regionOf({ env: { AWS_DEFAULT_REGION }, elsewhere, ...person })).toEqual(['eu-central-1', 0])
    expect(await regionOf({ elsewhere, ...person })).toEqual(['eu-north-1', 0])
    expect(await regionOf({ elsewhere: async () => undefined, ...person })).toEqual(['ap-south-1', 1])
    expect(await regionOf({ interactive: true, answers: [] })).toEqual(['us-east-1', 1])
    expect(await regionOf({ elsewhere: async () => undefined })).toEqual(['us-east-1', 0])
  })

  test('of keys that need no login is the one of the environment, for their roles too', async () => {
    const config = configured({
      robot: { kind: 'aws/user', credentials: KEYS },
      admin: assumes('robot', 'Admin'),
    })
    const env = { AWS_DEFAULT_REGION: 'eu-west-1' }
    const w = await cloud({ regions: ['eu-west-1'], roles: [role('Admin')] }, { config, env })
    expect(await w.row('robot')).toMatchObject({ region: 'eu-west-1' })
    expect(await w.caller('admin')).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/Admin/daypass-admin`)
    expect(await w.row('admin')).toMatchObject({ region: 'eu-west-1' })
    Object.assign(w.host.env, { AWS_DEFAULT_REGION: 'evil.example/#' })
    const requests = w.requests.length
    expect(await failureOf(w.keys('robot'))).toMatchObject({ code: 'usage' })
    expect(await failureOf(w.keys('admin'))).toMatchObject({ code: 'usage' })
    expect(w.requests).toHaveLength(requests)
  })

  test('stays for the next login', async () => {
    const w = await cloud({}, { env: { AWS_REGION: 'eu-west-3' }, interactive: true })
    await w.login('aws', { name: 'work' })
    Object.assign(w.host.env, { AWS_REGION: 'eu-west-2' })
    await w.login('work')
    expect(await w.row('work')).toMatchObject({ region: 'eu-west-3' })
    expect(w.asked.filter((question) => question === asks)).toEqual([])
  })

  test.each([
    'evil.example/#',
    'evil.example',
    'us-east-1.evil.example',
    'user@evil',
    'us-east-1:443',
    'US-EAST-1',
    '',
    'us east',
    '-us',
    'a'.repeat(33),
  ])('is never %j: that is told before anything is sent', async (region) => {
    const wrong = {
      code: 'usage',
      message: expect.stringMatching(/^region is to be something like eu-west-1, not "/),
    }
    const w = await cloud({}, {})
    expect(await failureOf(w.login('aws', { name: 'work', given: { params: { region } } }))).toMatchObject(
      wrong,
    )
    expect(await failureOf(w.daypass.startLogin('aws', { given: { params: { region } } }))).toMatchObject(
      wrong,
    )
    const sources = [
      { env: { AWS_REGION: region } },
      { elsewhere: async () => region },
      { interactive: true, answers: [region] },
    ]
    for (const source of region === '' ? [] : sources) {
      const other = await cloud({}, source)
      expect(await failureOf(other.login('aws', { name: 'work' }))).toMatchObject(wrong)
      expect(other.requests).toEqual([])
      expect(other.browser.opened).toEqual([])
    }
    expect(w.requests).toEqual([])
    expect(asked(w.aws, 'authorize')).toBe(0)
  })
})

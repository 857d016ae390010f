/** What aliyun and iac-code have kept, and what of it could become an identity. */
import * as fs from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { aliyunImportSource } from '../../../src/tools/alibaba/import-aliyun.ts'
import { iacCodeImportSource } from '../../../src/tools/alibaba/import-iac-code.ts'
import type { ImportCandidate, ImportSource } from '../../../src/tools/importer.ts'
import { failure, folderOf } from '../../vault/support.ts'
import { put } from '../aws/cli.ts'

const NOW = 1_800_000_000_000
const SECONDS = NOW / 1000

const ALIYUN = {
  current: 'default',
  profiles: [
    {
      name: 'default',
      mode: 'AK',
      access_key_id: 'LTAI5tDefaultKeyId',
      access_key_secret: 'hush',
      region_id: 'cn-beijing',
    },
    { name: 'small', mode: 'ak', access_key_id: 'LTAI', access_key_secret: 'hush' },
    { name: 'half', mode: 'AK', access_key_id: 'LTAI5tHalfOfTheKey' },
    {
      name: 'sts',
      mode: 'StsToken',
      access_key_id: 'STS.x',
      access_key_secret: 'hush',
      sts_token: 'hush',
      sts_expiration: SECONDS + 600,
    },
    {
      name: 'endless',
      mode: 'StsToken',
      access_key_id: 'STS.x',
      access_key_secret: 'hush',
      sts_token: 'hush',
      sts_expiration: 0,
    },
    {
      name: 'role',
      mode: 'RamRoleArn',
      access_key_id: 'LTAI5tDefaultKeyId',
      access_key_secret: 'hush',
      ram_role_arn: 'acs:ram::1:role/admin',
      ram_session_name: 'me',
      external_id: 'x1',
      expired_seconds: 1800,
    },
    {
      name: 'chain',
      mode: 'ChainableRamRoleArn',
      source_profile: 'web',
      ram_role_arn: 'acs:ram::1:role/audit',
      ram_session_name: 'me',
    },
    {
      name: 'web',
      mode: 'OAuth',
      oauth_site_type: 'INTL',
      oauth_access_token: 'hush-at',
      oauth_refresh_token: 'hush-rt',
      oauth_access_token_expire: SECONDS + 3000,
      access_key_id: 'STS.web',
      access_key_secret: 'hush-sk',
      sts_token: 'hush-st',
      sts_expiration: SECONDS + 2000,
      region_id: 'ap-southeast-1',
    },
    { name: 'bare', mode: 'OAuth', oauth_site_type: 'CN', oauth_refresh_token: 'hush-rt2' },
    { name: 'dead', mode: 'OAuth', oauth_site_type: 'CN', oauth_access_token: 'hush' },
    {
      name: 'ended',
      mode: 'OAuth',
      oauth_site_type: 'CN',
      oauth_refresh_token: 'hush-rt3',
      oauth_refresh_token_expire: SECONDS - 1,
    },
    { name: 'other', mode: 'External', process_command: '/bin/vault --password hush' },
    {
      name: 'mine',
      mode: 'External',
      process_command: '/usr/bin/node /opt/daypass/cli.cjs credential-process work',
    },
    { name: 'ecs', mode: 'EcsRamRole', ram_role_name: 'x' },
    { name: 'sso', mode: 'CloudSSO', access_token: 'hush' },
    { name: 'uri', mode: 'CredentialsURI', credentials_uri: 'http://127.0.0.1/hush' },
    { name: 'odd', mode: 'Future\u001b[31m' },
    { name: 'new', mode: '' },
  ],
}

function aliyunIn(context: Parameters<typeof folderOf>[0], said: unknown = ALIYUN) {
  const home = folderOf(context)
  const path = join(home, '.aliyun', 'config.json')
  const text = put(path, typeof said === 'string' ? said : JSON.stringify(said))
  return { env: { HOME: home }, path, text }
}

const of = (source: ImportSource, env: Record<string, string>, name: string): ImportCandidate =>
  source.listCandidates(env).find((offer) => offer.name === name)!

const takenFrom = (source: ImportSource, env: Record<string, string>, name: string) =>
  of(source, env, name).take!(NOW)

describe('aliyun', () => {
  test('every profile is offered or told why not; nothing is changed, and no secret is in what is told', (context) => {
    const { env, path, text } = aliyunIn(context)
    fs.chmodSync(path, 0o644)
    const offers = aliyunImportSource.listCandidates(env)
    const told = offers.map(({ name, what, take, rotates }) => {
      const how = rotates ? 'rotates' : take ? 'taken' : 'listed'
      return `${name}: ${what} (${how})`
    })
    expect(told).toEqual([
      'default: the access key ****eyId (taken)',
      'small: the access key **** (taken)',
      'half: an access key without its other half (listed)',
      'sts: temporary keys until 2027-01-15T08:10:00Z (taken)',
      'endless: temporary keys of unknown end (listed)',
      'role: the role acs:ram::1:role/admin, by the access key ****eyId (taken)',
      'chain: the role acs:ram::1:role/audit (listed)',
      'web: the login of the international site (rotates)',
      'bare: the login of the site of China (rotates)',
      'dead: a login that nobody can renew (listed)',
      'ended: the login of the site of China (rotates)',
      'other: a program that hands out keys (listed)',
      'mine: a profile of daypass itself (listed)',
      'ecs: the role of the machine it runs on (listed)',
      'sso: CloudSSO (listed)',
      'uri: an address that hands out keys (listed)',
      'odd: a profile of the mode Future [31m (listed)',
      'new: a profile that is not configured (listed)',
    ])
    expect(aliyunImportSource.findDefault!(env)).toBe('default')
    expect(inspect(offers, { depth: 9 }) + JSON.stringify(offers)).not.toContain('hush')
    expect([fs.readFileSync(path, 'utf8'), fs.statSync(path).mode & 0o777]).toEqual([text, 0o644])
  })

  test('what to do about each', (context) => {
    const { env, path } = aliyunIn(context)
    const next = (name: string) => of(aliyunImportSource, env, name).next
    expect(next('default')).toBe(`the keys still stand in ${path}: remove them there when this works`)
    expect(next('endless')).toBe('daypass login alibaba endless')
    expect(next('chain')).toBe(
      'write into config.yaml: chain: { kind: alibaba/ram-role, via: { identity: web }, principal: { role_arn: acs:ram::1:role/audit, session_name: me } }',
    )
    expect(next('dead')).toBe('daypass login alibaba dead --site cn')
    expect(next('sso')).toBe('keep using: aliyun configure --mode CloudSSO --profile sso')
    expect(of(aliyunImportSource, env, 'web').rotates).toMatchObject({
      login: 'daypass login alibaba web --site intl --region ap-southeast-1',
      again: 'aliyun configure --mode OAuth --profile web',
    })
  })

  test('keys, temporary keys, and keys with the role that they assume', async (context) => {
    const { env } = aliyunIn(context)
    const keys = { kind: 'keys', cloud: 'alibaba', issuedAt: NOW }
    expect(await takenFrom(aliyunImportSource, env, 'default')).toMatchObject({
      provider: 'alibaba',
      method: 'keys',
      params: { region: 'cn-beijing' },
      grant: { credential: { ...keys, accessKeyId: 'LTAI5tDefaultKeyId' } },
    })
    const temporary = (await takenFrom(aliyunImportSource, env, 'sts'))!.grant
    expect(temporary.credential).toMatchObject({ ...keys, expiresAt: NOW + 600_000 })
    expect(temporary.credential).toHaveProperty(
      'sessionToken',
      expect.toSatisfy((token) => token.equals('hush')),
    )
    expect(await of(aliyunImportSource, env, 'sts').take!(NOW + 600_000)).toBe(undefined)
    const role = (await takenFrom(aliyunImportSource, env, 'role'))!
    expect(role).toMatchObject({
      kind: 'alibaba/ram-role',
      params: { role_arn: 'acs:ram::1:role/admin', session_name: 'me', external_id: 'x1', duration: '1800s' },
      grant: { longTerm: { ...keys, accessKeyId: 'LTAI5tDefaultKeyId' } },
    })
    expect(role.grant.credential.expiresAt).toBeLessThan(NOW)
  })

  test('a login, with what there is of it', async (context) => {
    const { env, path } = aliyunIn(context)
    const { grant, params } = (await takenFrom(aliyunImportSource, env, 'web'))!
    expect(params).toEqual({ site: 'intl', region: 'ap-southeast-1' })
    expect(grant.refreshToken!.equals('hush-rt')).toBe(true)
    expect(grant.credential).toMatchObject({ accessKeyId: 'STS.web', expiresAt: NOW + 2_000_000 })
    expect(grant.source).toMatchObject({ kind: 'bearer', expiresAt: NOW + 3_000_000 })
    expect(grant.source!.token.equals('hush-at')).toBe(true)
    const bare = (await takenFrom(aliyunImportSource, env, 'bare'))!.grant
    expect([bare.credential.expiresAt! < NOW, bare.source!.expiresAt! < NOW]).toEqual([true, true])
    expect(await takenFrom(aliyunImportSource, env, 'ended')).toBe(undefined)
    // What was rotated since it was found is what is taken.
    const { take } = of(aliyunImportSource, env, 'web')
    put(path, fs.readFileSync(path, 'utf8').replace('"hush-rt"', '"hush-later"'))
    expect((await take!(NOW))!.grant.refreshToken!.equals('hush-later')).toBe(true)
    fs.rmSync(path)
    expect(await take!(NOW)).toBe(undefined)
  })

  test.each([
    ['no file at all', undefined],
    ['an empty one', ''],
    ['one without profiles', '{"current":"","profiles":null}'],
    ['profiles that are none', '{"profiles":[7,null,[],{"mode":"AK"}]}'],
  ])('%s is nothing found', async (_, text) => {
    const { env, path } = aliyunIn({ onTestFinished: (await import('vitest')).onTestFinished }, text ?? '')
    if (text === undefined) fs.rmSync(path)
    expect(aliyunImportSource.listCandidates(env)).toEqual([])
    expect(aliyunImportSource.findDefault!(env)).toBe(undefined)
  })

  test('a byte order mark and CRLF are read, values of other kinds are not', (context) => {
    const profiles = [
      { name: 'a', mode: 'AK', access_key_id: 7, access_key_secret: {} },
      { name: 'b', mode: ['AK'] },
    ]
    const { env } = aliyunIn(
      context,
      `\ufeff${JSON.stringify({ profiles }, null, 1).replaceAll('\n', '\r\n')}`,
    )
    expect(aliyunImportSource.listCandidates(env).map(({ what }) => what)).toEqual([
      'an access key without its other half',
      'a profile that is not configured',
    ])
  })

  test.each(['{"profiles":[{"access_key_secret":"hush"]}', '["hush"]', '{"profiles":"hush"}'])(
    'what cannot be read is said without a word of it: %j',
    async (text) => {
      const { env, path } = aliyunIn({ onTestFinished: (await import('vitest')).onTestFinished }, text)
      const { message, hint, cause } = await failure(
        () => aliyunImportSource.listCandidates(env),
        'configuration',
      )
      expect(message).toContain(path)
      expect(`${message}${hint}${inspect(cause)}`).not.toContain('hush')
    },
  )
})

describe('iac-code', () => {
  function iacCodeIn(context: Parameters<typeof folderOf>[0], text: string) {
    const folder = folderOf(context)
    const path = join(folder, '.cloud-credentials.yml')
    put(path, text)
    return { env: { IAC_CODE_CONFIG_DIR: folder }, path }
  }

  test('its login lies below the home folder, or where its variable says', (context) => {
    expect(iacCodeImportSource.files({ HOME: '/h' })).toEqual(['/h/.iac-code/.cloud-credentials.yml'])
    const { env, path } = iacCodeIn(context, '')
    expect([iacCodeImportSource.files(env), iacCodeImportSource.listCandidates(env)]).toEqual([[path], []])
    expect(iacCodeImportSource.listCandidates({ IAC_CODE_CONFIG_DIR: '/nowhere' })).toEqual([])
    put(path, 'aliyun: &a [*a, x]')
    expect(iacCodeImportSource.listCandidates(env)).toEqual([])
  })

  test('keys are what they are written as, whatever YAML takes them for', async (context) => {
    const text =
      '\ufeffaliyun:\r\n  access_key_id: 12e4\r\n  access_key_secret: 0x10\r\n  region_id: cn-hangzhou\r\n'
    const { env } = iacCodeIn(context, text)
    const { grant, params } = (await takenFrom(iacCodeImportSource, env, 'iac-code'))!
    expect([params, grant.credential]).toMatchObject([{ region: 'cn-hangzhou' }, { accessKeyId: '12e4' }])
    expect(grant.credential).toHaveProperty(
      'secretAccessKey',
      expect.toSatisfy((secret) => secret.equals('0x10')),
    )
  })

  test('a login rotates, and is taken with its times', async (context) => {
    const { env } = iacCodeIn(
      context,
      `aliyun:
  access_key_id: STS.x
  access_key_secret: hush
  mode: OAuth
  oauth_access_token: hush-at
  oauth_access_token_expire: ${SECONDS + 60}
  oauth_refresh_token: hush-rt
  oauth_site_type: CN
  region_id: cn-hangzhou
  sts_expiration: ${SECONDS + 30}
  sts_token: hush
`,
    )
    expect(of(iacCodeImportSource, env, 'iac-code').rotates).toMatchObject({
      login: 'daypass login alibaba iac-code --site cn --region cn-hangzhou',
      again: '/auth',
    })
    const { grant } = (await takenFrom(iacCodeImportSource, env, 'iac-code'))!
    expect([grant.credential.expiresAt, grant.source!.expiresAt]).toEqual([NOW + 30_000, NOW + 60_000])
  })

  test('roles', (context) => {
    const { env } = iacCodeIn(
      context,
      'aliyun: {mode: RamRoleArn, access_key_id: LTAI, access_key_secret: hush, ram_role_arn: "acs:ram::1:role/a"}',
    )
    expect(iacCodeImportSource.listCandidates(env)).toMatchObject([
      { what: 'the role acs:ram::1:role/a, by the access key ****' },
    ])
    const other = iacCodeIn(context, 'aliyun: {mode: EcsRamRole}\nother: 1\n')
    expect(iacCodeImportSource.listCandidates(other.env)).toMatchObject([
      { what: 'the role of the machine it runs on' },
    ])
  })

  test.each([
    'aliyun: {access_key_secret: hush',
    'a: 1\na: hush\n',
    '- hush',
    '--- {}\n--- hush',
    `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b]\naliyun: hush`,
    `aliyun: ${'['.repeat(50_000)}hush`,
    `aliyun: ${'['.repeat(50_000)}hush${']'.repeat(50_000)}`,
  ])('what cannot be read is said without a word of it: %#', async (text) => {
    const { env, path } = iacCodeIn({ onTestFinished: (await import('vitest')).onTestFinished }, text)
    const { message, hint, cause } = await failure(
      () => iacCodeImportSource.listCandidates(env),
      'configuration',
    )
    expect(message).toContain(path)
    expect(`${message}${hint}${inspect(cause)}`).not.toContain('hush')
  })
})

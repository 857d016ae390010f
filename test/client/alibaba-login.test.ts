/** What a login to Alibaba Cloud asks, opens, says and refuses, over the client. */
import { describe, expect, test } from 'vitest'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { ADA as USER } from '../stand-ins/alibaba/server.ts'
import { ACCOUNT, ADA, asked, atHome, cloud, roleArn, session } from './alibaba-context.ts'
import { failureOf } from './client-context.ts'

const ZH = { LANG: 'zh_CN.UTF-8' }
const interactive = true
const [BROWSER, ACCESS_KEY, STS_TOKEN, RAM_ROLE] = ['0', '1', '2', '3'] as const

describe('the two sites', () => {
  test.each([
    ['cn', 'aliyun.com', '4038181954557748008', 'cn-hangzhou', 'sts.aliyuncs.com'],
    ['intl', 'alibabacloud.com', '4103531455503354461', 'ap-southeast-1', 'sts.ap-southeast-1.aliyuncs.com'],
  ] as const)('%s has hosts, a client and a region of its own', async (site, domain, client, region, sts) => {
    const w = await atHome({ site })
    await w.login('alibaba', { given: { params: { site } } })
    expect([...w.spoken]).toEqual([`signin.${domain}`, `oauth.${domain}`, sts])
    const url = new URL(w.said.find((text) => text.includes('/oauth2/v1/auth'))!.trim())
    expect([url.origin, url.pathname]).toEqual([`https://signin.${domain}`, '/oauth2/v1/auth'])
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: client,
      redirect_uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:1234[5-9]\/cli\/callback$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
    expect(await w.row()).toMatchObject({ kind: 'alibaba/user', principal: ADA, region })
    expect((await w.header('alibaba')).clientId).toBe(client)
  })

  test('a login at one is not replaced by one at the other in silence, and then its client is the other one', async () => {
    const w = await atHome({ client: '4103531455503354461' })
    await w.login('alibaba')
    const intl = { given: { params: { site: 'intl' } } }
    expect(await failureOf(w.login('alibaba', intl))).toMatchObject({ code: 'usage' })
    await w.login('alibaba', { ...intl, force: true })
    expect(await w.header('alibaba')).toMatchObject({
      clientId: '4103531455503354461',
      params: { site: 'intl', region: 'ap-southeast-1' },
    })
    await w.login('alibaba')
    expect((await w.header('alibaba')).clientId).toBe('4103531455503354461')
  })

  test.each([
    ['a flag', { given: { clientId: 'my-app' } }, {}],
    ['the environment', {}, { DAYPASS_ALIBABA_CLIENT_ID: 'my-app' }],
  ])('an application of one’s own is named by %s, and is asked about no gate', async (_, more, env) => {
    const w = await atHome({ client: 'my-app' }, { env })
    await w.login('alibaba', more)
    expect((await w.header('alibaba')).clientId).toBe('my-app')
    expect(w.said.join('\n')).not.toContain('official-cli')
    await w.login('alibaba')
    expect((await w.header('alibaba')).clientId).toBe('my-app')
  })

  test('what is no site is a usage error', async () => {
    const w = await atHome()
    expect(await failureOf(w.login('alibaba', { given: { params: { site: 'eu' } } }))).toMatchObject({
      code: 'usage',
      message: 'site is to be cn or intl, not "eu"',
    })
  })
})

describe('on a terminal', () => {
  test('the way in is chosen first, then the site', async () => {
    const w = await atHome({ site: 'intl' }, { interactive, chooses: [BROWSER, 'intl'] })
    await w.login('alibaba')
    expect(w.asked.slice(0, 2)).toEqual([
      'How do you log in to Alibaba Cloud?',
      'Which site does the account belong to?',
    ])
    expect(await w.row()).toMatchObject({ region: 'ap-southeast-1', method: 'browser' })
  })

  test('in Chinese, where that is the language', async () => {
    const w = await atHome({}, { interactive, chooses: [BROWSER, 'cn'], env: ZH })
    await w.login('alibaba')
    expect(w.asked.slice(0, 2)).toEqual(['选择阿里云凭证类型', '选择账号所属站点'])
    expect(w.said.join('\n')).toContain('账号未允许当前身份访问该应用')
  })

  test.each([
    ['a flag', { given: { params: { site: 'cn' } } }],
    ['the method', { method: 'browser', given: { params: { site: 'cn' } } }],
  ] as const)('nothing is asked that %s has said', async (_, more) => {
    const w = await atHome({}, { interactive, chooses: [BROWSER] })
    await w.login('alibaba', more)
    expect(w.asked.filter((question) => question.includes('site'))).toEqual([])
  })

  test('a login again asks nothing', async () => {
    const w = await atHome({}, { interactive, chooses: [BROWSER, 'cn'] })
    await w.login('alibaba')
    const before = w.asked.length
    await w.login('alibaba')
    expect(w.asked.slice(before).filter((question) => question.includes('?'))).toEqual([])
  })

  test('an AccessKey is asked for, and no site', async () => {
    const w = await atHome(
      {},
      { interactive, chooses: [ACCESS_KEY], answers: [USER.accessKeyId], types: [USER.accessKeySecret] },
    )
    await w.login('alibaba')
    expect(w.asked).toEqual([
      'How do you log in to Alibaba Cloud?',
      'AccessKey ID:',
      'AccessKey Secret (not shown):',
    ])
    expect(await w.row()).toMatchObject({ principal: ADA, method: 'keys', region: 'cn-hangzhou' })
  })

  test('an STS token is asked for with its end', async () => {
    const w = await atHome(
      {},
      {
        interactive,
        chooses: [STS_TOKEN],
        answers: ['STS.x', '2999-01-02T03:04:05Z'],
        types: ['secret', 'token'],
        env: ZH,
      },
    )
    expect(await failureOf(w.login('alibaba'))).toMatchObject({ code: 'login_required' })
    expect(w.asked).toEqual([
      '选择阿里云凭证类型',
      'AccessKey ID：',
      'AccessKey Secret（不显示）：',
      'STS Token（不显示）：',
      '过期时间，如 2026-01-02T03:04:05Z（未知请按 Enter）：',
    ])
  })

  test('a RAM role is asked for with the keys that it is taken on with', async () => {
    const w = await atHome(
      {},
      {
        interactive,
        chooses: [RAM_ROLE],
        answers: [USER.accessKeyId, roleArn('Deploy')],
        types: [USER.accessKeySecret],
      },
    )
    await w.login('alibaba', { name: 'deploy' })
    expect(w.asked.slice(-2)).toEqual(['ARN of the RAM role:', 'Name of the session:'])
    expect(await w.row('deploy')).toMatchObject({
      kind: 'alibaba/ram-role',
      principal: session('Deploy', 'daypass-deploy'),
    })
  })

  test('who leaves the choice is cancelled, and nothing is kept', async () => {
    const w = await atHome({}, { interactive })
    expect(await failureOf(w.login('alibaba'))).toMatchObject({ code: 'cancelled' })
    expect(await w.vault.names()).toEqual([])
  })

  test('an identity that never goes to the browser is not offered it', async () => {
    const w = await cloud(
      {},
      {
        interactive,
        work: { credentials: { webflow_enabled: false } },
        chooses: [BROWSER],
        answers: [USER.accessKeyId],
        types: [USER.accessKeySecret],
      },
    )
    await w.login('work')
    expect(await w.row()).toMatchObject({ method: 'keys', principal: ADA })
  })
})

describe('who is not assigned to the application', () => {
  const gate = (link: string) => new RegExp(`official-cli(?:.|\\n)*${link}`)

  test('is told while they wait, and again when it is too late', async () => {
    const w = await cloud({ consent: 'unassigned' })
    const error = await failureOf(w.login('work', { timeout: 1000 }))
    expect(w.said.join('\n')).toMatch(gate('https://ram.console.aliyun.com/applications/4038181954557748008'))
    expect(error).toMatchObject({
      code: 'login_required',
      message: 'nobody finished the login within 1s',
      hint: expect.stringMatching(gate('https://ram.console.aliyun.com/applications/4038181954557748008')),
    })
    expect(error.hint).toMatch(/^log in again, with --timeout 15m for more time\n/)
  })

  test('with the address of their own site, in their own language', async () => {
    const w = await cloud({ consent: 'unassigned', site: 'intl' }, { work: { site: 'intl' }, env: ZH })
    const error = await failureOf(w.login('work', { timeout: 1000 }))
    expect(error.hint).toMatch(
      /^请重新登录[\s\S]*https:\/\/ram\.console\.alibabacloud\.com\/applications\/4103531455503354461/,
    )
  })

  test('is told by the first of two steps, too', async () => {
    const w = await cloud()
    const started = await w.daypass.startLogin('work')
    expect(started.waiting).toMatch(gate('https://ram.console.aliyun.com/'))
    expect(started.url).toContain('redirect_uri=http%3A%2F%2F127.0.0.1%3A12345%2Fcli%2Fcallback')
  })
})

describe('a login that fails', () => {
  test('because the person said no is exit 6', async () => {
    const w = await cloud({ consent: 'deny' })
    expect(await failureOf(w.login('work'))).toMatchObject({ code: 'refused' })
    expect(await w.vault.names()).toEqual([])
  })

  test('at the exchange is revoked, and nothing is kept', async () => {
    const w = await cloud()
    w.ali.failNext({ door: 'exchange', refuse: [403, 'access_denied', 'Not assigned.'] })
    expect(await failureOf(w.login('work'))).toMatchObject({ code: 'refused' })
    expect(w.ali.stats().families).toMatchObject([{ ended: true }])
    expect(await w.vault.names()).toEqual([])
  })

  test('because the tokens of an application of one’s own live too short says what to mend', async () => {
    const w = await cloud({ accessTtl: 600 })
    const error = await failureOf(w.login('work'))
    expect(error).toMatchObject({
      code: 'refused',
      hint: expect.stringMatching(/^let the application issue/),
    })
    expect(error.message).toMatch(/^its access token has too little left to be exchanged for keys/)
  })

  test.each([
    [{ account_id: '9999999999999999' }, `it is to be account 9999999999999999`],
    [{ principal_arn: `acs:ram::${ACCOUNT}:user/bob` }, `it is to be acs:ram::${ACCOUNT}:user/bob`],
  ])('because it is somebody else (%o) is exit 6, revoked, and not kept', async (work, why) => {
    const w = await cloud({}, { work })
    const error = await failureOf(w.login('work'))
    expect(error).toMatchObject({ code: 'refused', message: `${ADA} has logged in to work, and ${why}` })
    expect(w.ali.stats().families).toMatchObject([{ ended: true }])
    expect(await w.vault.names()).toEqual([])
  })

  test('does not, where it is the session of the role that was said', async () => {
    const w = await cloud(
      { person: { kind: 'role', role: 'Admin', session: 'ada@acme' } },
      { work: { principal_arn: roleArn('admin') } },
    )
    await w.login('work')
    expect(await w.row()).toMatchObject({ principal: session('Admin', 'ada@acme') })
  })

  test('of the owner of the account is warned about', async () => {
    const w = await cloud({ person: { kind: 'root' } }, { env: ZH })
    await w.login('work')
    expect(w.warned).toEqual(['当前为主账号，拥有全部权限：建议使用 RAM 用户或 RAM 角色登录'])
  })

  test('when STS is out of reach is a login all the same, of an unknown person', async () => {
    const w = await cloud()
    w.ali.failNext({ door: 'GetCallerIdentity', cut: 'before' })
    await w.login('work')
    expect(await w.row()).toMatchObject({ state: 'valid', principal: null })
  })
})

describe('without a browser here', () => {
  test('the address that the page ends at is pasted', async () => {
    const w = await cloud()
    const { url, id } = await w.daypass.startLogin('work')
    const { url: back } = await scriptedBrowser({ stopAtCallback: true }).visit(url)
    await w.daypass.finishLogin(id, { pasted: back })
    expect(await w.caller()).toBe(ADA)
    expect(await w.row()).toMatchObject({ method: 'paste' })
  })

  test('`webflow_enabled: false` opens no browser', async () => {
    const w = await cloud({}, { work: { credentials: { webflow_enabled: false } } })
    expect(await failureOf(w.login('work'))).toMatchObject({ code: 'login_required' })
    expect(asked(w.ali, 'auth')).toBe(0)
  })
})

describe('logging out', () => {
  test('revokes the refresh token, and removes what is kept in every case', async () => {
    const w = await cloud()
    await w.login('work')
    expect((await w.daypass.logout('work')).revocation).toEqual({ outcome: 'revoked' })
    expect(w.ali.stats().families).toMatchObject([{ ended: true }])
    await w.login('work')
    w.ali.failNext({ door: 'revoke', refuse: [400, 'invalid_client', 'Not for this client.'] })
    expect((await w.daypass.logout('work')).revocation).toMatchObject({ outcome: 'failed' })
    expect((await w.vault.read('work'))?.grant).toBeUndefined()
  })

  test('without a refresh token revokes the access token', async () => {
    const w = await cloud({ refreshTokens: 'none' })
    await w.login('work')
    expect((await w.daypass.logout('work')).revocation).toEqual({ outcome: 'revoked' })
    expect(w.ali.stats().families).toMatchObject([{ ended: true }])
  })
})

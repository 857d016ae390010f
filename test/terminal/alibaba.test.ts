/** A first login to Alibaba Cloud at a terminal: what is offered and asked, in two languages. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { box } from '../cli/story.ts'
import { BROWSER } from '../kit/cli.ts'
import type { AlibabaOptions } from '../stand-ins/alibaba/options.ts'
import { ADA, startAlibaba } from '../stand-ins/alibaba/server.ts'
import { insane, PASTE_ON, screen } from './pty.ts'

const ENTER = '\r'
const DOWN = '\u001b[B'

async function cloud(options: AlibabaOptions = {}) {
  const ali = await startAlibaba(options)
  onTestFinished(() => ali.close())
  const one = box({ DISPLAY: ':9', BROWSER })
  mkdirSync(one.daypassHome, { recursive: true, mode: 0o700 })
  const endpoints = `{ signin: "${ali.url}", oauth: "${ali.url}", sts: "${ali.url}" }`
  const config = `auth: { identities: { ali: { kind: alibaba/user, endpoints: ${endpoints} } } }\n`
  writeFileSync(join(one.daypassHome, 'config.yaml'), config, { mode: 0o600 })
  return { ali, one }
}

const IN_ENGLISH = {
  locale: { LANG: 'en_US.UTF-8' },
  ways: [
    'How do you log in to Alibaba Cloud?',
    'OAuth Login (Browser)',
    'AccessKey',
    'STS Token',
    'RAM Role',
  ],
  recommended: 'recommended',
  sites: ['Which site does the account belong to?', 'China', 'International'],
  gate: 'groups do not count',
}

const IN_CHINESE = {
  locale: { LANG: 'en_US.UTF-8', LC_MESSAGES: 'zh_CN.UTF-8' },
  ways: ['选择阿里云凭证类型', 'OAuth 登录（浏览器）', 'AccessKey', 'STS Token（临时凭证）', 'RAM 角色'],
  recommended: '推荐',
  sites: ['选择账号所属站点', '中国站', '国际站'],
  gate: '不支持用户组',
}

test.each([IN_ENGLISH, IN_CHINESE])(
  'four ways in, the browser first, then two sites ($locale)',
  async ({ locale, ways, recommended, sites, gate }) => {
    const { ali, one } = await cloud({ site: 'intl' })
    const shown = screen(one, ['login', 'ali'], { env: locale })
    for (const text of ways) await shown.until(text)
    await shown.until(recommended)
    shown.pty.write(ENTER)
    for (const text of sites) await shown.until(text)
    shown.pty.write(DOWN)
    shown.pty.write(ENTER)
    const { code, said } = await shown.ended()
    expect(code, said).toBe(0)
    expect(insane(shown.text())).toEqual([])
    expect(said).toContain(gate)
    expect(ali.stats().families).toMatchObject([{ clientId: '4103531455503354461' }])
    expect((await one.run(['status', 'ali'])).stdout).toMatch(/region +ap-southeast-1/)
  },
)

test('what was said is not asked', async () => {
  const { one } = await cloud({ site: 'intl' })
  const words = ['login', 'ali', '--method', 'browser', '--oauth-site-type', 'INTL']
  const { code, said } = await screen(one, words).ended()
  expect(code, said).toBe(0)
  expect(said).not.toMatch(/How do you|Which site/)
})

test('a RAM role is asked for with the keys that it is taken on with, of which the secret is not shown', async () => {
  const { ali, one } = await cloud()
  const shown = screen(one, ['login', 'ali'])
  await shown.until('RAM Role')
  shown.pty.write(DOWN + DOWN + DOWN)
  shown.pty.write(ENTER)
  await shown.until('AccessKey ID:')
  shown.pty.write(`${ADA.accessKeyId}${ENTER}`)
  await shown.until(PASTE_ON)
  shown.pty.write(`${ADA.accessKeySecret}${ENTER}`)
  await shown.until('ARN of the RAM role:')
  shown.pty.write(`acs:ram::1234567890123456:role/Deploy${ENTER}`)
  await shown.until('Name of the session:')
  shown.pty.write(ENTER)
  const { code, said } = await shown.ended()
  expect(code, said).toBe(0)
  expect(said).not.toContain(ADA.accessKeySecret)
  expect(said).toContain('acs:ram::1234567890123456:assumed-role/Deploy/daypass-ali')
  expect(ali.stats().by).toEqual({ AssumeRole: 1 })
})

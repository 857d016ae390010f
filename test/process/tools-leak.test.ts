/** What is seen of other tools' files while they are read and written, and what is left of them: no secret of theirs. */
import { chmodSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { box, filesBelow } from '../cli/story.ts'
import { put } from '../tools/aws/cli.ts'
import { expectNone, watching } from './leaks.ts'

const SECRETS = ['key', 'token', 'access', 'refresh', 'account'].map(
  (what) => `secret-of-the-${what}-0123456789`,
)
const [key, token, access, refresh, account] = SECRETS

const login = {
  mode: 'OAuth',
  oauth_site_type: 'CN',
  oauth_access_token: access,
  oauth_access_token_expire: 4_000_000_000,
  oauth_refresh_token: refresh,
  access_key_id: 'STS.web',
  access_key_secret: key,
  sts_token: token,
  sts_expiration: 4_000_000_000,
}

const FILES: Record<string, string> = {
  '.aliyun/config.json': JSON.stringify({
    current: 'default',
    profiles: [
      { name: 'default', mode: 'AK', access_key_id: 'LTAI5tExample', access_key_secret: key },
      { name: 'web', ...login },
      {
        name: 'sts',
        mode: 'StsToken',
        access_key_id: 'S',
        access_key_secret: key,
        sts_token: token,
        sts_expiration: 4_000_000_000,
      },
      { name: 'own', mode: 'External', process_command: `/bin/vault --password ${account}` },
    ],
  }),
  '.iac-code/.cloud-credentials.yml': `aliyun:\n${Object.entries(login)
    .map(([name, value]) => `  ${name}: ${value}\n`)
    .join('')}`,
  '.cloudinary-cli/config.json': JSON.stringify({
    acme: `cloudinary://123:${account}@acme`,
    'acme-oauth': `cloudinary://acme?oauth_token=${access}&refresh_token=${refresh}&expires_at=4000000000&region=api`,
  }),
}

test('no secret of another tool is seen or lies about', async () => {
  const one = box()
  for (const [file, text] of Object.entries(FILES)) put(join(one.home, file), text)
  const { run, seen } = watching(one)
  for (const tool of ['aliyun', 'iac-code', 'cld'])
    for (const flags of ['--take-over --dry-run --json', '', '--take-over'])
      await run(`import ${tool} ${flags}`.trim(), 0)
  for (const flags of ['--dry-run', '']) {
    await run(`setup alibaba default --as ours ${flags}`.trim(), 0)
    await run(`setup alibaba default --as default --force ${flags}`.trim(), 0)
    await run(`setup alibaba web --as web --force ${flags}`.trim(), 0)
    await run(`setup alibaba web --as own --force ${flags}`.trim(), 0)
  }
  await run('setup alibaba web --as default', 0)
  await run('setup alibaba --undo --json', 0)
  for (const view of ['list', 'status web', 'whoami acme-oauth', 'status acme']) await run(view, 0)
  // What cannot be read talks more.
  for (const file of Object.keys(FILES)) put(join(one.home, file), `${FILES[file]!.slice(0, -20)}\u0000"`)
  for (const tool of ['aliyun', 'iac-code', 'cld']) await run(`import ${tool}`, 2)
  await run('setup alibaba web --as late', 2)
  for (const [file, text] of Object.entries(FILES)) put(join(one.home, file), text)

  const theirs = Object.keys(FILES).map((file) => join(one.home, file))
  const ours = [...filesBelow(one.home)].filter(([path]) => !theirs.includes(path)).map(([, text]) => text)
  expect(seen.length).toBeGreaterThan(50)
  expectNone(SECRETS, [...seen, ...ours], seen)
})

test('what a forced profile had is remembered where only its owner can read it', async () => {
  const one = box()
  const config = join(one.home, '.aliyun/config.json')
  put(config, FILES['.aliyun/config.json']!)
  chmodSync(config, 0o644)
  await one.run(['import', 'aliyun'])
  await one.run(['setup', 'alibaba', 'default', '--as', 'default', '--force'])
  const ledger = join(one.daypassHome, 'setup.json')
  expect(readFileSync(ledger, 'utf8')).toContain(key)
  expect(statSync(ledger).mode & 0o777).toBe(0o600)
  await one.run(['setup', 'alibaba', '--undo'])
  expect([readFileSync(config, 'utf8'), statSync(config).mode & 0o777]).toEqual([
    FILES['.aliyun/config.json'],
    0o644,
  ])
})

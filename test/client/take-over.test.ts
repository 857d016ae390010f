/** Logins of other tools that were taken over: renewed where those tools renew them, by the clients that they are of. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import type { Fetch, Grant } from '../../src/core/types.ts'
import { aliyunImportSource } from '../../src/tools/alibaba/import-aliyun.ts'
import { iacCodeImportSource } from '../../src/tools/alibaba/import-iac-code.ts'
import { cldImportSource } from '../../src/tools/cloudinary/import.ts'
import type { Env } from '../../src/tools/files/expand-home.ts'
import type { ImportSource } from '../../src/tools/importer.ts'
import { put } from '../tools/aws/cli.ts'
import { folderOf } from '../vault/support.ts'
import { cloud as alibabaCloud, asked } from './alibaba-context.ts'
import { world } from './client-context.ts'
import { cloud as cloudinaryCloud, MINUTE } from './cloudinary-context.ts'

/** The vendor's own addresses lead to its stand-in. */
const redirected =
  (hosts: Readonly<Record<string, string>>): Fetch =>
  (input, init) => {
    const { origin, pathname, search } = new URL(String(input))
    return fetch(`${hosts[origin] ?? origin}${pathname}${search}`, init)
  }

/** A vault of its own, into which the one thing that a tool has is taken. */
async function takenOver(source: ImportSource, env: Env, hosts: Readonly<Record<string, string>>) {
  const w = await world({ fetch: redirected(hosts) })
  const [offer] = source.listCandidates(env)
  const taken = await offer!.take!(w.host.now())
  expect(await w.daypass.importIdentity({ name: 'theirs', ...taken! })).toBe(true)
  return w
}

const grantOf = async (
  w: { vault: { read(name: string): Promise<{ grant?: Grant } | undefined> } },
  name: string,
) => (await w.vault.read(name))!.grant!

const seconds = (time = 0) => Math.floor(time / 1000)

/** What `work` is, as aliyun and iac-code would have kept it; `left` of its access token, in milliseconds. */
async function alibabaLogin(left: number) {
  const w = await alibabaCloud()
  await w.login('work')
  const { source, refreshToken } = await grantOf(w, 'work')
  const profile = {
    mode: 'OAuth',
    oauth_site_type: 'CN',
    oauth_access_token: source!.token.reveal(),
    oauth_access_token_expire: seconds(Date.now() + left),
    oauth_refresh_token: refreshToken!.reveal(),
  }
  return { ...w, profile, hosts: { 'https://oauth.aliyun.com': w.ali.url } }
}

test('of aliyun: exchanged while its access token lives, refreshed when it does not', async (context) => {
  for (const [left, refreshes] of [
    [50 * MINUTE, 0],
    [-MINUTE, 1],
  ] as const) {
    const w = await alibabaLogin(left)
    const home = folderOf(context)
    put(join(home, '.aliyun/config.json'), JSON.stringify({ profiles: [{ name: 'x', ...w.profile }] }))
    const theirs = await takenOver(aliyunImportSource, { HOME: home }, w.hosts)
    expect((await theirs.daypass.credential('theirs')).kind).toBe('keys')
    expect([asked(w.ali, 'refresh'), asked(w.ali, 'exchange')]).toEqual([refreshes, 2])
    expect(w.ali.stats().families).toMatchObject([{ refreshes, reuses: 0, ended: false }])
    expect(w.ali.stats().refusals).toEqual([])
  }
})

test('of iac-code', async (context) => {
  const w = await alibabaLogin(-MINUTE)
  const folder = folderOf(context)
  const lines = Object.entries(w.profile).map(([name, value]) => `  ${name}: ${value}\n`)
  put(join(folder, '.cloud-credentials.yml'), `aliyun:\n${lines.join('')}`)
  const theirs = await takenOver(iacCodeImportSource, { IAC_CODE_CONFIG_DIR: folder }, w.hosts)
  expect((await theirs.daypass.credential('theirs')).kind).toBe('keys')
  expect(w.ali.stats().families).toMatchObject([{ refreshes: 1, reuses: 0, ended: false }])
})

async function cloudinaryHome(context: TestContext, url: string) {
  const folder = folderOf(context)
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ acme: url }))
  return { CLOUDINARY_HOME: folder }
}

test('of cld: used while it lives, and renewed by its client', async (context) => {
  const w = await cloudinaryCloud({ accessTokenTtl: 5 * MINUTE })
  await w.login()
  const { credential, refreshToken } = await grantOf(w, 'acme')
  const token = credential.kind === 'bearer' ? credential.token.reveal() : ''
  const settings = { oauth_token: token, refresh_token: refreshToken!.reveal(), region: 'api' }
  const times = (left: number) => ({
    issued_at: String(seconds(Date.now() + left - 5 * MINUTE)),
    expires_at: String(seconds(Date.now() + left)),
  })
  const hosts = { 'https://oauth.cloudinary.com': w.cloudinary.oauthUrl }
  for (const [left, isRenewed] of [
    [4 * MINUTE, false],
    [-MINUTE, true],
  ] as const) {
    const env = await cloudinaryHome(
      context,
      `cloudinary://acme?${new URLSearchParams({ ...settings, ...times(left) })}`,
    )
    const theirs = await takenOver(cldImportSource, env, hosts)
    const now = await theirs.token('theirs')
    expect(now !== token).toBe(isRenewed)
    expect((await w.pinged(now)).status).toBe(200)
  }
  expect(w.cloudinary.stats()).toMatchObject({ reuses: 0 })
})

/** Roles that came with keys of their own from another tool: taken on here, and again, without a person. */
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { aliyunImportSource } from '../../src/tools/alibaba/import-aliyun.ts'
import { ADA as USER } from '../stand-ins/alibaba/server.ts'
import { put } from '../tools/aws/cli.ts'
import { folderOf } from '../vault/support.ts'
import { asked, cloud, MINUTE, role, roleArn, session } from './alibaba-context.ts'

async function imported(context: TestContext, more: Record<string, unknown> = {}) {
  const env: Record<string, string> = {}
  const w = await cloud({ roles: [role('Deploy', { externalId: 'x1' })] }, { env })
  env.ALIBABA_CLOUD_STS_ENDPOINT = w.ali.url
  const profile = {
    name: 'theirs',
    mode: 'RamRoleArn',
    access_key_id: USER.accessKeyId,
    access_key_secret: USER.accessKeySecret,
    ram_role_arn: roleArn('Deploy'),
    ram_session_name: 'me',
    external_id: 'x1',
    expired_seconds: 1800,
    ...more,
  }
  const home = folderOf(context)
  put(join(home, '.aliyun/config.json'), JSON.stringify({ profiles: [profile] }))
  const [offer] = aliyunImportSource.listCandidates({ HOME: home })
  const taken = (await offer!.take!(w.host.now()))!
  return { ...w, taken }
}

test('is taken on when it is used, with all that its profile says, and again as it ends', async (context) => {
  const w = await imported(context)
  expect(await w.daypass.importIdentity({ name: 'theirs', ...w.taken })).toBe(true)
  expect(await w.row('theirs')).toMatchObject({ kind: 'alibaba/ram-role', state: 'stale', method: 'keys' })
  const keys = await w.keys('theirs')
  expect(await w.callerWith(keys)).toBe(session('Deploy', 'me'))
  expect(Math.round((keys.expiresAt! - w.host.now()) / MINUTE)).toBe(30)
  expect((await w.keys('theirs')).accessKeyId).toBe(keys.accessKeyId)
  w.advance(21 * MINUTE)
  expect(await w.callerWith(await w.keys('theirs'))).toBe(session('Deploy', 'me'))
  expect(asked(w.ali, 'AssumeRole')).toBe(2)
  expect(w.ali.stats().refusals).toEqual([])
})

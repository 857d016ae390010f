/** The lock of Python's tools, held by Python. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { iacCodeImportSource } from '../../../src/tools/alibaba/import-iac-code.ts'
import { cldImportSource } from '../../../src/tools/cloudinary/import.ts'
import { waitUntilFree } from '../../../src/tools/files/lock-file.ts'
import { needs } from '../../kit/needs.ts'
import { failure, folderOf } from '../../vault/support.ts'
import { put } from '../aws/cli.ts'

const HOLD = `import fcntl, os, sys
held = open(sys.argv[1], 'a')
fcntl.flock(held, fcntl.LOCK_EX)
print('held', flush=True)
sys.stdin.read()
if len(sys.argv) > 2:
    with open(sys.argv[2] + '.new', 'w') as new:
        new.write(open(sys.argv[2]).read().replace('spent', 'fresh'))
    os.replace(sys.argv[2] + '.new', sys.argv[2])
`

/** A process that holds it until it is let go, and then keeps in a file what it has renewed. */
async function holder(...paths: string[]): Promise<() => void> {
  const child = spawn('python3', ['-c', HOLD, ...paths], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return () => void child.stdin.end()
}

test('is waited for, and no longer than that', async (context) => {
  needs(context, 'python3', 'flock')
  const path = join(folderOf(context), 'config.json.lock')
  const letGo = await holder(path)
  const { message } = await failure(() => waitUntilFree(path, 'cld', { timeout: 0 }), 'lock')
  expect(message).toBe(`cld holds ${path}; gave up after 0 s`)
  let isFree = false
  const waiting = waitUntilFree(path, 'cld').then(() => {
    isFree = true
  })
  await failure(() => waitUntilFree(path, 'cld', { timeout: 0 }), 'lock')
  expect(isFree).toBe(false)
  letGo()
  await waiting
})

test.for([
  {
    source: cldImportSource,
    variable: 'CLOUDINARY_HOME',
    file: 'config.json',
    lock: 'config.json.lock',
    text: '{"acme": "cloudinary://acme?oauth_token=at&refresh_token=spent"}',
  },
  {
    source: iacCodeImportSource,
    variable: 'IAC_CODE_CONFIG_DIR',
    file: '.cloud-credentials.yml',
    lock: '..cloud-credentials.yml.lock',
    text: 'aliyun: {mode: OAuth, oauth_site_type: CN, oauth_refresh_token: spent}',
  },
])('what $source.title renews meanwhile is what is taken over', async (tool, context) => {
  needs(context, 'python3', 'flock')
  const folder = folderOf(context)
  const path = join(folder, tool.file)
  put(path, tool.text)
  const letGo = await holder(join(folder, tool.lock), path)
  const [offer] = tool.source.listCandidates({ [tool.variable]: folder })
  const taking = offer!.take!(Date.now())
  letGo()
  expect((await taking)!.grant.refreshToken!.equals('fresh')).toBe(true)
})

test('that is free or not there is not waited for, and none is made', async (context) => {
  const path = join(folderOf(context), 'config.json.lock')
  await waitUntilFree(path, 'cld', { timeout: 0 })
  expect(existsSync(path)).toBe(false)
  put(path, '')
  await waitUntilFree(path, 'cld', { timeout: 0 })
})

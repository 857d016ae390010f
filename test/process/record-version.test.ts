/** Records that were written before they had two parts, through the program. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { vaultOf } from '../cli/story.ts'
import { sealVersion1 } from '../vault/records.ts'
import { A_TOKEN, expectSound, home, recordOf } from './data-dir.ts'

test('a record of before is used as it is, and has two parts after its renewal', async (context) => {
  const made = await home('work')
  context.onTestFinished(made.close)
  const { one, server } = made
  const { header, grant } = (await vaultOf(one).read('work'))!
  const folder = join(one.daypassHome, 'vault')
  const key = Buffer.from(readFileSync(join(folder, `key-${header.key!.id}`), 'utf8'), 'base64')
  const old = sealVersion1({ header, grant: grant! }, header.key!.id, key)
  writeFileSync(join(folder, 'work.grant'), old)

  const token = await one.run(['token', 'work'])
  expect(token).toMatchObject({ code: 0, stdout: A_TOKEN, stderr: '' })
  expect(recordOf(made, 'work')).toBe(old)

  expect(await one.run(['refresh', 'work', '--force'])).toMatchObject({ code: 0 })
  expect(recordOf(made, 'work')).toMatch(/^\{"v":2,.*\}\n.+\n.+\n$/)
  const renewed = await one.run(['token', 'work'])
  expect(renewed).toMatchObject({ code: 0, stdout: A_TOKEN })
  expect(renewed.stdout).not.toBe(token.stdout)
  expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0 })
  await expectSound(made)
})

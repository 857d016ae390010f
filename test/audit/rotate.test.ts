import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { appendAudit, MAX_AUDIT_SIZE } from '../../src/audit/append.ts'
import { buildOlderPath, rotateAudit } from '../../src/audit/rotate.ts'
import { folderOf } from '../vault/support.ts'

const ASKING = { verb: 'token', identity: 'work' }

test('a process that comes late to a file that is too long leaves the new one where it is', async (context) => {
  const path = join(folderOf(context), 'audit.jsonl')
  writeFileSync(path, 'x'.repeat(MAX_AUDIT_SIZE))
  await rotateAudit(path)
  expect(appendAudit(path, ASKING, {})).toBe(false)
  await Promise.all([rotateAudit(path), rotateAudit(path)])
  expect(statSync(buildOlderPath(path)).size).toBe(MAX_AUDIT_SIZE)
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject(ASKING)
})

test('what cannot be made the older one is tried again now and then, not each time', (context) => {
  const path = join(folderOf(context), 'audit.jsonl')
  const isTooLong = (size: number) => {
    writeFileSync(path, 'x'.repeat(size), { mode: 0o600 })
    return appendAudit(path, ASKING, {})
  }
  const sizes = [
    0,
    MAX_AUDIT_SIZE - 1,
    MAX_AUDIT_SIZE + 10_000,
    MAX_AUDIT_SIZE + 200_000,
    2 * MAX_AUDIT_SIZE + 10_000,
  ]
  expect(sizes.map(isTooLong)).toEqual([false, true, true, false, true])
})

test('nothing is thrown, whatever the path is', async (context) => {
  const folder = folderOf(context)
  writeFileSync(join(folder, 'file'), '')
  for (const path of [folder, join(folder, 'file/below'), `${folder}/\0`]) {
    expect(appendAudit(path, ASKING, {})).toBe(false)
    await rotateAudit(path)
  }
  expect(existsSync(`${folder}.1`)).toBe(false)
})

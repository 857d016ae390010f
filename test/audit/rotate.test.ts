import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { append, LIMIT } from '../../src/audit/append.ts'
import { olderFile, rotate } from '../../src/audit/rotate.ts'
import { folderOf } from '../vault/support.ts'

const ASKING = { verb: 'token', identity: 'work' }

test('a process that comes late to a file that is too long leaves the new one where it is', async (context) => {
  const path = join(folderOf(context), 'audit.jsonl')
  writeFileSync(path, 'x'.repeat(LIMIT))
  await rotate(path)
  expect(append(path, ASKING, {})).toBe(false)
  await Promise.all([rotate(path), rotate(path)])
  expect(statSync(olderFile(path)).size).toBe(LIMIT)
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject(ASKING)
})

test('what cannot be made the older one is tried again now and then, not each time', (context) => {
  const path = join(folderOf(context), 'audit.jsonl')
  const isTooLong = (size: number) => {
    writeFileSync(path, 'x'.repeat(size), { mode: 0o600 })
    return append(path, ASKING, {})
  }
  const sizes = [0, LIMIT - 1, LIMIT + 10_000, LIMIT + 200_000, 2 * LIMIT + 10_000]
  expect(sizes.map(isTooLong)).toEqual([false, true, true, false, true])
})

test('nothing is thrown, whatever the path is', async (context) => {
  const folder = folderOf(context)
  writeFileSync(join(folder, 'file'), '')
  for (const path of [folder, join(folder, 'file/below'), `${folder}/\0`]) {
    expect(append(path, ASKING, {})).toBe(false)
    await rotate(path)
  }
  expect(existsSync(`${folder}.1`)).toBe(false)
})

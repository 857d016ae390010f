/** SECURITY.md names a test for every promise, and each of them is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')

const promises = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')
  .split('## Promises that tests hold')[1]!
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (promise|---) /.test(line))
  .map((line) => line.split('|').slice(1, -1))

test('every promise has a test', () => {
  expect(promises.length).toBeGreaterThan(35)
  expect(promises.filter((cells) => cells.length !== 2)).toEqual([])
})

const named = promises.flatMap(([, held = '']) => held.split('<br>').map((each) => each.trim()))

test.each([...new Set(named)])('%s', (held) => {
  const [, file, title] = /^`([\w./-]+)`: (.+)$/.exec(held) ?? []
  const path = join(ROOT, 'test', file ?? '-')
  expect(existsSync(path)).toBe(true)
  expect(readFileSync(path, 'utf8')).toContain(title ?? '-')
})

test('every action of a workflow is pinned by its commit, because a tag can be moved', () => {
  const folder = join(ROOT, '.github/workflows')
  const files = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'))
  const used = files.flatMap((text) => text.match(/\buses:.*/g) ?? [])
  expect(used.length).toBeGreaterThan(0)
  for (const line of used) expect(line).toMatch(/^uses: [\w./-]+@[0-9a-f]{40} # v\d/)
})

/** docs/coming-from.md names a test for every line, and each of them is there. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')

const rows = readFileSync(join(ROOT, 'docs/coming-from.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (there|---) /.test(line))
  .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))

test('every line says what it is there, what it is here, what holds it, and what is different', () => {
  expect(rows.length).toBeGreaterThan(80)
  expect(rows.filter((cells) => cells.length !== 4)).toEqual([])
})

const named = rows.flatMap(([, , held = '']) => held.split('<br>').map((each) => each.trim()))

test.each([...new Set(named)])('%s', (held) => {
  const [, file, title] = /^`([\w./-]+)`: (.+)$/.exec(held) ?? []
  const path = join(ROOT, 'test', file ?? '-')
  expect(existsSync(path)).toBe(true)
  expect(readFileSync(path, 'utf8').includes(title ?? '-')).toBe(true)
})

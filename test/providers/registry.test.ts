import { expect, test } from 'vitest'
import { builtIn } from '../../src/providers/index.ts'
import { eachBuiltIn, oneBuiltIn } from '../../src/providers/registry.ts'

test('one at a time they are the same', async () => {
  for (const [id, provider] of Object.entries(builtIn)) expect(await oneBuiltIn(id)).toBe(provider)
  expect(new Set(await eachBuiltIn())).toEqual(new Set(Object.values(builtIn)))
  for (const nobody of ['', 'nobody', 'constructor', '__proto__'])
    expect(await oneBuiltIn(nobody)).toBe(undefined)
})

test('a variable that holds a token says so in its name, by which the quick way knows it', () => {
  for (const { env } of Object.values(builtIn)) for (const name of env) expect(name).toMatch(/_TOKEN$/)
})

import { expect, test } from 'vitest'
import { builtIn } from '../../src/providers/index.ts'
import { oneBuiltIn } from '../../src/providers/registry.ts'

test('one at a time they are the same', async () => {
  for (const [id, provider] of Object.entries(builtIn)) expect(await oneBuiltIn(id)).toBe(provider)
  for (const nobody of ['', 'nobody', 'constructor', '__proto__'])
    expect(await oneBuiltIn(nobody)).toBe(undefined)
})

test('a variable that holds a token says so in its name', () => {
  for (const { env } of Object.values(builtIn)) for (const name of env) expect(name).toMatch(/_TOKEN$/)
})

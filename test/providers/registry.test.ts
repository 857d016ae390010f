import { expect, test } from 'vitest'
import { builtIn } from '../../src/providers/index.ts'
import { loadProvider, loadProviders } from '../../src/providers/registry.ts'

test('one at a time they are the same', () => {
  for (const [id, provider] of Object.entries(builtIn)) expect(loadProvider(id)).toBe(provider)
  expect(new Set(loadProviders())).toEqual(new Set(Object.values(builtIn)))
  for (const nobody of ['', 'nobody', 'constructor', '__proto__'])
    expect(loadProvider(nobody)).toBe(undefined)
})

test('a variable that holds a token says so in its name, by which the quick way knows it', () => {
  for (const { environment } of Object.values(builtIn))
    for (const name of environment.token) expect(name).toMatch(/_TOKEN$/)
})

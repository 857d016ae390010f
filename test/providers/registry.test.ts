import { expect, test } from 'vitest'
import * as library from '../../src/providers/index.ts'
import { formatFlag, listParamFlags } from '../../src/providers/param.ts'
import { BUILT_IN_PROVIDERS, isDerived, listKinds, loadProvider } from '../../src/providers/registry.ts'

const { builtIn } = library

test.each(BUILT_IN_PROVIDERS)('%s is the same one by one, in the map and as an export', (id) => {
  expect(loadProvider(id)?.id).toBe(id)
  expect(builtIn[id]).toBe(loadProvider(id))
  expect(new Map<string, unknown>(Object.entries(library)).get(id)).toBe(builtIn[id])
})

test('one that nobody made is none', () => {
  for (const id of ['', 'nobody', 'constructor', '__proto__']) expect(loadProvider(id)).toBe(undefined)
})

test.each(Object.entries(builtIn))('%s has the kinds that the registry lists', (id, { kind, kinds = {} }) => {
  expect([...listKinds(id)].sort()).toEqual([kind, ...Object.keys(kinds)].sort())
  for (const one of listKinds(id)) expect(isDerived(one), one).toBe(kinds[one]?.derived ?? false)
})

test('a provider that is not built in has one kind, and that is not derived', () => {
  for (const id of ['acme', 'constructor']) {
    expect(listKinds(id)).toEqual([`${id}/user`])
    expect(isDerived(`${id}/user`)).toBe(false)
  }
})

test('a parameter has the same flag whatever the provider', () => {
  const flags = listParamFlags(Object.values(builtIn))
  for (const { id, params } of Object.values(builtIn))
    for (const [name, { flag }] of Object.entries(params))
      expect(flag, `${id} ${name}`).toEqual(flags.get(name)?.flag)
  expect(formatFlag('api_url')).toBe('--api-url')
})

test('a flag finds a value whatever the case, so values are in small letters', () => {
  for (const { oneOf = [] } of listParamFlags(Object.values(builtIn)).values())
    for (const value of oneOf) expect(value).toBe(value.toLowerCase())
})

test('a variable that holds a token says so in its name, by which the quick way knows it', () => {
  for (const { environment } of Object.values(builtIn))
    for (const name of environment.token) expect(name).toMatch(/_TOKEN$/)
})

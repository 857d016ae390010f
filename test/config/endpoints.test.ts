import { expect, test } from 'vitest'
import { ENDPOINTS, type EndpointSpelling, nameEndpoints } from '../../src/config/endpoints.ts'

test('every spelling is known by our name', () => {
  for (const [spelling, name] of Object.entries(ENDPOINTS))
    expect(nameEndpoints({ [spelling]: 'https://id.example.com/x' })).toEqual({
      [name]: 'https://id.example.com/x',
    })
  expect(nameEndpoints()).toEqual({})
})

test('of several spellings our name wins, then that of RFC 8414', () => {
  const said = Object.fromEntries(Object.keys(ENDPOINTS).map((spelling) => [spelling, spelling]))
  const all = nameEndpoints(said)
  for (const [name, spelling] of Object.entries(all)) expect(spelling).toBe(name)
  const { userinfo: _, ...others } = said as Record<EndpointSpelling, string>
  expect(nameEndpoints(others).userinfo).toBe('userinfo_endpoint')
})

import { describe, expect, test } from 'vitest'
import { createDefinition } from '../../src/identity/definition.ts'
import { autocom, passport } from '../../src/providers/index.ts'

const at = (api_url: string) =>
  createDefinition('x', passport, { env: {}, overrides: { params: { api_url } } })

describe('the URL of an API', () => {
  test.each([
    'https://api.example.com/api/v1',
    'https://api.example.com/api/v1/',
    'https://api.example.com/api/v1//',
    'https://api.example.com/api',
    'https://api.example.com',
    'https://api.example.com/',
    'HTTPS://API.example.com:443/api/v1',
  ])('%s is one and the same', (written) => {
    const { params, endpoints } = at(written)
    expect(params.api_url).toBe('https://api.example.com/api/v1')
    expect(endpoints).toEqual({
      authorization: 'https://api.example.com/oauth/authorize',
      token: 'https://api.example.com/oauth/token',
      userinfo: 'https://api.example.com/api/v1/profile',
      tenants: 'https://api.example.com/api/v1/tenants',
    })
  })

  test.each([
    [
      'https://example.com/shop/api/v2/',
      'https://example.com/shop/api/v2',
      'https://example.com/shop/oauth/token',
    ],
    ['https://example.com/shop', 'https://example.com/shop/api/v1', 'https://example.com/shop/oauth/token'],
    ['http://127.0.0.1:8000', 'http://127.0.0.1:8000/api/v1', 'http://127.0.0.1:8000/oauth/token'],
  ])('%s may have a path or a port of its own', (written, normal, token) => {
    expect(at(written)).toMatchObject({ params: { api_url: normal }, endpoints: { token } })
  })

  test('that is none is left as it is, and so is none at all', () => {
    expect(at('not a URL').params.api_url).toBe('not a URL')
    expect(createDefinition('x', passport, { env: {} }).endpoints).toEqual({})
  })

  test.each([
    ['https://api.example.com/api/v1', 'example.com'],
    ['https://api.staging.example.com', 'staging.example.com'],
    ['https://shop.example.com', 'shop.example.com'],
    ['http://127.0.0.1:8000', '127.0.0.1-8000'],
    ['http://[::1]:8000', '1-8000'],
  ])('%s names an identity %s', (written, name) => {
    expect(passport.nameFor!(at(written).params)).toBe(name)
  })
})

test.each([passport, autocom])(
  '$id listens where its clients are registered',
  ({ authorization, client }) => {
    const { host, ports, path } = authorization.redirect
    expect(ports).toEqual([8765, 8766, 8767, 8768, 8769])
    for (const port of ports) expect(client.register[0]).toContain(`http://${host}:${port}${path}`)
  },
)

test('only the names and the address of AutoCom are its own', () => {
  const own = ['id', 'title', 'kind', 'params', 'client', 'environment']
  for (const [field, value] of Object.entries(autocom))
    if (!own.includes(field)) expect(value, field).toEqual(passport[field as keyof typeof passport])
  expect(createDefinition('x', autocom, { env: {} }).params.api_url).toBe(
    'https://api.autocom.wexron.io/api/v1',
  )
})

test.each<[Record<string, unknown>, readonly object[]]>([
  [{ data: ['acme', 'globex'] }, [{ slug: 'acme' }, { slug: 'globex' }]],
  [{ data: [{ id: 1, slug: 'acme', name: 'Acme' }] }, [{ slug: 'acme', name: 'Acme' }]],
  [{ tenants: [{ id: 4 }, { id: 'globex', name: 5 }] }, [{ slug: '4' }, { slug: 'globex' }]],
  [{ data: [null, [], {}, { slug: {} }] }, []],
  [{ data: 'acme' }, []],
  [{}, []],
])('tenants are read from %j', (answer, found) => {
  expect(passport.api.tenants!(answer)).toEqual(found)
})

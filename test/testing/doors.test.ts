import { describe, expect, test } from 'vitest'
import type { ServerEvent } from '../../src/testing/index.ts'
import { discover, login, me, refresh, startDevice } from './client.ts'
import { start } from './servers.ts'

describe('discovery', () => {
  test.each([
    [true, 200, 200],
    [false, 404, 404],
    ['openid', 200, 404],
    ['oauth', 404, 200],
  ] as const)('%s', async (discovery, openid, oauth2) => {
    const { issuer } = await start({ discovery })
    const status = async (name: string) => (await fetch(`${issuer}/.well-known/${name}`)).status
    expect(await status('openid-configuration')).toBe(openid)
    expect(await status('oauth-authorization-server')).toBe(oauth2)
  })

  test('is what the client library wants of RFC 8414 too', async () => {
    const { issuer } = await start({ discovery: 'oauth' })
    expect((await discover(issuer, 'oauth2')).token_endpoint).toBe(`${issuer}/token`)
  })
})

describe('the resource', () => {
  test('knows access tokens and personal ones, and says 401 to others', async () => {
    const server = await start({ personalTokens: ['pat_1'] })
    expect(await me(server, 'pat_1')).toBe(200)
    expect(await me(server, 'pat_2')).toBe(401)
    const bare = await fetch(server.endpoints.resource)
    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="test"'])
    const { tokens } = await login(server)
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    expect(await (await fetch(server.endpoints.userinfo, { headers })).json()).toMatchObject({
      sub: 'user-1',
    })
  })
})

test('issued() holds every secret, on() tells what happened without any', async () => {
  const server = await start({ personalTokens: ['pat_1'] })
  const events: ServerEvent[] = []
  const stop = server.on((event) => void events.push(event))
  const { tokens, ...party } = await login(server)
  const next = await refresh(party, tokens.refresh_token)
  const device = await startDevice(party)
  stop()
  await me(server, 'pat_1')
  const secrets = [
    tokens.access_token,
    tokens.refresh_token,
    tokens.id_token,
    next.access_token,
    next.id_token,
  ]
  expect(server.issued()).toEqual(expect.arrayContaining([...secrets, device.device_code, 'pat_1']))
  expect(events.filter(({ type }) => type !== 'request').map(({ type }) => type)).toEqual([
    'code',
    'exchange',
    'refresh',
  ])
  expect(server.issued().some((secret) => JSON.stringify(events).includes(secret))).toBe(false)
})

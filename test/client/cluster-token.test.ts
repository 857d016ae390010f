/** The token that a Kubernetes cluster is shown: mostly an id_token, which has an end of its own. */
import { afterEach, describe, expect, test } from 'vitest'
import type { Identity } from '../../src/config/schema.ts'
import { parseJwtTimes } from '../../src/oauth/jwt.ts'
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  startAuthorizationServer,
} from '../../src/testing/index.ts'
import { failureOf, world } from './client-context.ts'

let server: AuthorizationServer
afterEach(() => server.close())

const HOUR = 3_600_000
const MINUTE = 60_000

/** Its id_tokens live for an hour, its access tokens for four. */
async function loggedIn(more: Partial<Identity> = {}, options: AuthorizationServerOptions = {}) {
  server = await startAuthorizationServer({ accessTokenTtl: 4 * HOUR, ...options })
  const { issuer, clientId: client_id } = server
  const work: Identity = { kind: 'oidc/user', issuer, client_id, ...more }
  const one = await world({ server, config: { auth: { identities: { work } } } })
  await one.login('work')
  const shown = async () => (await one.daypass.getClusterToken('work')).token.reveal()
  return { ...one, shown }
}

test('is the id_token, with the end that it has itself', async () => {
  const { daypass } = await loggedIn()
  const { token, expiresAt } = await daypass.getClusterToken('work')
  expect(token.reveal()).toMatch(/^ey/)
  expect(expiresAt).toBe(parseJwtTimes(token).expiresAt)
})

test('is the access token where the configuration says so', async () => {
  const { daypass, shown, token } = await loggedIn({ kube_token: 'access_token' })
  expect(await shown()).toBe(await token())
  const { expiresAt } = await daypass.getClusterToken('work')
  expect(expiresAt! - Date.now()).toBeGreaterThan(3.9 * HOUR)
})

test('is the access token where there is no id_token, unless one is wanted', async () => {
  const none = { scopes: ['offline_access'] }
  const { shown, token } = await loggedIn(none)
  expect(await shown()).toBe(await token())
  await server.close()
  const wanted = await loggedIn({ ...none, kube_token: 'id_token' })
  expect(await failureOf(wanted.shown())).toMatchObject({
    code: 'usage',
    message: 'work has no id_token',
  })
})

test('its end is told by the clock of the program that asks', async () => {
  const { daypass } = await loggedIn({}, { clockOffset: 10 * MINUTE })
  const { token, expiresAt } = await daypass.getClusterToken('work')
  const ahead = parseJwtTimes(token).expiresAt! - expiresAt!
  expect(Math.abs(ahead - 10 * MINUTE)).toBeLessThan(3000)
})

describe('an id_token that ends before the access token', () => {
  test('is renewed once, by however many ask', async () => {
    const { shown, advance, daypass } = await loggedIn()
    const before = await shown()
    advance(HOUR - 2 * MINUTE)
    expect(await shown()).toBe(before)
    advance(MINUTE + 1000)
    const all = await Promise.all([1, 2, 3].map(shown))
    expect(new Set(all).size).toBe(1)
    expect(all[0]).not.toBe(before)
    expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0 })
    // What came with the renewal was kept.
    expect((await daypass.getClusterToken('work')).token.reveal()).toBe(all[0])
    expect(server.stats().refreshes).toBe(1)
  })

  test('is used for as long as it lives while the server cannot be reached', async () => {
    const { shown, advance, warned } = await loggedIn()
    const before = await shown()
    advance(HOUR - 30_000)
    server.failNext({ endpoint: 'refresh', status: 503, times: 2 })
    expect(await shown()).toBe(before)
    expect(warned).toEqual([expect.stringMatching(/^work could not be renewed, using what is left of it: /)])
    advance(MINUTE)
    expect(await failureOf(shown())).toMatchObject({ code: 'network' })
  })

  test('needs a login when a renewal brings no new one', async () => {
    const mangle = (json: Record<string, unknown>, endpoint: string) => {
      const { id_token: _, ...rest } = json
      return endpoint === 'refresh' ? rest : json
    }
    const { shown, advance } = await loggedIn({}, { mangle })
    advance(HOUR)
    expect(await failureOf(shown())).toMatchObject({
      code: 'login_required',
      message: 'the id_token of work is over, and there is no new one',
      hint: 'daypass login work',
    })
  })

  test('needs a login when nothing can be renewed', async () => {
    const { shown, advance } = await loggedIn({}, { refresh: 'none' })
    const before = await shown()
    advance(HOUR - 30_000)
    expect(await shown()).toBe(before)
    advance(MINUTE)
    expect(await failureOf(shown())).toMatchObject({ code: 'login_required' })
  })
})

test('cloud keys are no token', async () => {
  server = await startAuthorizationServer()
  const env = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' }
  const { daypass } = await world({ env })
  expect(await failureOf(daypass.getClusterToken())).toMatchObject({ code: 'usage' })
})

test('a token of the environment is one', async () => {
  server = await startAuthorizationServer()
  const { daypass } = await world({ env: { GITLAB_TOKEN: 'glpat' } })
  const { token, expiresAt } = await daypass.getClusterToken()
  expect([token.reveal(), expiresAt]).toEqual(['glpat', undefined])
})

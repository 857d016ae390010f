/** Servers that ask for more: pushed requests (RFC 9126), tokens bound to a key (RFC 9449). */
import { expect, test } from 'vitest'
import { type AuthorizationServerOptions, scriptedBrowser } from '../../src/testing/index.ts'
import { start } from '../testing/servers.ts'
import { failureOf, world } from './client-context.ts'

const bound = { dpop_bound_access_tokens: true }

/** A server, and a home whose `work` is an identity there that the configuration says this of. */
async function at(options: AuthorizationServerOptions, said: object = {}) {
  const server = await start(options)
  const { issuer, clientId: client_id } = server
  const work = { kind: 'oidc/user', issuer, client_id, ...said }
  const w = await world({ server, config: { auth: { identities: { work } } } })
  return { server, w, login: () => w.daypass.login('work') }
}

const pushes = ({ stats }: Awaited<ReturnType<typeof start>>) => stats().by.par ?? 0

test('a server that requires pushed requests gets them, and the browser carries a reference alone', async () => {
  const { server, w, login } = await at({ par: 'required' })
  await login()
  expect(pushes(server)).toBe(1)
  const url = new URL(w.said.find((text) => text.includes('/authorize'))!.trim())
  expect([...url.searchParams.keys()]).toEqual(['client_id', 'request_uri'])
  expect(w.said.join('\n')).toContain('It has to be opened within 1m')
})

test('requests are not pushed where that is only offered, unless the configuration wants it', async () => {
  const offered = await at({ par: 'offered' })
  await offered.login()
  expect(pushes(offered.server)).toBe(0)
  const wanted = await at({ par: 'offered' }, { require_pushed_authorization_requests: true })
  await wanted.login()
  expect(pushes(wanted.server)).toBe(1)
})

test('a push that cannot be made is a configuration error that names the remedy', async () => {
  const { login } = await at({}, { require_pushed_authorization_requests: true })
  expect(await failureOf(login())).toMatchObject({
    code: 'configuration',
    hint: expect.stringContaining('endpoints.par'),
  })
})

test('a push that is refused says why, before anyone is sent to a browser', async () => {
  const { server, w, login } = await at({ par: 'required' })
  const body = '{"error":"invalid_scope","error_description":"not for you"}'
  server.failNext({ endpoint: 'par', status: 400, body })
  expect(await failureOf(login())).toMatchObject({
    code: 'refused',
    message: expect.stringContaining('not for you'),
  })
  expect(w.said.join('\n')).not.toContain('/authorize')
})

test.each([
  ['with nonces', { dpopNonce: true }],
  ['without', { dpopNonce: false }],
  ['behind pushed requests', { dpopNonce: true, par: 'required' as const }],
])('tokens bound to a key: login, profile, use, renewal, %s', async (_, options) => {
  const { server, w, login } = await at({ dpop: 'required', ...options }, bound)
  const { header } = await login()
  expect(header.account).toMatchObject({ email: 'ada@example.com' })
  const me = () => w.daypass.fetch('work')(server.endpoints.resource)
  expect((await me()).status).toBe(200)
  // As a bearer token it is worth nothing.
  const bearer = { headers: { authorization: `Bearer ${await w.token()}` } }
  expect((await fetch(server.endpoints.resource, bearer)).status).toBe(401)

  w.advance(3_600_000)
  server.expireAccessTokens()
  expect((await me()).status).toBe(200)
  await w.daypass.check('work')
  server.expireAccessTokens()
  expect((await me()).status).toBe(200)
  expect(server.stats()).toMatchObject({ refreshes: 2, reuses: 0, deadFamilies: 0 })
  expect((await w.daypass.logout('work')).revocation.outcome).toBe('revoked')
})

test.each([-600_000, 600_000])(
  'proofs are made by the clock of the server (%i ms away)',
  async (clockOffset) => {
    const { server, w, login } = await at({ dpop: 'required', clockOffset }, bound)
    await login()
    expect((await w.daypass.fetch('work')(server.endpoints.resource)).status).toBe(200)
    expect((await w.daypass.refresh('work', { force: true })).outcome).toBe('renewed')
  },
)

test('each login has a key of its own, and none is ever shown', async () => {
  const { w, login } = await at({ dpop: 'required' }, bound)
  const keys = new Set<string>()
  for (let i = 0; i < 3; i++) {
    const outcome = await login()
    const jwk = (await w.vault.read('work'))!.grant!.proofKey!
    keys.add(jwk.reveal())
    const { d } = JSON.parse(jwk.reveal()) as { d: string }
    expect(JSON.stringify([outcome, w.said, await w.daypass.list()])).not.toContain(d)
  }
  expect(keys.size).toBe(3)
  // The code is bound to it, too.
  expect(w.said.join('\n')).toMatch(/[?&]dpop_jkt=[\w-]{43}/)
})

test('a server that binds nothing is refused where the configuration wants it bound', async () => {
  const { server, w, login } = await at({}, bound)
  expect(await failureOf(login())).toMatchObject({
    code: 'refused',
    hint: expect.stringContaining('dpop_bound_access_tokens'),
  })
  expect(await w.vault.read('work')).toBeUndefined()
  expect(server.stats()).toMatchObject({ exchanges: 1, deadFamilies: 1 })
})

test('a login in two steps proves the key of its first step', async () => {
  const { server, w } = await at({ dpop: 'required', dpopNonce: true, device: true }, bound)
  const browser = scriptedBrowser({ stopAtCallback: true })
  const { id, url } = await w.daypass.startLogin('work', { method: 'browser' })
  const pasted = (await browser.visit(url)).url
  expect(await w.daypass.finishLogin(id, { pasted })).toMatchObject({ header: { name: 'work' } })
  const device = await w.daypass.startLogin('work', { method: 'device', force: true })
  server.decideDevice('approve')
  expect(await w.daypass.finishLogin(device.id)).toMatchObject({ header: { method: 'device' } })
  expect((await w.daypass.fetch('work')(server.endpoints.resource)).status).toBe(200)
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDaypass } from 'daypass'
import {
  type AuthorizationServerOptions,
  scriptedBrowser,
  scriptedTerminal,
  startAuthorizationServer,
  testClock,
} from 'daypass/testing'
import { memoryVault } from 'daypass/vault'
import { afterEach, expect, test } from 'vitest'

const HOUR = 3_600_000

const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

/** One person, one server, one clock for both, and nothing of this machine but its loopback. */
async function world(options: AuthorizationServerOptions = {}) {
  // Polls and pauses are over at once; an hour takes `clock.advance(HOUR)`.
  const clock = testClock(Date.now(), { naps: 10_000 })
  const server = await startAuthorizationServer({ ...options, now: clock.now })
  const terminal = scriptedTerminal()
  const { openBrowser } = scriptedBrowser()
  const home = await mkdtemp(join(tmpdir(), 'my-cli-'))
  opened.push(server.close, () => rm(home, { recursive: true }))
  const daypass = createDaypass({
    vault: memoryVault(),
    config: {},
    env: { DAYPASS_HOME: home },
    cwd: home,
    host: { now: clock.now, sleep: clock.sleep, terminal, openBrowser },
  })
  const given = { params: { issuer: server.issuer }, clientId: server.clientId }
  const login = (method: 'browser' | 'device') => daypass.login('oidc', { name: 'work', method, given })
  return { clock, server, terminal, daypass, login }
}

test('a token that expired is renewed once, however many ask', async () => {
  const { clock, server, daypass, login } = await world()
  await login('browser')
  clock.advance(HOUR)
  const ask = daypass.fetch('work')
  const answers = await Promise.all([1, 2, 3].map(() => ask(server.endpoints.resource)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0, deadFamilies: 0 })
})

test('a code is shown, and a person approves it on another device', async () => {
  const { server, terminal, login } = await world()
  const loggedIn = login('device')
  const [code] = await terminal.heard(/\b[A-Z]{4}-[A-Z]{4}\b/)
  server.decideDevice('approve', code)
  expect((await loggedIn).header.account?.email).toBe('ada@example.com')
})

test('a server in trouble does not cost the login', async () => {
  const { clock, server, daypass, login } = await world()
  await login('browser')
  clock.advance(HOUR)
  server.failNext({ endpoint: 'refresh', status: 429, headers: { 'retry-after': '7' } })
  await expect(daypass.credential('work')).rejects.toMatchObject({ code: 'network' })
  clock.advance(7000)
  expect(await daypass.credential('work')).toMatchObject({ kind: 'bearer' })
})

test('nothing that the server issued is said', async () => {
  const { server, terminal, daypass, login } = await world()
  await login('browser')
  server.killFamilies()
  const failed = await daypass.refresh('work', { force: true }).catch((error: unknown) => error)
  const said = [
    ...terminal.said,
    ...terminal.warned,
    ...terminal.asked,
    String(failed),
    JSON.stringify(failed),
  ]
  for (const secret of server.issued()) expect(said.join('\n')).not.toContain(secret)
})

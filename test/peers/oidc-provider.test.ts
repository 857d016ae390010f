/** The whole life of a login against `oidc-provider`, a server that others wrote, through the spawned program. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { at, box, left, logIn } from '../cli/story.ts'
import { BROWSER, type Sandbox } from '../kit/cli.ts'
import { type OidcProvider, type OidcProviderOptions, startOidcProvider } from '../kit/oidc-provider.ts'

const open: OidcProvider[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()))
})

async function start(options?: OidcProviderOptions): Promise<OidcProvider> {
  const server = await startOidcProvider(options)
  open.push(server)
  return server
}

const device = (server: OidcProvider) => at({ issuer: server.issuer, clientId: server.deviceClientId })

/** What the server says of a token. */
async function userinfo(server: OidcProvider, token: string) {
  const answer = await fetch(`${server.issuer}/me`, { headers: { authorization: `Bearer ${token.trim()}` } })
  return { status: answer.status, ...((await answer.json()) as { email?: string }) }
}

async function rowOf(one: Sandbox, name = 'work') {
  const { stdout } = await one.run(['status', name, '--json'])
  return JSON.parse(stdout).identities[0]
}

test('browser: login, token, renewal with rotation, logout with revocation', async () => {
  const server = await start()
  const one = box()
  const login = await logIn(one, server)
  expect(login.stdout).toBe('')
  expect(login.stderr).toContain('Logged in to OpenID Connect as ada@example.com (ada)')
  expect(await rowOf(one)).toMatchObject({
    account: 'ada@example.com',
    principal: 'ada',
    state: 'valid',
    method: 'browser',
  })
  const first = await one.run(['token'])
  expect(await userinfo(server, first.stdout)).toMatchObject({ status: 200, email: 'ada@example.com' })

  await left(one, 'work', -1000)
  expect((await one.run(['status', 'work'])).code).toBe(0)
  const second = await one.run(['token'])
  expect(second).toMatchObject({ code: 0, stderr: '' })
  expect(second.stdout).not.toBe(first.stdout)
  await one.run(['refresh', '--force'])
  expect(server.stats()).toMatchObject({ exchanges: 1, refreshes: 2, refusals: 0, deadGrants: 0 })

  const last = await one.run(['token'])
  const out = await one.run(['logout', 'work'])
  expect(out.stderr).toContain('its token was revoked at the server and removed here')
  expect(server.stats().deadGrants).toBe(1)
  expect((await userinfo(server, last.stdout)).status).toBe(401)
  expect((await one.run(['token', 'work'])).code).toBe(4)
  // What it knows of `work` needs no flags.
  expect((await one.run(['login', 'work'], { env: { BROWSER } })).code).toBe(0)
})

test('paste: the address, answered on standard input', async () => {
  const server = await start()
  const running = box().start(['login', 'oidc', 'work', ...at(server), '--no-browser'])
  const [url] = await running.waitFor(/http:\S+\/auth\?\S+/)
  const visit = await scriptedBrowser({ stopAtCallback: true }).visit(url)
  running.write(`${visit.url}\n`)
  const { code, stdout, stderr } = await running.ended
  expect(code, stderr).toBe(0)
  expect(stdout).toBe('')
  expect(stderr).not.toContain(new URL(visit.url).searchParams.get('code')!)
})

test('paste: the input need not be closed', async () => {
  const server = await start()
  const running = box().start(['login', 'oidc', 'work', ...at(server), '--remote', '--json'])
  const [url] = await running.waitFor(/http:\S+\/auth\?\S+/)
  const visit = await scriptedBrowser({ stopAtCallback: true }).visit(url)
  running.write(`"${new URL(visit.url).search.slice(1)}"\n`)
  const { code, stdout } = await running.ended
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ name: 'work', method: 'paste', default: true, store: 'file' })
})

test('device: the code on another device', async () => {
  const server = await start()
  const one = box()
  const running = one.start(['login', 'oidc', 'work', ...device(server), '--device'])
  const [, url] = await running.waitFor(/or open (\S+)/)
  await scriptedBrowser().visit(url!)
  expect((await running.ended).code).toBe(0)
  expect(await rowOf(one)).toMatchObject({ account: 'ada@example.com', method: 'device', state: 'valid' })
  expect((await one.run(['refresh', '--force'])).stderr).toContain('work: renewed')
})

test('two steps with a device: pending until the person is done', async () => {
  const server = await start()
  const one = box()
  const begun = await one.run(['login', 'oidc', 'work', ...device(server), '--start', '--json'])
  expect(begun.code).toBe(8)
  const { id, url, user_code, expires_at, next_command } = JSON.parse(begun.stdout)
  expect(user_code).toMatch(/^\w{4}-\w{4}$/)
  expect(Date.parse(expires_at)).toBeGreaterThan(Date.now())
  expect(next_command).toBe(`daypass login --finish ${id} --wait 60s`)
  expect((await one.run(['list', '--json'])).stdout).toBe('{"identities":[]}\n')
  await scriptedBrowser().visit(url)
  expect((await one.run(next_command.split(' ').slice(1))).code).toBe(0)
  expect((await one.run(['login', '--finish', id])).code).toBe(3)
  expect((await one.run(['token'])).code).toBe(0)
})

async function begin(one: Sandbox, server: OidcProvider) {
  const begun = await one.run([
    'login',
    'oidc',
    'work',
    ...at(server),
    '--method',
    'browser',
    '--start',
    '--json',
  ])
  expect(begun.code).toBe(8)
  const started = JSON.parse(begun.stdout) as { id: string; url: string }
  expect(started).not.toHaveProperty('user_code')
  return started
}

test('two steps with a browser: the address is handed in; another state leaves it pending', async () => {
  const server = await start()
  const one = box()
  const { id, url } = await begin(one, server)
  const { url: callback } = await scriptedBrowser({ stopAtCallback: true }).visit(url)
  const forged = new URL(callback)
  forged.searchParams.set('state', 'wrong')
  expect((await one.run(['login', '--finish', id, '--callback-url', forged.href])).code).toBe(2)
  const right = await one.run(['login', '--finish', id, '--callback-url', callback])
  expect(right.code, right.stderr).toBe(0)
  expect((await one.run(['login', '--finish', id, '--callback-url', callback])).code).toBe(3)
  expect(server.stats()).toMatchObject({ exchanges: 1, deadGrants: 0 })
})

test('two steps with a browser: the code alone is handed in', async () => {
  const server = await start()
  const one = box()
  const { id, url } = await begin(one, server)
  const { url: callback } = await scriptedBrowser({ stopAtCallback: true }).visit(url)
  const done = await one.run(['login', '--finish', id, '--code', new URL(callback).searchParams.get('code')!])
  expect(done.code, done.stderr).toBe(0)
})

test('two steps with a browser: the second waits at the port that the address names', async () => {
  const server = await start()
  const one = box()
  const { id, url } = await begin(one, server)
  expect((await one.run(['login', '--finish', id, '--wait', '1s'])).code).toBe(8)
  const running = one.start(['login', '--finish', id, '--wait', '20s'])
  const redirect = new URL(url).searchParams.get('redirect_uri')!
  await listens(redirect)
  const { body } = await scriptedBrowser().visit(url)
  expect(body).toContain('Logged in')
  expect((await running.ended).code).toBe(0)
})

async function listens(url: string): Promise<void> {
  for (;;) {
    const answered = await fetch(new URL('/nothing', url)).then(
      () => true,
      () => false,
    )
    if (answered) return
    await new Promise((done) => setTimeout(done, 20))
  }
}

test('a server that gives no refresh token: the login lasts as long as the token, and says so', async () => {
  const server = await start({ refreshTokens: false })
  const one = box()
  const login = await logIn(one, server)
  expect(login.stderr).not.toContain('renews itself')
  expect((await one.run(['refresh'])).stderr).toBe('work: nothing to renew.\n')
  const { stdout } = await one.run(['token'])
  await left(one, 'work', -1000)
  expect(await rowOf(one)).toMatchObject({ state: 'expired' })
  expect(await one.run(['token'])).toMatchObject({ code: 4, stdout: '' })
  expect(await one.run(['refresh'])).toMatchObject({ code: 4 })
  expect((await one.run(['logout', 'work'])).stderr).toContain('revoked at the server')
  expect((await userinfo(server, stdout)).status).toBe(401)
})

test('a server without discovery: an error that names the remedy, and endpoints of the configuration work', async () => {
  const server = await start({ discovery: false })
  const one = box()
  const failed = await one.run(['login', 'oidc', 'work', ...at(server)], { env: { BROWSER } })
  expect(failed.code).toBe(2)
  expect(failed.stderr).toMatch(/publishes no/)
  expect(failed.stderr).toMatch(/endpoints/)
  mkdirSync(one.daypassHome, { recursive: true })
  writeFileSync(
    join(one.daypassHome, 'config.yaml'),
    `auth:
  identities:
    work:
      kind: oidc/user
      issuer: ${server.issuer}
      client_id: ${server.clientId}
      endpoints:
        authorization: ${server.issuer}/auth
        token: ${server.issuer}/token
        revocation: ${server.issuer}/token/revocation
        userinfo: ${server.issuer}/me
`,
  )
  const login = await one.run(['login', 'work'], { env: { BROWSER } })
  expect(login.code, login.stderr).toBe(0)
  await left(one, 'work', -1000)
  expect(await one.run(['token'])).toMatchObject({ code: 0, stderr: '' })
  expect(server.stats()).toMatchObject({ refreshes: 1, refusals: 0 })
  expect((await one.run(['logout', 'work'])).stderr).toContain('revoked at the server')
})

test('a person who says no in the browser is exit 6, and nothing is kept', async () => {
  const server = await start()
  const one = box()
  const result = await one.run(['login', 'oidc', 'work', ...at(server)], {
    env: { BROWSER, SCRIPTED_BROWSER: 'deny' },
  })
  expect(result.code).toBe(6)
  expect(result.stderr).toContain('consent was denied')
  expect((await one.run(['list', '--json'])).stdout).toBe('{"identities":[]}\n')
})

/** A home whose `work` is defined in `config.yaml`, tokens bound to a key. */
function boundHome(server: OidcProvider): Sandbox {
  const one = box()
  mkdirSync(one.daypassHome, { recursive: true })
  const lines = [
    `issuer: ${server.issuer}`,
    `client_id: ${server.clientId}`,
    'dpop_bound_access_tokens: true',
  ]
  const said = lines.map((line) => `      ${line}\n`).join('')
  writeFileSync(
    join(one.daypassHome, 'config.yaml'),
    `auth:\n  identities:\n    work:\n      kind: oidc/user\n${said}`,
  )
  return one
}

test('DPoP with nonces, PAR required: login, use, renewal, logout', async () => {
  const server = await start({ dpop: true, par: true })
  const one = boundHome(server)
  const login = await one.run(['login', 'work'], { env: { BROWSER } })
  expect(login.code, login.stderr).toBe(0)
  expect(login.stderr).toContain('Logged in to OpenID Connect as ada@example.com (ada)')
  // Neither the challenge nor the redirect travel with the browser.
  expect(login.stderr).toMatch(/\/auth\?client_id=native-cli&request_uri=urn%3Aietf%3Aparams%3Aoauth%3A\S+\n/)
  const { stdout, stderr } = await one.run(['token'])
  expect(stderr).toContain('bound to a key')
  expect((await userinfo(server, stdout)).status).toBe(401)
  expect(await one.run(['status', '--check'])).toMatchObject({ code: 0 })

  await left(one, 'work', -1000)
  const renewed = await one.run(['token', '--json'])
  expect(JSON.parse(renewed.stdout)).toMatchObject({ identity: 'work', token_type: 'dpop' })
  expect(server.stats()).toMatchObject({ exchanges: 1, refreshes: 1, refusals: 1, deadGrants: 0 })
  expect(await one.run(['token', '--header'])).toMatchObject({ code: 2, stdout: '' })
  expect((await one.run(['logout', 'work'])).stderr).toContain('revoked at the server')
})

test('DPoP in two steps: what the first step made the key for, the second proves', async () => {
  const server = await start({ dpop: true, par: true })
  const one = boundHome(server)
  const begun = await one.run(['login', 'work', '--method', 'browser', '--start', '--json'])
  const { id, url, expires_at } = JSON.parse(begun.stdout)
  // The pushed request is gone sooner than the started login.
  expect(Date.parse(expires_at)).toBeLessThan(Date.now() + 14 * 60_000)
  const visit = await scriptedBrowser({ stopAtCallback: true }).visit(url)
  const done = await one.run(['login', '--finish', id, '--callback-url', visit.url])
  expect(done.code, done.stderr).toBe(0)
  expect((await one.run(['refresh', '--force'])).code).toBe(0)
})

import { inspect } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { DaypassError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { formatToken } from '../../src/formats/token.ts'
import { builtIn, defineProvider, oidc } from '../../src/providers/index.ts'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { createMemoryVault } from '../../src/vault/open-vault.ts'
import { start } from '../testing/servers.ts'
import { failureOf, gate, NOTHING, world } from './client-context.ts'

describe('a login', () => {
  test('by browser keeps a grant, says what it is, and shows success only after that', async () => {
    const server = await start()
    const w = await world({ server })
    const outcome = await w.login()
    expect(outcome).toMatchObject({
      default: 'made',
      store: 'memory',
      header: { method: 'browser', renewable: true },
    })
    expect(outcome.header.account).toEqual({
      account: 'ada@example.com',
      principal: 'user-1',
      nameOfPerson: 'Ada Lovelace',
      email: 'ada@example.com',
    })
    expect(w.said.join('\n')).toContain(`${server.issuer}/authorize`)
    expect((await w.browser.visited()).body).toContain('You’re logged in to OpenID Connect')
    expect(await w.token()).toMatch(/^at_/)
  })

  test('shows nothing that was issued, neither in words nor in its outcome', async () => {
    const server = await start()
    const w = await world({ server })
    const outcome = await w.login()
    const seen = inspect([outcome, w.said, w.warned, await w.daypass.list(), await w.vault.read('work')], {
      depth: 12,
    })
    const shown = server.issued().filter((secret) => seen.includes(secret))
    expect(shown).toEqual([])
  })

  test('that could not be kept shows failure in the browser', async () => {
    const server = await start()
    const vault = {
      ...createMemoryVault(),
      write: () => Promise.reject(new DaypassError('vault', 'the disk is full')),
    }
    const w = await world({ server, vault })
    expect(await failureOf(w.login())).toMatchObject({ code: 'vault' })
    expect((await w.browser.visited()).body).toContain('Logging in to OpenID Connect failed')
    // What was issued for nothing is ended at the server.
    expect(server.stats().revocations).toBe(1)
  })

  test.each<[string, (json: Record<string, unknown>) => Record<string, unknown>]>([
    [
      'an id_token that cannot be trusted',
      (json) => ({ ...json, id_token: `${String(json.id_token).slice(0, -90)}x.y.z` }),
    ],
    ['no access token', ({ access_token: _, ...json }) => json],
  ])('with %s keeps nothing', async (_, mangle) => {
    const server = await start({ mangle: (json, at) => (at === 'code' ? mangle(json) : json) })
    const w = await world({ server })
    expect(await failureOf(w.login())).toMatchObject({ code: 'refused' })
    expect(await w.vault.list()).toEqual([])
  })

  test('that the person denies is refused, and keeps nothing', async () => {
    const w = await world({ server: await start({ consent: 'deny' }) })
    expect(await failureOf(w.login())).toMatchObject({ code: 'refused' })
    expect(await w.vault.list()).toEqual([])
  })

  test('goes on waiting while strangers knock at the callback', async () => {
    const server = await start()
    const w = await world({ server, browser: false, interactive: true })
    const seen: number[] = []
    w.host.openBrowser = async (address) => {
      const { headers } = await fetch(address, { redirect: 'manual' })
      const callback = new URL(headers.get('location')!).searchParams.get('redirect_uri')!
      for (const query of [
        '?code=stolen&state=wrong',
        '?error=access_denied',
        '?error=access_denied&state=x',
        '',
      ])
        seen.push((await fetch(callback + query)).status)
      return w.browser.openBrowser(address)
    }
    expect((await w.login()).header.method).toBe('browser')
    expect(seen).toEqual([400, 400, 400, 400])
  })

  test('tells of a browser that does not come by, and of a second one', async () => {
    const w = await world({ server: await start(), interactive: true })
    const { timeout } = AbortSignal
    const timer = vi.spyOn(AbortSignal, 'timeout')
    timer.mockImplementation((milliseconds) => timeout(milliseconds === 10_000 ? 10 : milliseconds))
    let page = ''
    w.host.openBrowser = async (address) => {
      page = address
      return true
    }
    const login = w.login()
    await expect.poll(() => w.warned).toHaveLength(1)
    timer.mockRestore()
    expect(w.warned).toEqual([`the browser did not reach ${new URL(page).host}; open the address above`])
    const { status, headers } = await fetch(page, { redirect: 'manual' })
    expect([status, headers.get('location')]).toEqual([
      303,
      w.said.join('\n').match(/http:\S+authorize\S+/)![0],
    ])
    const guess = page.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    expect((await fetch(guess)).status).toBe(404)
    expect(w.warned).toHaveLength(1)
    await scriptedBrowser().visit(page)
    expect((await login).header.method).toBe('browser')
    expect(w.warned[1]).toContain('was fetched a second time')
    await expect(fetch(page)).rejects.toThrow()
  })

  test.each([
    ['over SSH', { ssh: true, browserSet: true }, {}],
    ['in a container', { container: true, browserSet: true }, {}],
    ['in a remote editor', { browserSet: true }, { VSCODE_IPC_HOOK_CLI: '/tmp/vscode-ipc.sock' }],
  ])('opens the address itself where $BROWSER is of another machine: %s', async (_, where, env) => {
    const w = await world({ server: await start(), env })
    w.host.detectRuntimeEnvironment = () => ({ ...NOTHING, ...where })
    await w.login()
    expect(new URL(w.browser.opened[0]!).pathname).toBe('/authorize')
    await w.login('again', { browser: 'firefox' })
    expect(new URL(w.browser.opened[1]!).pathname).toMatch(/^\/start\/[0-9a-f]{32}$/)
  })

  test('by paste works while it listens, after a wrong one', async () => {
    const server = await start()
    const w = await world({ server, interactive: true, browser: false })
    let asked = 0
    w.host.terminal.readSecret = async () => {
      if (++asked === 1) return 'code=stolen&state=wrong'
      const url = w.said.join('\n').match(/http:\S+authorize\S+/)![0]
      return (await scriptedBrowser({ stopAtCallback: true }).visit(url)).url
    }
    expect((await w.login()).header.method).toBe('paste')
    expect(asked).toBe(2)
    expect(w.said.join('\n')).not.toContain('stolen')
  })

  test('that is not finished ends at its time, and frees its port', async () => {
    const w = await world({ server: await start(), browser: false })
    let port = 0
    const { listen } = w.host
    w.host.listen = async (options, handle) => {
      const listener = await listen(options, handle)
      port = listener.port
      return listener
    }
    w.host.openBrowser = async () => true
    w.host.sleep = async () => undefined
    expect(await failureOf(w.login())).toMatchObject({ code: 'login_required' })
    await expect(fetch(`http://127.0.0.1:${port}/callback`)).rejects.toThrow()
  })

  test('by device needs no listener', async () => {
    const server = await start({ device: { interval: 1, strictInterval: false } })
    const w = await world({ server })
    w.host.listen = () => Promise.reject(new Error('must not be called'))
    const login = w.login('work', { method: 'device' })
    await w.heard(/[A-Z]{4}-[A-Z]{4}/)
    server.decideDevice('approve')
    expect((await login).header.method).toBe('device')
  })

  test('over SSH takes the device code, says why, and how the browser would work', async () => {
    const server = await start({ device: { interval: 1, strictInterval: false } })
    const env = { SSH_CONNECTION: '10.0.0.9 50000 10.0.0.2 22', USER: 'ada' }
    const w = await world({ server, env, interactive: true })
    w.host.detectRuntimeEnvironment = () => ({ ...NOTHING, interactive: true, ssh: true, display: false })
    const { say } = w.host.terminal
    w.host.terminal.say = (text) => {
      say(text)
      if (/[A-Z]{4}-[A-Z]{4}/.test(text)) server.decideDevice('approve')
    }
    expect((await w.login()).header.method).toBe('device')
    expect(w.said.join('\n')).toMatch(/over SSH: .*code on any device/)
    const [, port] = /ssh -L (\d+):127\.0\.0\.1:\1 ada@10\.0\.0\.2/.exec(w.said.join('\n'))!
    expect(w.said.join('\n')).toContain(`--method browser --port ${port}`)
  })

  test('by token is checked with the server first, and a refused one leaves what was there', async () => {
    const server = await start({ personalTokens: ['pat-good'] })
    const w = await world({ server })
    await w.login('work', { method: 'token', token: new Secret('pat-good') })
    expect(await failureOf(w.login('work', { method: 'token', token: new Secret('pat-bad') }))).toMatchObject(
      {
        code: 'login_required',
      },
    )
    expect(await w.token()).toBe('pat-good')
    expect((await w.header()).renewable).toBe(false)
  })
})

describe('the name of an identity', () => {
  test('by static keys keeps them, has nothing to renew, and is no token', async () => {
    const cloud = defineProvider({
      id: 'cloud',
      title: 'Cloud',
      client: { register: [] },
      methods: ['keys'],
      keys: { cloud: 'aws' },
    })
    const keys = { access_key_id: 'AKIAEXAMPLE', secret_access_key: 'not-to-be-shown' }
    const w = await world({ providers: { cloud }, types: [JSON.stringify(keys)] })
    await w.daypass.login('cloud', { name: 'ops', method: 'keys' })
    expect(await w.header('ops')).toMatchObject({ method: 'keys', renewable: false })
    expect(inspect(await w.daypass.list(), { depth: 9 })).not.toContain('not-to-be-shown')
    const credential = await w.daypass.credential('ops')
    expect(credential).toMatchObject({ kind: 'keys', cloud: 'aws', accessKeyId: 'AKIAEXAMPLE' })
    expect(() => formatToken('ops', credential, 'plain')).toThrow('ops has cloud keys, not a token')
    expect(await w.daypass.refresh('ops')).toMatchObject({ outcome: 'nothing_to_renew' })
    expect(await failureOf(w.daypass.logout('ops'))).toMatchObject({
      code: 'usage',
      hint: 'daypass remove ops',
    })
  })

  test.each(['', 'AKIA not-to-be-shown', '{"access_key_id":"AKIA"}', '[]'])(
    'by static keys that are not both there is a mistake that is not quoted: %s',
    async (typed) => {
      const cloud = {
        ...builtIn.oidc!,
        id: 'cloud',
        methods: ['keys'] as const,
        keys: { cloud: 'aws' as const },
      }
      const w = await world({ providers: { cloud }, types: [typed] })
      const failure = await failureOf(w.daypass.login('cloud', { method: 'keys' }))
      expect(failure).toMatchObject({ code: 'usage' })
      expect(inspect(failure, { depth: 9 })).not.toMatch(/AKIA|not-to-be-shown/)
    },
  )

  test('that another account holds is kept for it, asked about on a terminal, and forced where it was said', async () => {
    const server = await start()
    const w = await world({ server })
    await w.login()
    const user = { sub: 'user-2', login: 'bob', email: 'bob@example.com', name: 'Bob' }
    const header = await w.header()
    const stranger = { ...header, account: { account: 'bob@example.com', principal: user.sub } }
    await w.vault.write({ ...(await w.vault.read('work'))!, header: stranger })
    const before = await w.refreshToken()
    const refused = await failureOf(w.login())
    expect(refused).toMatchObject({ code: 'usage', hint: expect.stringContaining('--force') })
    expect(server.stats().revocations).toBe(1)
    expect(await w.refreshToken()).toBe(before)
    const asking = await world({ server, vault: w.vault, interactive: true, confirms: false })
    expect(await failureOf(asking.login())).toMatchObject({ code: 'cancelled' })
    expect(asking.asked.at(-1)).toContain('bob@example.com')
    const agreeing = await world({ server, vault: w.vault, interactive: true, confirms: true })
    expect((await agreeing.login()).header.account?.principal).toBe('user-1')
    await w.vault.write({ ...(await w.vault.read('work'))!, header: stranger })
    expect((await w.login('work', { force: true })).header.account?.principal).toBe('user-1')
  })

  test('of another server or another provider is found out before anyone is sent to a browser', async () => {
    const [one, two] = [await start(), await start()]
    const w = await world({ server: one })
    await w.login()
    const requests = two.stats().requests
    const given = { params: { issuer: two.issuer }, clientId: two.clientId }
    expect(await failureOf(w.login('work', { given }))).toMatchObject({ code: 'usage' })
    expect(
      await failureOf(w.daypass.login('github', { name: 'work', given: { clientId: 'x' } })),
    ).toMatchObject({ code: 'usage' })
    expect(w.browser.opened).toHaveLength(1)
    expect(two.stats().requests).toBe(requests)
  })

  test.each(['__x', '../x', '', 'a b'])('%j is none', async (name) => {
    expect(await failureOf((await world({ server: await start() })).login(name))).toMatchObject({
      code: 'usage',
    })
  })
})

describe('what a login replaces', () => {
  test('does not keep the browser waiting while it is revoked', async () => {
    const server = await start()
    const { open: seen, opened: pageSeen } = gate()
    const w = await world({
      server,
      fetch: async (input, init) => {
        if (String(input).endsWith('/revoke')) await pageSeen
        return fetch(input, init)
      },
    })
    await w.login()
    const again = w.login()
    await expect.poll(() => w.browser.opened.length).toBe(2)
    // A page that waited for the revocation would never come.
    expect((await w.browser.visited()).body).toContain('You’re logged in')
    seen()
    await again
    expect(server.stats().revocations).toBe(1)
  })

  test('is left alone where revoking it would end the new one, too', async () => {
    const server = await start()
    const providers = {
      oidc: { ...builtIn.oidc!, tokens: { ...builtIn.oidc!.tokens, revocationEndsGrant: true } },
    }
    const w = await world({ server, providers })
    await w.login()
    await w.login()
    expect(server.stats().revocations).toBe(0)
  })

  test('is revoked after the new one is kept, at the server that issued it', async () => {
    const server = await start()
    const vault = createMemoryVault()
    const order: string[] = []
    const w = await world({
      server,
      vault: {
        ...vault,
        write: async (entry) => {
          await vault.write(entry)
          order.push('kept')
        },
      },
    })
    await w.login()
    server.on(({ type }) => void (type === 'revocation' && order.push('revoked')))
    await w.login()
    expect(order).toEqual(['kept', 'kept', 'revoked'])
    expect(await w.token()).toMatch(/^at_/)
    expect((await w.daypass.refresh('work', { force: true })).outcome).toBe('renewed')
  })

  test('is not missed when its server is gone: a warning, and the new one is kept', async () => {
    const [one, two] = [await start(), await start()]
    const w = await world({ server: one })
    await w.login()
    await one.close()
    const given = { params: { issuer: two.issuer }, clientId: two.clientId }
    await w.login('work', { given, force: true })
    expect(w.warned).toEqual([expect.stringContaining('could not be revoked')])
    expect((await w.header()).endpoints?.issuer).toBe(two.issuer)
  })

  test('goes to its own server only, and without the secret of the new client', async () => {
    const one = await start()
    const two = await start({
      clients: [{ id: 'web', secret: 's3cret', redirects: ['http://127.0.0.1/callback'] }],
    })
    const w = await world({ server: one })
    await w.login()
    const identity = { kind: 'oidc/user', issuer: two.issuer, client_id: 'web', client_secret: 's3cret' }
    const later = await world({
      vault: w.vault,
      config: { auth: { identities: { work: identity } } } as never,
    })
    await later.daypass.login('work', { force: true })
    const toOne = later.requests.filter(({ url }) => url.startsWith(one.issuer))
    expect(toOne.map(({ url }) => new URL(url).pathname)).toEqual(['/revoke'])
    expect(String(toOne[0]!.init?.body)).not.toContain('s3cret')
    expect(new Headers(toOne[0]!.init?.headers).has('authorization')).toBe(false)
  })

  test('a record that cannot be read is moved aside, and only by a login to that very name', async () => {
    const server = await start()
    const inner = createMemoryVault()
    const broken = new DaypassError('vault', 'the record cannot be opened')
    const aside: string[] = []
    let damaged = false
    const isBroken = (name: string) => damaged && name === 'work'
    const w = await world({
      server,
      vault: {
        ...inner,
        readCredential: (name) => (isBroken(name) ? Promise.reject(broken) : inner.readCredential(name)),
        read: (name) => (isBroken(name) ? Promise.reject(broken) : inner.read(name)),
        quarantine(name) {
          aside.push(name)
          damaged = false
          return inner.quarantine(name)
        },
      },
    })
    await w.login()
    damaged = true
    expect(await failureOf(w.daypass.credential('work'))).toBe(broken)
    await w.login('other')
    expect(aside).toEqual([])
    await w.login()
    expect(aside).toEqual(['work'])
    expect(w.warned).toEqual([expect.stringContaining('could not be read')])
  })
})

describe('the default', () => {
  test('is the only identity, unless the environment provides one of its provider', async () => {
    const server = await start()
    const w = await world({ server })
    expect((await w.login('one')).default).toBe('made')
    expect((await w.login('one')).default).toBe('already')
    expect((await w.login('two')).default).toBe('no')
    expect((await w.login('two', { setDefault: true })).default).toBe('made')
    const other = await world({ server, env: { GH_TOKEN: 'x' } })
    expect((await other.login('one')).default).toBe('made')
    const providers = {
      ...builtIn,
      oidc: defineProvider({ ...oidc, environment: { token: ['OIDC_TOKEN'] } }),
    }
    const same = await world({ server, providers, env: { OIDC_TOKEN: 'x' } })
    expect((await same.login('one')).default).toBe('no')
  })

  test('that the configuration names already is said to be so', async () => {
    const server = await start()
    const identities = { work: { kind: 'oidc/user', issuer: server.issuer, client_id: server.clientId } }
    const w = await world({ server, config: { default: 'work', auth: { identities } } as never })
    expect((await w.daypass.login('work')).default).toBe('already')
    expect(w.stored.default).toBeUndefined()
  })
})

describe('a login in two steps', () => {
  async function started(more = {}) {
    const server = await start({ device: false, ...more })
    const w = await world({ server })
    const begun = await w.daypass.startLogin('oidc', { name: 'work', given: w.given! })
    const come = async () => (await scriptedBrowser({ stopAtCallback: true }).visit(begun.url)).url
    return { server, w, begun, come }
  }

  test('listens on nothing, and is finished with what came back, once', async () => {
    const { w, begun, come } = await started()
    const pasted = await come()
    expect(await w.daypass.finishLogin(begun.id)).toBeUndefined()
    expect(await w.daypass.finishLogin(begun.id, { pasted })).toMatchObject({ header: { method: 'paste' } })
    expect(await failureOf(w.daypass.finishLogin(begun.id, { pasted }))).toMatchObject({ code: 'not_found' })
    expect(await w.vault.sealed.names()).toEqual([])
  })

  test('a wrong state is a mistake, and the login stays pending', async () => {
    const { w, begun, come, server } = await started()
    const wrong = `${await come()}`.replace(/state=[^&]+/, 'state=wrong')
    expect(await failureOf(w.daypass.finishLogin(begun.id, { pasted: wrong }))).toMatchObject({
      code: 'usage',
    })
    expect(server.stats().by.code ?? 0).toBe(0)
    expect(await w.daypass.finishLogin(begun.id, { pasted: await come() })).toBeDefined()
  })

  test('that was not finished is deleted by the next login', async () => {
    const { w } = await started()
    w.advance(16 * 60_000)
    await w.login('another')
    expect(await w.vault.sealed.names()).toEqual([])
  })

  test('is gone after fifteen minutes, also for those who never come back', async () => {
    const { w, begun, come } = await started()
    const pasted = await come()
    w.advance(15 * 60_000)
    expect(await failureOf(w.daypass.finishLogin(begun.id, { pasted }))).toMatchObject({ code: 'not_found' })
    await w.daypass.startLogin('oidc', { name: 'a', given: w.given! })
    w.advance(16 * 60_000)
    await w.daypass.startLogin('oidc', { name: 'b', given: w.given! })
    expect(await w.vault.sealed.names()).toHaveLength(1)
  })

  test('two who finish it at once exchange its code once', async () => {
    const { w, begun, come, server } = await started()
    const pasted = await come()
    const both = await Promise.allSettled([1, 2].map(() => w.daypass.finishLogin(begun.id, { pasted })))
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(server.stats()).toMatchObject({ exchanges: 1, reuses: 0 })
  })

  test('waits for the browser on the port that its URL names', async () => {
    const { w, begun } = await started()
    const { listen } = w.host
    w.host.listen = async (options, handle) => {
      const listener = await listen(options, handle)
      void w.browser.openBrowser(begun.url)
      return listener
    }
    expect(await w.daypass.finishLogin(begun.id, { wait: 60_000 })).toMatchObject({
      header: { method: 'browser' },
    })
    expect((await w.browser.visited()).status).toBe(200)
  })

  test('is pending again when the wait is over', async () => {
    const { w, begun, come } = await started()
    expect(await w.daypass.finishLogin(begun.id, { wait: 1000 })).toBeUndefined()
    expect(await w.daypass.finishLogin(begun.id, { pasted: await come() })).toBeDefined()
  })

  test('by device that is denied is over, and cannot be finished again', async () => {
    const server = await start({ device: { interval: 1, strictInterval: false } })
    const w = await world({ server })
    const begun = await w.daypass.startLogin('oidc', { name: 'work', given: w.given! })
    server.decideDevice('deny', begun.userCode)
    expect(await failureOf(w.daypass.finishLogin(begun.id))).toMatchObject({ code: 'refused' })
    expect(await failureOf(w.daypass.finishLogin(begun.id))).toMatchObject({ code: 'not_found' })
  })

  test('by device is finished by the second look', async () => {
    const server = await start({ device: { interval: 1, strictInterval: false } })
    const w = await world({ server })
    const begun = await w.daypass.startLogin('oidc', { name: 'work', given: w.given! })
    expect(begun.userCode).toMatch(/^[A-Z]{4}-[A-Z]{4}$/)
    expect(await w.daypass.finishLogin(begun.id)).toBeUndefined()
    server.decideDevice('approve', begun.userCode)
    expect(await w.daypass.finishLogin(begun.id)).toMatchObject({ header: { method: 'device' } })
  })

  test('nothing of it lies in clear', async () => {
    const { w, begun } = await started()
    expect(inspect(begun, { depth: 5 })).not.toContain('verifier')
    expect(begun.id).toMatch(/^[0-9a-f]{16}$/)
    expect((await w.vault.list()).map(({ name }) => name)).toEqual([])
  })
})

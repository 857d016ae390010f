/** Logging in to an API of Laravel Passport, using it, and logging out again. */
import { type AddressInfo, createServer } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { passport } from '../../src/providers/index.ts'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { createMemoryVault } from '../../src/vault/open-vault.ts'
import { REDIRECTS } from '../stand-ins/passport/server.ts'
import { failureOf, NOTHING, world } from './client-context.ts'
import { api, PAT, shop } from './passport-context.ts'

const MINUTE = 60_000

describe('a login by browser', () => {
  test('keeps who it is, in which tenant, and where; all of it is there offline', async () => {
    const w = await shop()
    const outcome = await w.login()
    expect(outcome).toMatchObject({ default: 'made', header: { kind: 'passport/user', method: 'browser' } })
    expect(outcome.header.params).toMatchObject({ api_url: w.passport.apiUrl, tenant: 'acme' })
    expect(outcome.header.account).toEqual({
      account: 'ada@example.com',
      principal: '7',
      nameOfPerson: 'Ada Lovelace',
      email: 'ada@example.com',
    })
    const asked = w.requests.length
    expect((await w.daypass.status('shop')).row).toMatchObject({ tenant: 'acme', account: 'ada@example.com' })
    expect(w.requests).toHaveLength(asked)
    expect(w.passport.stats()).toMatchObject({
      codes: 1,
      exchanges: 1,
      by: { authorize: 1, code: 1, userinfo: 1 },
    })
  })

  test('asks with nothing but what the server wants, and comes back to a registered address', async () => {
    const w = await shop()
    await w.login()
    const asked = await w.requested()
    expect(asked.pathname).toBe('/oauth/authorize')
    expect([...asked.searchParams.keys()].sort()).toEqual([
      'client_id',
      'code_challenge',
      'code_challenge_method',
      'redirect_uri',
      'response_type',
      'state',
    ])
    expect(REDIRECTS).toContain(asked.searchParams.get('redirect_uri'))
    await w.login({ given: { ...w.at().given, scopes: ['orders'] } })
    expect((await w.requested()).searchParams.get('scope')).toBe('orders')
  })

  test.each([
    ['wrapped in data', true],
    ['bare', false],
  ])('reads a profile that is %s', async (_, wrapped) => {
    const w = await shop({ wrapped })
    expect((await w.login()).header.account).toMatchObject({ email: 'ada@example.com' })
  })

  test('outlives a profile that cannot be had', async () => {
    const w = await shop()
    w.passport.failNext({ endpoint: 'userinfo', status: 500 })
    expect((await w.login()).header.account).toBeUndefined()
    expect((await w.orders('shop'))[0]).toBe(200)
  })

  test('that the person denies, or that asks for an unknown scope, is refused', async () => {
    const w = await shop({ consent: 'deny' })
    expect(await failureOf(w.login())).toMatchObject({ code: 'refused' })
    w.passport.setConsent('approve')
    const given = { ...w.at().given, scopes: ['everything'] }
    expect(await failureOf(w.login({ given }))).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('invalid_scope'),
    })
    expect(await w.vault.names()).toEqual([])
  })

  test('takes the first free port of the list, and names all of them and a holder where none is', async () => {
    const taken = [await taker(), await taker()]
    const ports = taken.map(({ port }) => port)
    const [free] = passport.authorization.redirect.ports
    const withPorts = (...ports: number[]) => ({
      providers: {
        passport: {
          ...passport,
          authorization: {
            ...passport.authorization,
            redirect: { ...passport.authorization.redirect, ports },
          },
        },
      },
    })
    const w = await shop({}, withPorts(ports[0]!, free!, 8766, 8767))
    await w.login()
    expect(REDIRECTS).toContain((await w.requested()).searchParams.get('redirect_uri'))
    const none = await shop({}, withPorts(...ports))
    const failure = await failureOf(none.login())
    expect(failure.code).toBe('port')
    // Who holds it is looked for in half a second, which a busy machine may not have.
    const holder = `(held by .+ \\(pid ${process.pid}\\)|in use)`
    expect(failure.message).toMatch(
      new RegExp(
        `^cannot listen on 127.0.0.1: port ${ports[0]} is ${holder}, port ${ports[1]} is ${holder}$`,
      ),
    )
    expect(none.passport.stats().codes).toBe(0)
  })

  test('whose server has fewer redirects registered ends there, in the browser', async () => {
    const w = await shop({ redirects: ['http://127.0.0.1:1234/callback'] })
    w.host.openBrowser = async (url) => {
      const { status, body } = await scriptedBrowser().visit(url)
      expect([status, JSON.parse(body).error]).toEqual([401, 'invalid_client'])
      return true
    }
    w.host.sleep = async () => undefined
    expect(await failureOf(w.login())).toMatchObject({ code: 'login_required' })
  })
})

/** Holds a port until the test ends. */
async function taker(): Promise<{ port: number }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return server.address() as AddressInfo
}

describe('what a login has to know', () => {
  test('is the API, which only AutoCom has a usual one of', async () => {
    const w = await shop()
    expect(await failureOf(w.daypass.login('passport'))).toMatchObject({
      code: 'usage',
      hint: 'daypass login passport --api-url https://api.example.com/api/v1',
    })
    expect(w.requests).toEqual([])
    expect(await failureOf(w.daypass.login('autocom'))).toMatchObject({
      code: 'usage',
      message: 'no client id is known for AutoCom (autocom.wexron.io)',
    })
  })

  test.each(['not a URL', 'ftp://api.example.com', 'https://ada:secret@api.example.com', 'https://x/?a=b'])(
    'is no API: %s',
    async (api_url) => {
      const w = await shop()
      const failure = await failureOf(w.login(w.at({ api_url })))
      expect(failure).toMatchObject({ code: 'usage', message: expect.stringContaining('api_url is to be') })
      expect(failure.message).not.toContain('ada:secret')
      expect(w.requests).toEqual([])
    },
  )

  test('is no API that anyone on the way could read', async () => {
    const w = await shop()
    expect(await failureOf(w.login(w.at({ api_url: 'http://api.example.com' })))).toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('must be https'),
    })
  })

  test.each(['a b', 'acme\r\nx-admin: 1', 'ä', ''])('is no tenant: %j', async (tenant) => {
    const w = await shop()
    expect(await failureOf(w.login(w.at({ tenant })))).toMatchObject({ code: 'usage' })
    expect(w.requests).toEqual([])
  })

  test('is a client id: by flag, by environment, by configuration, or not at all', async () => {
    const { apiUrl: api_url, clientId } = await api()
    const own = (client_id?: string) => ({
      auth: {
        identities: {
          shop: { kind: 'autocom/user', api_url, tenant: 'acme', ...(client_id && { client_id }) },
        },
      },
    })
    const used = async (options: Parameters<typeof world>[0], flag?: string) => {
      const w = await world(options)
      const outcome = w.daypass.login('shop', flag === undefined ? {} : { given: { clientId: flag } })
      return [await outcome.then(({ header }) => header.clientId).catch((error) => error.hint)]
    }
    const env = { AUTOCOM_CLIENT_ID: clientId }
    expect(
      await used({ config: own('of-the-file'), env: { AUTOCOM_CLIENT_ID: 'of-the-environment' } }, clientId),
    ).toEqual([clientId])
    expect(await used({ config: own('of-the-file'), env })).toEqual([clientId])
    expect(await used({ config: own('of-the-file'), env: { DAYPASS_AUTOCOM_CLIENT_ID: clientId } })).toEqual([
      clientId,
    ])
    expect(await used({ config: own(clientId) })).toEqual([clientId])
    const [steps] = await used({ config: own() })
    expect(steps).toContain(
      'php artisan passport:client --public --redirect_uri="http://127.0.0.1:8765/callback,',
    )
    expect(steps).toContain('--client-id ID, AUTOCOM_CLIENT_ID, or client_id in config.yaml')
  })
})

test('the secret of a client goes to no other API than its own', async () => {
  const [own, other] = [await api(), await api()]
  const identity = {
    kind: 'passport/user',
    api_url: `${own.url}/`,
    client_id: own.clientId,
    client_secret: 'of-the-client',
    tenant: 'acme',
  }
  const w = await world({ config: { auth: { identities: { shop: identity } } } })
  const sent = () => w.requests.some(({ init }) => String(init?.body).includes('of-the-client'))
  await w.daypass.login('shop', { given: { params: { api_url: other.apiUrl } } })
  expect([sent(), other.stats().exchanges]).toEqual([false, 1])
  // This stand-in has public clients alone, and says so.
  await failureOf(w.daypass.login('shop', { force: true }))
  expect([sent(), own.stats().exchanges]).toEqual([true, 0])
})

describe('a login by paste', () => {
  const pasting = async (redirects?: readonly string[], paste_redirect_uri?: string) => {
    const passport = await api({ ...(redirects && { redirects }) })
    const { apiUrl: api_url, clientId: client_id } = passport
    const identity = {
      kind: 'passport/user',
      api_url,
      client_id,
      tenant: 'acme',
      ...(paste_redirect_uri && { paste_redirect_uri }),
    }
    const types: string[] = []
    const w = await world({ config: { auth: { identities: { shop: identity } } }, types, browser: false })
    const address = async () => (await w.heard(/http\S+\/oauth\/authorize\S+/))[0]
    return { ...w, passport, address }
  }
  const OOB = 'urn:ietf:wg:oauth:2.0:oob'

  test('takes the address of the page that could not be reached', async () => {
    const w = await pasting()
    w.host.terminal.readSecret = async () =>
      (await scriptedBrowser({ stopAtCallback: true }).visit(await w.address())).url
    expect((await w.daypass.login('shop', { method: 'paste' })).header).toMatchObject({
      method: 'paste',
      account: { email: 'ada@example.com' },
    })
    expect(new URL(await w.address()).searchParams.get('redirect_uri')).toBe(REDIRECTS[0])
  })

  test('takes the bare code of it', async () => {
    const w = await pasting()
    w.host.terminal.readSecret = async () =>
      new URL(
        (await scriptedBrowser({ stopAtCallback: true }).visit(await w.address())).url,
      ).searchParams.get('code')!
    expect((await w.daypass.login('shop', { method: 'paste' })).header.method).toBe('paste')
  })

  test('uses the page that shows the code, where the definition lists it, and the loopback for a browser', async () => {
    const w = await pasting([...REDIRECTS, OOB], OOB)
    const shown = async () =>
      (await scriptedBrowser().visit(await w.address())).body.match(/paste">([^<]+)</)![1]!
    w.host.terminal.readSecret = async (prompt) => {
      expect(prompt).toBe('Paste the code that the page shows, and press Enter:')
      return shown()
    }
    expect((await w.daypass.login('shop', { method: 'paste' })).header.method).toBe('paste')
    expect(new URL(await w.address()).searchParams.get('redirect_uri')).toBe(OOB)
    const { id, url, pasted } = await w.daypass.startLogin('shop')
    expect(pasted).toBe(true)
    const code = (await scriptedBrowser().visit(url)).body.match(/paste">([^<]+)</)![1]!
    expect((await w.daypass.finishLogin(id, { pasted: code }))!.header.method).toBe('paste')
    const browser = scriptedBrowser()
    w.host.openBrowser = (url) => browser.openBrowser(url)
    expect((await w.daypass.login('shop', { method: 'browser' })).header.method).toBe('browser')
    expect((await browser.visited()).url).toMatch(/^http:\/\/127/)
  })
})

describe('a personal access token', () => {
  test('is checked within its tenant, kept, and valid until it is revoked', async () => {
    const w = await shop()
    const { header } = await w.byToken()
    expect(header).toMatchObject({ method: 'token', renewable: false, account: { email: 'ada@example.com' } })
    expect(header.expiresAt).toBeUndefined()
    w.advance(400 * 24 * 60 * MINUTE)
    expect(await w.token()).toBe(PAT)
    expect((await w.daypass.status('shop')).row).toMatchObject({ state: 'valid', expires_at: null })
    await w.daypass.check('shop')
  })

  test.each([
    ['is refused', {}, 'nobody-knows-this-one'],
    ['is of a stranger to the tenant', { tenant: 'umbrella' }, PAT],
  ])('that %s is a login that is needed, and changes nothing', async (_, params, token) => {
    const w = await shop()
    await w.byToken()
    const before = inspect(await w.vault.read('shop'), { depth: 9 })
    expect(await failureOf(w.byToken(token, { ...w.at(params) }))).toMatchObject({ code: 'login_required' })
    expect(inspect(await w.vault.read('shop'), { depth: 9 })).toBe(before)
    expect(await w.token()).toBe(PAT)
  })

  test('of whose tenant nothing is said is refused in the words of the server', async () => {
    const w = await shop()
    const { apiUrl: api_url } = w.passport
    expect(await failureOf(w.byToken(PAT, { given: { params: { api_url } } }))).toMatchObject({
      code: 'login_required',
      message: expect.stringContaining('The X-Tenant header is required.'),
    })
  })

  test('needs no client id', async () => {
    const w = await shop()
    const { apiUrl: api_url } = w.passport
    const given = { params: { api_url, tenant: 'acme' } }
    expect((await w.byToken(PAT, { given })).header.method).toBe('token')
  })
})

describe('the name that was not given', () => {
  test('is that of the API, and each environment has its own', async () => {
    const one = await shop()
    const other = await api()
    const names = []
    for (const [api_url, clientId] of [
      [one.passport.apiUrl, one.passport.clientId],
      [other.url, other.clientId],
    ] as const) {
      const given = { clientId, params: { api_url, tenant: 'acme' } }
      names.push((await one.daypass.login('passport', { given })).header.name)
    }
    const nameOf = (url: string) => new URL(url).host.replace(':', '-')
    expect(names).toEqual([nameOf(one.passport.url), nameOf(other.url)])
  })

  test('is that of the environment variable, which is asked where it is not configured', async () => {
    const passport = await api()
    const env = {
      AUTOCOM_API_URL: passport.url,
      AUTOCOM_TENANT: 'globex',
      AUTOCOM_CLIENT_ID: passport.clientId,
    }
    const w = await world({ env })
    const { header } = await w.daypass.login('autocom')
    expect(header).toMatchObject({
      name: new URL(passport.url).host.replace(':', '-'),
      params: { api_url: passport.apiUrl, tenant: 'globex' },
    })
  })

  test('a name that another API holds is never replaced in silence', async () => {
    const w = await shop()
    await w.login()
    const other = await api()
    const there = { given: { clientId: other.clientId, params: { api_url: other.apiUrl, tenant: 'acme' } } }
    expect(await failureOf(w.login(there))).toMatchObject({
      code: 'usage',
      message: expect.stringContaining(`shop was logged in at ${new URL(w.passport.url).host}`),
      hint: expect.stringContaining('--name'),
    })
    await w.login({ ...there, force: true })
    expect((await w.header()).params.api_url).toBe(other.apiUrl)
  })
})

describe('a renewal', () => {
  test('happens by itself, once, and spends each refresh token once', async () => {
    const w = await shop()
    await w.login()
    const seen = new Set([await w.token()])
    for (let hour = 1; hour <= 3; hour++) {
      w.advance(59 * MINUTE + 10_000)
      const tokens = await Promise.all(Array.from({ length: 12 }, () => w.token()))
      seen.add(tokens[0]!)
      expect(new Set(tokens).size).toBe(1)
      expect((await w.orders('shop'))[0]).toBe(200)
    }
    expect(seen.size).toBe(4)
    expect(w.passport.stats()).toMatchObject({ refreshes: 3, reuses: 0 })
  })

  test('gets a new token for one that another process has renewed away', async () => {
    const vault = createMemoryVault()
    const w = await shop({}, { vault })
    await w.login()
    const old = await w.daypass.credential('shop')
    await w.daypass.refresh('shop', { force: true })
    expect(await w.token()).not.toBe(old.kind === 'bearer' && old.token.reveal())
    expect((await w.orders('shop'))[0]).toBe(200)
    expect(w.passport.stats()).toMatchObject({ refreshes: 1, reuses: 0 })
  })

  test.each([8, 9] as const)(
    'that release %i of the server refuses ends the login: exit 4',
    async (release) => {
      const w = await shop({ release })
      await w.login()
      w.passport.revokeAll()
      w.advance(60 * MINUTE)
      expect(await failureOf(w.daypass.credential('shop'))).toMatchObject({
        code: 'login_required',
        message: expect.stringContaining('Token has been revoked'),
        hint: 'daypass login shop',
      })
      expect((await w.daypass.status('shop')).row.state).toBe('login_required')
      // Once is enough: nobody asks again with it.
      expect(await failureOf(w.daypass.credential('shop'))).toMatchObject({ code: 'login_required' })
      expect(w.passport.stats().by.refresh).toBe(1)
    },
  )

  test('that the server finds malformed is no end of the login', async () => {
    const w = await shop()
    await w.login()
    const first = await w.token()
    w.advance(60 * MINUTE)
    w.passport.failNext({ endpoint: 'refresh', status: 400, body: '{"error":"invalid_request"}' })
    expect(await failureOf(w.daypass.credential('shop'))).toMatchObject({ code: 'refused' })
    const second = await w.token()
    expect(w.passport.issued()).toContain(second)
    expect(second).not.toBe(first)
  })
})

describe('a request of the library', () => {
  test('has the token, the tenant and what it takes, unless the caller says otherwise', async () => {
    const w = await shop()
    await w.login()
    expect(await w.orders('shop')).toEqual([200, { data: { tenant: 'acme', orders: [] } }])
    expect((await w.orders('shop', { headers: { 'X-Tenant': 'globex' } }))[1].data!.tenant).toBe('globex')
    const { status } = await w.daypass.fetch('shop')(`${w.passport.apiUrl}/orders`, {
      headers: { Accept: 'text/html' },
      redirect: 'manual',
    })
    expect(status).toBe(302)
  })

  test('goes nowhere else', async () => {
    const w = await shop()
    await w.login()
    expect(await failureOf(w.daypass.fetch('shop')('https://example.com/'))).toMatchObject({
      code: 'refused',
    })
  })

  test('renews a token that the server no longer takes, once', async () => {
    const w = await shop()
    await w.login()
    w.passport.failNext({ endpoint: 'resource', status: 401, body: '{"message":"Unauthenticated."}' })
    expect((await w.orders('shop'))[0]).toBe(200)
    expect(w.passport.stats()).toMatchObject({ refreshes: 1, reuses: 0 })
  })

  test('is made with the token of the environment, in the tenant of the environment', async () => {
    const passport = await api()
    const w = await world({
      env: { PASSPORT_TOKEN: PAT, PASSPORT_API_URL: passport.url, PASSPORT_TENANT: 'globex' },
    })
    const answer = await w.daypass.fetch()(`${passport.apiUrl}/orders`)
    expect(await answer.json()).toEqual({ data: { tenant: 'globex', orders: [] } })
    expect(await w.vault.names()).toEqual([])
    expect(await failureOf(w.daypass.fetch()('https://example.com/'))).toMatchObject({ code: 'refused' })
  })
})

test('a token of the environment that stands in for an identity goes where the environment says', async () => {
  const [own, other] = [await api(), await api({ personalTokens: ['of-the-environment'] })]
  const env = { AUTOCOM_TOKEN: 'of-the-environment', AUTOCOM_API_URL: other.url, AUTOCOM_TENANT: 'globex' }
  const config = {
    auth: { identities: { shop: { kind: 'autocom/user', api_url: own.url, tenant: 'acme' } } },
    default: 'shop',
  }
  const w = await world({ config, env })
  expect((await w.daypass.definition()).params).toEqual({ api_url: other.apiUrl, tenant: 'globex' })
  expect((await w.daypass.definition('shop')).params).toEqual({ api_url: own.apiUrl, tenant: 'acme' })
  expect((await w.daypass.fetch()(`${other.apiUrl}/orders`)).status).toBe(200)
  expect((await w.daypass.tenants()).map(({ slug }) => slug)).toEqual(['acme', 'globex'])
  expect(await failureOf(w.daypass.fetch()(`${own.apiUrl}/orders`))).toMatchObject({ code: 'refused' })
  expect(own.stats().by).toEqual({})
})

describe('a logout', () => {
  test('forgets the tokens, keeps where they were for, and says that they live on there', async () => {
    const w = await shop()
    await w.login()
    expect(await w.daypass.logout('shop')).toMatchObject({
      revocation: { outcome: 'unsupported' },
      wasDefault: true,
    })
    expect((await w.vault.read('shop'))!.grant).toBeUndefined()
    const { params, loginRequired } = await w.header()
    expect([params.api_url, params.tenant, loginRequired]).toEqual([
      w.passport.apiUrl,
      'acme',
      'it was logged out',
    ])
    expect((await w.daypass.login('shop')).header.params).toEqual(params)
  })

  test('revokes where its operator has added that', async () => {
    const passport = await api({ revocation: true })
    const { apiUrl: api_url, clientId: client_id, url } = passport
    const endpoints = { revocation: `${url}/oauth/revoke` }
    const identity = { kind: 'passport/user', api_url, client_id, tenant: 'acme', endpoints }
    const w = await world({ config: { auth: { identities: { shop: identity } } } })
    await w.daypass.login('shop')
    expect(await w.daypass.logout('shop')).toMatchObject({ revocation: { outcome: 'revoked' } })
    expect(passport.stats().revocations).toBe(1)
  })
})

test('a code for another device is offered only where its endpoint is configured', async () => {
  const w = await shop()
  expect(await failureOf(w.login({ method: 'device' }))).toMatchObject({
    code: 'usage',
    message: 'the method device is not offered here, only browser, paste, token',
  })
  const { apiUrl: api_url, clientId: client_id, url } = w.passport
  const endpoints = { device: `${url}/oauth/device/code` }
  const identity = { kind: 'passport/user', api_url, client_id, endpoints }
  const configured = await world({ config: { auth: { identities: { shop: identity } } }, interactive: true })
  configured.host.detectRuntimeEnvironment = () => ({ ...NOTHING, interactive: true, display: false })
  expect(await failureOf(configured.daypass.login('shop'))).toMatchObject({
    message: expect.stringContaining('404'),
  })
  expect(configured.requests.map(({ url }) => url)).toEqual([endpoints.device])
})

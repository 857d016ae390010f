import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import * as oauth from 'oauth4webapi'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { buildNextRequest } from '../../src/testing/browser-form.ts'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { BROWSER, sandbox } from '../kit/cli.ts'
import { type OidcProvider, type OidcProviderOptions, startOidcProvider } from '../kit/oidc-provider.ts'
import { attempt, discover, pollDevice, refresh, refusalOf, revoke, startDevice } from './client.ts'
import { start } from './servers.ts'

const open: { close(): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

async function provider(options?: OidcProviderOptions): Promise<OidcProvider> {
  const started = await startOidcProvider(options)
  open.push(started)
  return started
}

/** A program's loopback listener: any port, one page. */
async function listener(): Promise<string> {
  const server = createServer(
    (_, response) => void response.setHeader('x-page', 'mine').end('you may close this'),
  )
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  open.push({ close: () => new Promise((resolve) => void server.close(() => resolve())) })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`
}

async function authorization({ issuer, clientId }: OidcProvider) {
  const as = await discover(issuer)
  const [redirect, verifier, state] = [await listener(), oauth.generateRandomCodeVerifier(), 'the-state']
  const challenge = await oauth.calculatePKCECodeChallenge(verifier)
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
  const common = { client_id: clientId, response_type: 'code', redirect_uri: redirect, scope: 'openid email' }
  const query = new URLSearchParams({ ...common, state, ...pkce })
  const client: oauth.Client = { client_id: clientId, id_token_signed_response_alg: 'ES256' }
  return { as, client, url: `${as.authorization_endpoint}?${query}`, redirect, verifier, state }
}

type Begun = Awaited<ReturnType<typeof authorization>>

async function exchange({ as, client, redirect, verifier, state }: Begun, called: string) {
  const parameters = oauth.validateAuthResponse(as, client, new URL(called), state)
  const insecure = { [oauth.allowInsecureRequests]: true }
  const request = oauth.authorizationCodeGrantRequest
  const response = await request(as, client, oauth.None(), parameters, redirect, verifier, insecure)
  return oauth.processAuthorizationCodeResponse(as, client, response)
}

describe('against the real oidc-provider', () => {
  test('signs in, consents, and sees the program’s page', async () => {
    const begun = await authorization(await provider())
    const visit = await scriptedBrowser({ user: 'grace' }).visit(begun.url)
    expect(visit).toMatchObject({ status: 200, body: 'you may close this' })
    expect(visit.headers['x-page']).toBe('mine')
    const tokens = await exchange(begun, visit.url)
    expect(oauth.getValidatedIdTokenClaims(tokens)?.sub).toBe('grace')
  })

  test('says no', async () => {
    const begun = await authorization(await provider())
    const visit = await scriptedBrowser({ decision: 'deny' }).visit(begun.url)
    expect(new URL(visit.url).searchParams.get('error')).toBe('access_denied')
  })

  test('a spent refresh token ends the login, and it is counted', async () => {
    const real = await provider()
    const begun = await authorization(real)
    const tokens = await exchange(begun, (await scriptedBrowser().visit(begun.url)).url)
    const next = await refresh(begun, tokens.refresh_token)
    expect(await refusalOf(refresh(begun, tokens.refresh_token))).toBe('invalid_grant')
    expect(await refusalOf(refresh(begun, next.refresh_token))).toBe('invalid_grant')
    expect(real.stats()).toMatchObject({ exchanges: 1, refreshes: 1, refusals: 2, deadGrants: 1 })
  })

  test('approves a device, or refuses it', async () => {
    const real = await provider()
    const party = { as: await discover(real.issuer), client: { client_id: real.deviceClientId } }
    const begun = await startDevice(party)
    expect(await refusalOf(pollDevice(party, begun.device_code))).toBe('authorization_pending')
    const visit = await scriptedBrowser().visit(begun.verification_uri_complete!)
    expect(visit.body).toContain('Sign-in Success')
    const refused = await startDevice(party)
    await scriptedBrowser({ decision: 'deny' }).visit(refused.verification_uri_complete!)
    expect(await refusalOf(pollDevice(party, refused.device_code))).toBe('access_denied')
    const client = { ...party.client, id_token_signed_response_alg: 'ES256' }
    expect((await pollDevice({ ...party, client }, begun.device_code)).access_token).toMatch(/^[\w-]{20,}$/)
  })

  test('options: no refresh token, no discovery, short access tokens', async () => {
    const begun = await authorization(await provider({ refreshTokens: false, accessTokenTtl: 2 }))
    const tokens = await exchange(begun, (await scriptedBrowser().visit(begun.url)).url)
    expect(tokens).toMatchObject({ expires_in: 2 })
    expect(tokens.refresh_token).toBeUndefined()
    const { issuer } = await provider({ discovery: false })
    expect((await fetch(`${issuer}/.well-known/openid-configuration`)).status).toBe(404)
  })

  test('PKCE is required', async () => {
    const url = new URL((await authorization(await provider())).url)
    for (const name of ['code_challenge', 'code_challenge_method']) url.searchParams.delete(name)
    const visit = await scriptedBrowser().visit(url.href)
    expect(new URL(visit.url).searchParams.get('error')).toBe('invalid_request')
  })
})

describe('against the strict server', () => {
  test('stops in front of the callback where the code is pasted', async () => {
    const begun = await attempt(await start({ consent: 'form' }))
    const visit = await scriptedBrowser({ stopAtCallback: true }).visit(begun.url.href)
    expect([visit.status, new URL(visit.url).searchParams.has('code')]).toEqual([0, true])
    expect(visit.trail).toHaveLength(3)
  })

  test('shows what has to be pasted', async () => {
    const server = await start()
    const visit = await scriptedBrowser().visit(`${server.issuer}/paste?code=c%3Cd&state=s`)
    expect(visit.body).toContain('c&lt;d#s')
  })

  test('in place of the opener: returns at once, and the end can be awaited', async () => {
    const { url } = await attempt(await start())
    url.searchParams.set('redirect_uri', await listener())
    const browser = scriptedBrowser()
    const visited = browser.visited()
    expect(await browser.openBrowser(url.href)).toBe(true)
    expect(await visited).toMatchObject({ status: 200, body: 'you may close this' })
    expect(browser.opened).toEqual([url.href])
  })

  test('as a program for $BROWSER', async () => {
    const { url } = await attempt(await start({ consent: 'form' }))
    url.searchParams.set('redirect_uri', await listener())
    const box = sandbox()
    const log = join(box.home, 'visits')
    const result = await box.run([url.href], { program: [BROWSER], env: { SCRIPTED_BROWSER_LOG: log } })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(readFileSync(log, 'utf8'))).toMatchObject({ status: 200, body: 'you may close this' })
    const env = { SCRIPTED_BROWSER: 'fail' }
    expect((await box.run([url.href], { program: [BROWSER], env })).code).toBe(3)
    await box.remove()
  })
})

test('a sign-in that never ends is an error, and so is a page that never comes', async () => {
  const server = createServer(({ url }, response) => {
    if (url !== '/silent') response.writeHead(302, { location: '/round' }).end()
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await expect(scriptedBrowser().visit(`${issuer}/`)).rejects.toThrow('the sign-in does not end')
  await expect(scriptedBrowser({ timeout: 50 }).visit(`${issuer}/silent`)).rejects.toThrow('abort')
  server.closeAllConnections()
  server.close()
})

test('a form is filled as a person would: hints stay, hidden fields stay, the right button is pressed', () => {
  const html = `<form action="/go?a=1&amp;b=2" method='post'><input type=hidden name=csrf value="x&quot;y">
    <input name="login" value="hinted"><input type="email" name="mail"><input type="password" name="pass">
    <button name="do" value="cancel">No</button><button name="do" value="go">Yes</button></form>`
  const answers = { user: 'ada', password: 'secret' }
  const yes = buildNextRequest(html, 'http://a.test/x', { ...answers, decision: 'approve' })
  expect(yes).toMatchObject({ method: 'POST', url: 'http://a.test/go?a=1&b=2' })
  expect(Object.fromEntries(yes!.fields)).toEqual({
    csrf: 'x"y',
    login: 'hinted',
    mail: 'ada',
    pass: 'secret',
    do: 'go',
  })
  expect(buildNextRequest(html, 'http://a.test/x', { ...answers, decision: 'deny' })?.fields.get('do')).toBe(
    'cancel',
  )
  expect(buildNextRequest('<p>done</p>', 'http://a.test/x', { ...answers, decision: 'deny' })).toBeUndefined()
})

test('the kit’s oidc-provider logs nothing, from its start to a revocation', async () => {
  const said = [vi.spyOn(console, 'warn'), vi.spyOn(console, 'info')]
  const begun = await authorization(await provider())
  const tokens = await exchange(begun, (await scriptedBrowser().visit(begun.url)).url)
  await revoke(begun, tokens.refresh_token!)
  expect(await refusalOf(refresh(begun, tokens.refresh_token))).toBe('invalid_grant')
  expect(said.flatMap((spy) => spy.mock.calls)).toEqual([])
  for (const spy of said) spy.mockRestore()
})

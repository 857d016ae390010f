/** A login as a person sees it: the spawned program, a real browser, the pages of the provider and ours. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CDPSession, Page } from 'playwright-core'
import { afterEach, expect, type TestContext, test } from 'vitest'
import { startAuthorizationServer } from '../../src/testing/index.ts'
import { at, box } from '../cli/story.ts'
import { realBrowser, SHOTS } from '../kit/chromium.ts'
import type { Sandbox } from '../kit/cli.ts'
import { startOidcProvider } from '../kit/oidc-provider.ts'
import { hang } from '../login/sockets.ts'

const browserOf = realBrowser()

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

interface Server {
  issuer: string
  clientId: string
  close(): Promise<void>
}

async function tab(context: TestContext): Promise<{ page: Page; cdp: CDPSession; complaints: string[] }> {
  const own = await browserOf(context).newContext({ viewport: { width: 1000, height: 700 } })
  closing.push(() => own.close())
  const page = await own.newPage()
  const complaints: string[] = []
  // The provider's own pages are not ours to judge.
  page.on(
    'console',
    (message) => message.location().url.includes('/callback') && complaints.push(message.text()),
  )
  page.on('pageerror', (error) => complaints.push(error.message))
  return { page, cdp: await own.newCDPSession(page), complaints }
}

/** `--browser` is a command that hands the address to the test; there is no `$BROWSER` and no display. */
async function begin(one: Sandbox, server: Server) {
  closing.push(() => server.close())
  const opener = join(one.home, 'an opener')
  const opened = join(one.home, 'opened')
  writeFileSync(opener, `#!/bin/sh\nprintf %s "$1" > "${opened}.part" && mv "${opened}.part" "${opened}"\n`)
  chmodSync(opener, 0o755)
  const running = one.start(['login', 'oidc', 'work', ...at(server), '--browser', opener], {
    timeout: 60_000,
  })
  const [url] = await running.waitFor(/http:\S+(auth|authorize)\?\S+/)
  await expect.poll(() => existsSync(opened)).toBe(true)
  return { running, url, page: readFileSync(opened, 'utf8') }
}

async function shot(page: Page, name: string): Promise<void> {
  if (!SHOTS) return
  mkdirSync(SHOTS, { recursive: true })
  await page.waitForTimeout(600)
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await shot(page, 'provider-sign-in')
  await page.fill('input[name=login]', 'ada')
  await page.fill('input[name=password]', 'secret')
  await page.click('button[type=submit]')
  await page.waitForURL(/interaction/)
  await shot(page, 'provider-consent')
}

/** Every address of the tab's own history. */
async function history(cdp: CDPSession): Promise<string[]> {
  const { entries } = await cdp.send('Page.getNavigationHistory')
  return entries.map(({ url }) => url)
}

async function gone(url: string): Promise<boolean> {
  const redirect = new URL(url).searchParams.get('redirect_uri')!
  return fetch(redirect).then(
    () => false,
    () => true,
  )
}

test('a person signs in, consents, and sees the success page; the code is nowhere to be seen', async (context) => {
  const { page, cdp, complaints } = await tab(context)
  const one = box()
  const { running, url, page: startPage } = await begin(one, await startOidcProvider())
  const redirect = new URL(new URL(url).searchParams.get('redirect_uri')!)
  // What browsers do unasked: connections on suspicion, and the icon.
  const idle = await Promise.all([hang(Number(redirect.port)), hang(Number(redirect.port))])
  await fetch(new URL('/favicon.ico', redirect))
  expect(startPage).toMatch(new RegExp(`^${redirect.origin}/start/[0-9a-f]{32}$`))
  await signIn(page, startPage)
  await page.click('button[type=submit]')
  await page.waitForURL(/\/callback/)
  await page.waitForLoadState('load')
  expect(await page.title()).toBe('Logged in · daypass')
  expect(await page.locator('main').textContent()).toContain('You’re logged in to OpenID Connect')
  const ended = await running.ended
  expect(ended.code, ended.stderr).toBe(0)
  expect(ended.stderr).toContain('Logged in to OpenID Connect as ada@example.com')
  await shot(page, 'cli-success')
  expect(page.url()).toBe(redirect.href)
  expect((await history(cdp)).filter((each) => each.includes('code='))).toEqual([])
  expect(complaints).toEqual([])
  expect(await gone(url)).toBe(true)
  expect((await one.run(['token'])).code).toBe(0)
  for (const socket of idle) socket.destroy()
})

test('a person who cancels sees the failure page', async (context) => {
  const { page, cdp } = await tab(context)
  const one = box()
  const { running, url } = await begin(one, await startOidcProvider())
  await signIn(page, url)
  await page.click('a:has-text("Cancel")')
  await page.waitForURL(/\/callback/)
  await page.waitForLoadState('load')
  expect(await page.title()).toBe('Login failed · daypass')
  const ended = await running.ended
  expect(ended.code).toBe(6)
  expect(ended.stderr).toContain('consent was denied')
  await shot(page, 'cli-denied')
  expect((await history(cdp)).filter((each) => /code=|state=.*error=|error=/.test(each))).toEqual([])
  expect(await gone(url)).toBe(true)
})

test('an exchange that fails is a failure page, though the person agreed', async (context) => {
  const { page, cdp } = await tab(context)
  const server = await startAuthorizationServer({ consent: 'form' })
  server.failNext({ endpoint: 'code', status: 500 })
  const { running, url } = await begin(box(), server)
  await page.goto(url)
  await page.click('button[value=approve]')
  await page.waitForURL(/\/callback/)
  await page.waitForLoadState('load')
  expect(await page.title()).toBe('Login failed · daypass')
  expect((await running.ended).code).toBe(5)
  await shot(page, 'cli-exchange-failed')
  expect((await history(cdp)).filter((each) => each.includes('code='))).toEqual([])
})

test('the success page waits until the tokens are kept', async (context) => {
  const { page } = await tab(context)
  const server = await startAuthorizationServer({ consent: 'form' })
  const { running, url } = await begin(box(), server)
  let answered = false
  server.failNext({ endpoint: 'code', delay: 700 })
  await page.goto(url)
  const [response] = await Promise.all([
    page.waitForResponse(/\/callback/).then((got) => {
      answered = true
      return got
    }),
    page.click('button[value=approve]', { noWaitAfter: true }),
    expect
      .poll(() => server.stats().by.code)
      .toBe(1)
      .then(() => expect(answered).toBe(false)),
  ])
  expect(response.status()).toBe(200)
  expect((await running.ended).code).toBe(0)
})

test('a tab that is closed before the end does not end the login, and another one finishes it', async (context) => {
  const { page } = await tab(context)
  const server = await startAuthorizationServer({ consent: 'form' })
  const { running, url } = await begin(box(), server)
  await page.goto(url)
  await page.close()
  const { page: second } = await tab(context)
  await second.goto(url)
  await second.click('button[value=approve]')
  await second.waitForURL(/\/callback/)
  expect((await running.ended).code).toBe(0)
})

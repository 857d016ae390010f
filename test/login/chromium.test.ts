import { mkdirSync } from 'node:fs'
import type { BrowserContext } from 'playwright-core'
import { describe, expect, type TestContext, test } from 'vitest'
import { type Loopback, openLoopback } from '../../src/login/loopback.ts'
import { listenOnLoopback } from '../../src/platform/listen.ts'
import { realBrowser, SHOTS } from '../kit/chromium.ts'

const browserOf = realBrowser()

function open(title: string) {
  const check = (params: URLSearchParams) =>
    params.get('state') === 's3cret' ? { code: 'c0de' } : { ignored: 'state' }
  const redirect = { host: '127.0.0.1', ports: [0], path: '/callback' } as const
  return openLoopback({ listen: listenOnLoopback }, { redirect, check, title })
}

interface Look {
  colorScheme?: 'light' | 'dark'
  viewport?: { width: number; height: number }
  title?: string
}

/** Goes through a callback as a person's browser does, and says what the browser complained of. */
async function visit(context: TestContext, outcome: 'kept' | 'failed', name: string, look: Look = {}) {
  const browser = browserOf(context)
  const loopback = await open(look.title ?? 'AWS')
  const tab = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...look })
  try {
    return await inspect(tab, loopback, outcome, name)
  } finally {
    await tab.close()
    await loopback.close()
  }
}

async function inspect(
  tab: BrowserContext,
  loopback: Loopback<string>,
  outcome: 'kept' | 'failed',
  name: string,
) {
  const page = await tab.newPage()
  const complaints: string[] = []
  const requests: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => requests.push(request.url()))
  const going = page.goto(`${loopback.redirectUri}?code=c0de&state=s3cret`)
  await loopback.received
  loopback.settle(outcome)
  await loopback.close()
  await going
  await page.waitForTimeout(700)
  if (SHOTS) {
    mkdirSync(SHOTS, { recursive: true })
    await page.screenshot({ path: `${SHOTS}/${name}.png` })
  }
  return {
    complaints,
    requests,
    address: page.url(),
    title: await page.title(),
    text: await page.locator('main').textContent(),
    overflow: await page.evaluate(
      'document.documentElement.scrollWidth > innerWidth || document.documentElement.scrollHeight > innerHeight',
    ),
    font: await page.evaluate('getComputedStyle(document.querySelector("main")).textAlign'),
    ground: await page.evaluate('getComputedStyle(document.body).backgroundColor'),
    history: await page.evaluate('history.length'),
    home: loopback.redirectUri,
  }
}

describe('in a real browser', () => {
  test('success: its style and script run, the code leaves the address bar, nothing is complained of', async (context) => {
    const seen = await visit(context, 'kept', 'kept-light', { colorScheme: 'light' })
    expect(seen.complaints).toEqual([])
    expect(seen.address).toBe(seen.home)
    expect(seen.title).toBe('Logged in · daypass')
    expect(seen.text).toContain('You’re logged in to AWS')
    expect(seen.font).toBe('center')
    // The callback itself and nothing else but the page's own icon.
    expect(seen.requests.filter((url) => !url.startsWith('data:'))).toHaveLength(1)
  })

  test('failure', async (context) => {
    const seen = await visit(context, 'failed', 'failed-light', { colorScheme: 'light' })
    expect(seen.complaints).toEqual([])
    expect(seen.address).toBe(seen.home)
    expect(seen.title).toBe('Login failed · daypass')
    expect(seen.text).toContain('Return to the terminal for what happened.')
  })

  test('dark', async (context) => {
    const light = await visit(context, 'kept', 'again-light', { colorScheme: 'light' })
    const dark = await visit(context, 'kept', 'kept-dark', { colorScheme: 'dark' })
    const failed = await visit(context, 'failed', 'failed-dark', { colorScheme: 'dark' })
    expect(dark.ground).not.toBe(light.ground)
    expect(failed.ground).toBe(dark.ground)
  })

  test('narrow, with a long title', async (context) => {
    const look: Look = { viewport: { width: 320, height: 568 }, title: 'Acme Corporation Identity <Staging>' }
    const seen = await visit(context, 'kept', 'kept-narrow', { ...look, colorScheme: 'light' })
    expect(seen.overflow).toBe(false)
    expect(seen.text).toContain('Acme Corporation Identity <Staging>')
    expect((await visit(context, 'failed', 'failed-narrow', { ...look, colorScheme: 'dark' })).overflow).toBe(
      false,
    )
  })

  test('reloading shows nothing worse than a refusal, and the login is not done twice', async (context) => {
    const browser = browserOf(context)
    const loopback = await open('AWS')
    const page = await browser.newPage()
    const going = page.goto(`${loopback.redirectUri}?code=c0de&state=s3cret`)
    await loopback.received
    loopback.settle('kept')
    await going
    expect((await page.reload())?.status()).toBe(400)
    expect((await page.goto(loopback.redirectUri.replace('/callback', '/favicon.ico')))?.status()).toBe(404)
    await page.close()
    await loopback.close()
  })
})

import { afterEach, expect, test } from 'vitest'
import { type OneVisit, openStartPageOnce } from '../../src/login/start-page.ts'
import { listenOnLoopback } from '../../src/platform/listen.ts'
import { scriptedTerminal } from '../../src/testing/index.ts'
import { request, send } from './sockets.ts'

const SECRET = 'https://signin.example/federation?SigninToken=secret'

let page: OneVisit
afterEach(() => page.close())

async function open(limit = 60_000, signal = new AbortController().signal): Promise<URL> {
  const host = { listen: listenOnLoopback, now: Date.now, terminal: scriptedTerminal() }
  page = await openStartPageOnce(host, SECRET, { limit, signal })
  return new URL(page.url)
}

test('it leads to the address once, and only who knows its path', async () => {
  const { host, port, pathname } = await open()
  const ask = (target: string, own = host, method = 'GET') =>
    send(Number(port), request(target, own, { method }))
  expect(pathname).toMatch(/^\/start\/[0-9a-f]{32}$/)
  const refused = await Promise.all([
    ask('/start/x'),
    ask(pathname, 'evil.example'),
    ask(pathname, host, 'HEAD'),
  ])
  expect(refused.map(({ status }) => status)).toEqual([404, 421, 405])
  const { status, headers } = await ask(pathname)
  expect([status, headers.location]).toEqual([303, SECRET])
  expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  expect(await page.visited).toBe(true)
  const again = await ask(pathname)
  expect([again.status, again.headers.location]).toEqual([409, undefined])
})

test('it waits no longer than its limit, and not for who gave up', async () => {
  await open(10)
  expect(await page.visited).toBe(false)
  await page.close()
  const over = new AbortController()
  await open(60_000, over.signal)
  over.abort(new Error('gave up'))
  await expect(page.visited).rejects.toThrow('gave up')
})

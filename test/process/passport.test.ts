/** A person of an API that Laravel Passport guards, whole: the program, its vault, its processes. */
import { describe, expect, onTestFinished, type TestContext, test } from 'vitest'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { box, filesBelow, left, vaultOf } from '../cli/story.ts'
import { BROWSER, type Sandbox } from '../kit/cli.ts'
import { KEYRING, keyringOf } from '../kit/keyring.ts'
import { needs } from '../kit/needs.ts'
import type { PassportOptions } from '../stand-ins/passport/options.ts'
import { type PassportStandIn, startPassport } from '../stand-ins/passport/server.ts'
import { screen } from '../terminal/pty.ts'

const PAT = 'pat-of-the-platform-0123456789'

async function api(options: PassportOptions = {}): Promise<PassportStandIn> {
  const started = await startPassport({ personalTokens: [PAT], ...options })
  onTestFinished(() => started.close())
  return started
}

const words = ({ apiUrl, clientId }: PassportStandIn) => [
  ...['login', 'autocom', 'shop', '--tenant', 'acme'],
  ...['--api-url', apiUrl, '--client-id', clientId],
]

async function logIn(one: Sandbox, at: PassportStandIn): Promise<void> {
  const { code, stderr } = await one.run(words(at), { env: { BROWSER } })
  expect(code, stderr).toBe(0)
}

const holding = (one: Sandbox, secrets: readonly string[]) =>
  [...filesBelow(one.home)].filter(([, text]) => secrets.some((secret) => text.includes(secret)))

describe.each(['file', 'keychain'])('a vault whose key is in a %s', (store) => {
  const home = async (context: TestContext) => {
    if (store === 'file') return box()
    needs(context, ...KEYRING)
    const one = box({ DAYPASS_STORE: 'keychain' })
    await (await keyringOf(one)).serve()
    return one
  }

  test('forgets the tokens at a logout, and keeps what they were for', async (context) => {
    const one = await home(context)
    const at = await api()
    await logIn(one, at)
    expect((await one.run(['token', 'shop'])).stdout.trim()).toBe(at.issued().at(-2))
    expect(holding(one, at.issued())).toEqual([])
    const { stderr } = await one.run(['logout', 'shop'])
    expect(stderr).toContain(
      'removed here. The server has no way to revoke it; it stays valid there until it expires.',
    )
    expect(await one.run(['token', 'shop'])).toMatchObject({ code: 4, stdout: '' })
    const { header, grant } = (await vaultOf(one).read('shop'))!
    expect(grant).toBeUndefined()
    expect(header.params).toMatchObject({ api_url: at.apiUrl, tenant: 'acme' })
    expect((await one.run(['login', 'shop'], { env: { BROWSER } })).code).toBe(0)
    expect((await one.run(['whoami', 'shop', '--json'])).stdout).toContain('"email":"ada@example.com"')
  })
})

test('twelve processes and one stale login: renewed once, and no refresh token is spent twice', async () => {
  const one = box()
  const at = await api()
  await logIn(one, at)
  await left(one, 'shop', 5_000)
  const all = await Promise.all(Array.from({ length: 12 }, () => one.run(['token', 'shop'])))
  expect(new Set(all.map(({ stdout, code }) => `${code} ${stdout}`)).size).toBe(1)
  expect(all[0]!.stdout.trim()).toBe(at.issued().at(-2))
  expect(at.stats()).toMatchObject({ refreshes: 1, reuses: 0 })
})

test('whoami warns when less than half a minute is left, and says what comes next', async () => {
  const one = box()
  const at = await api()
  await logIn(one, at)
  await left(one, 'shop', 20_000)
  const soon = await one.run(['whoami', 'shop'])
  expect(soon).toMatchObject({ code: 0, stdout: expect.stringContaining('Ada Lovelace') })
  expect(soon.stderr).toMatch(/^! shop expires in (1\d|20)s; the next use renews it\n$/)
  expect(at.stats().refreshes).toBe(0)
  at.revokeAll()
  await left(one, 'shop', -1_000)
  expect(await one.run(['exec', 'shop', '--', 'true'])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('daypass login shop'),
  })
})

test.each([
  ['the whole address', (url: URL) => url.href],
  ['the code alone', (url: URL) => url.searchParams.get('code')!],
])('without a browser here, %s is pasted', async (_, answer) => {
  const one = box()
  const at = await api()
  const running = one.start([...words(at), '--no-browser'])
  const [address] = await running.waitFor(/http\S+\/oauth\/authorize\S+/)
  const { url } = await scriptedBrowser({ stopAtCallback: true }).visit(address)
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:8765\/callback\?code=/)
  running.write(`${answer(new URL(url))}\n`)
  running.endInput()
  expect(await running.ended).toMatchObject({ code: 0, stdout: '' })
  expect((await one.run(['whoami', 'shop'])).stdout).toContain('ada@example.com')
})

test('where no browser opens, the address is printed, and opening it by hand completes the login', async () => {
  const one = box()
  const at = await api()
  // Nor any of the system's.
  const line = `PATH=/nothing "$NODE" "$CLI" ${words(at).join(' ')}`
  const shown = screen(one, [], { line, env: { BROWSER: '/bin/false', DISPLAY: ':9' } })
  const [address] = await shown.until(/http\S+\/oauth\/authorize\S+/)
  await shown.until('No browser could be opened here; open the page yourself.')
  const { body } = await scriptedBrowser().visit(address)
  expect(body).toContain('You’re logged in to AutoCom')
  const { code, said } = await shown.ended()
  expect([code, said]).toEqual([0, expect.stringContaining('Logged in to AutoCom')])
})

test('a login in two steps needs no process in between', async () => {
  const one = box()
  const at = await api()
  const started = await one.run([...words(at), '--start', '--json'])
  expect(started.code).toBe(8)
  const { id, url } = JSON.parse(started.stdout)
  const { url: callback } = await scriptedBrowser({ stopAtCallback: true }).visit(url)
  const wrong = ['login', '--finish', id, '--callback-url', callback.replace(/state=\w+/, 'state=x')]
  expect((await one.run(wrong)).code).toBe(2)
  const { code, stderr } = await one.run(['login', '--finish', id, '--callback-url', callback])
  expect([code, stderr]).toEqual([0, expect.stringContaining('tenant     acme')])
})

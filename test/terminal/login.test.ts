/** Logins of a person at a terminal. */
import { expect, test } from 'vitest'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { at, box, copyOf, left, loggedIn, logIn } from '../cli/story.ts'
import { BROWSER, type Sandbox } from '../kit/cli.ts'
import { insane, PASTE_ON, pasted, type Screen, screen } from './pty.ts'

const { server, base } = await loggedIn()

/** Where the browser would end: the answer to paste. */
async function callbackOf(shown: Screen): Promise<string> {
  const [url] = await shown.until(/http:\S+\/authorize\?\S+/)
  await shown.until(PASTE_ON)
  return (await scriptedBrowser({ stopAtCallback: true }).visit(url)).url
}

const wrapped = (text: string, newline: string) => text.match(/.{1,40}/g)!.join(newline)

test.each([
  ['with brackets', (text: string) => `${pasted(wrapped(text, '\r\n'))}\r`],
  ['without brackets', (text: string) => `${wrapped(text, '\r')}\r`],
  ['in quotes, with spaces around', (text: string) => `${pasted(`  "${text}"  `)}\r`],
])('a paste of wrapped lines logs in, and nothing of it is shown: %s', async (_, typed) => {
  const one = box()
  const shown = screen(one, ['login', 'oidc', 'work', ...at(server), '--no-browser'])
  const callback = await callbackOf(shown)
  shown.pty.write(typed(callback))
  const { code, said } = await shown.ended()
  expect(code, said).toBe(0)
  expect(insane(shown.text())).toEqual([])
  const { searchParams } = new URL(callback)
  expect(said).not.toContain(searchParams.get('code')!.slice(0, 12))
  // The address to open has the state in it; the paste did not add a second one.
  expect(said.split(searchParams.get('state')!.slice(0, 20))).toHaveLength(2)
  expect((await one.run(['token'])).code).toBe(0)
})

test('a wrong paste is said, and asked for again', async () => {
  const shown = screen(box(), ['login', 'oidc', 'work', ...at(server), '--no-browser'])
  const callback = await callbackOf(shown)
  const wrong = new URL(callback)
  wrong.searchParams.set('state', 'of-another-login')
  shown.pty.write(`${wrong}\r`)
  await shown.until('That is not the answer to this login: state does not belong to this login. Try again.')
  shown.pty.write(`${callback}\r`)
  expect((await shown.ended()).code).toBe(0)
})

test('the browser answers while the prompt stands there: the login ends by itself', async () => {
  const shown = screen(box(), ['login', 'oidc', 'work', ...at(server)], { env: { DISPLAY: ':9', BROWSER } })
  const { code, said } = await shown.ended()
  expect(code).toBe(0)
  expect(insane(shown.text())).toEqual([])
  expect(said).toMatch(
    /\u001b\[32m✓\u001b\[39m Logged in to OpenID Connect as ada@example\.com \(Ada Lovelace\)/,
  )
})

test('a spinner turns while a code waits to be approved, and is gone at the end', async () => {
  const shown = screen(box(), ['login', 'oidc', 'work', ...at(server), '--device'])
  const [, userCode] = await shown.until(/ {4}(\w{4}-\w{4})/)
  await shown.until(/[⠙⠹⠸⠼]\S* Waiting for the code to be approved/)
  expect(server.decideDevice('approve', userCode)).toBe(true)
  const { code, said } = await shown.ended()
  expect(code).toBe(0)
  const last = said.slice(said.lastIndexOf('Waiting for the code'))
  expect(last).toMatch(/^Waiting for the code to be approved\r\u001b\[2K/)
  expect(insane(shown.text())).toEqual([])
})

test('login alone lists the identities that there are, then the providers', async () => {
  const one = copyOf(base)
  const shown = screen(one, ['login'], { env: { DISPLAY: ':9', BROWSER } })
  await shown.until('Microsoft')
  const list = shown.text()
  const order = ['work', 'OpenID Connect', 'GitHub', 'GitLab', 'Google', 'Microsoft'].map((name) =>
    list.indexOf(name),
  )
  expect(order).toEqual([...order].sort((a, b) => a - b))
  expect(list).toContain('ada@example.com (Ada Lovelace)')
  shown.pty.write('\r')
  const { code, said } = await shown.ended()
  expect(code, said).toBe(0)
  expect(said).toContain('Logged in to OpenID Connect')
})

test('logout alone on a terminal logs out of the one that is picked', async () => {
  const one = copyOf(base)
  const shown = screen(one, ['logout', '--local-only'])
  await shown.until('Log out of')
  await shown.until('work')
  shown.pty.write('\r')
  const { code, said } = await shown.ended()
  expect(code).toBe(0)
  expect(said).toContain('Logged out of work: removed here only')
})

async function loggedOut(): Promise<Sandbox> {
  const one = copyOf(base)
  await one.run(['logout', 'work', '--local-only'])
  await one.run(['use', 'work'])
  return one
}

test('a token of one that needs a login starts it and goes on', async () => {
  const shown = screen(await loggedOut(), ['token'], { env: { DISPLAY: ':9', BROWSER } })
  const { code, said } = await shown.ended()
  expect(code, said).toBe(0)
  expect(said).toContain('work needs a login: it was logged out.')
  expect(said).toMatch(/\r\nat_[\w-]+\r\n$/)
})

test('so does one that expired and cannot be renewed', async () => {
  const one = await loggedOut()
  await logIn(one, server)
  await left(one, 'work', -1000)
  server.failNext({
    endpoint: 'refresh',
    status: 400,
    body: '{"error":"invalid_grant"}',
    headers: { 'content-type': 'application/json' },
  })
  const shown = screen(one, ['token'], { env: { DISPLAY: ':9', BROWSER } })
  const { code, said } = await shown.ended()
  expect(code, said).toBe(0)
  expect(said).toMatch(/\r\nat_[\w-]+\r\n$/)
})

test.each([
  ['--no-input', ['token', '--no-input'], {}],
  ['CI', ['token'], { CI: '1' }],
  ['status', ['status', 'work'], {}],
  ['whoami', ['whoami'], {}],
  ['refresh', ['refresh'], {}],
])('nobody is asked, and no login is started: %s', async (_, args, env) => {
  const shown = screen(await loggedOut(), args, { env: { DISPLAY: ':9', BROWSER, ...env } })
  const { code, said } = await shown.ended()
  expect(code, said).toBe(4)
  expect(said).not.toContain('/authorize?')
})

test('NO_COLOR and TERM=dumb take the colours away', async () => {
  for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
    const shown = screen(copyOf(base), ['list'], { env })
    const { said } = await shown.ended()
    expect(said).toContain('work')
    expect(said).not.toContain('\u001b')
  }
})

test('what a terminal shows of list and status', async () => {
  const plain = async (...args: string[]) => {
    const { said } = await screen(copyOf(base), args).ended()
    return said
      .replace(/5\dm( \d+s)?/g, '{LEFT}')
      .replace(/\d{4}-\S+Z/, '{TIME}')
      .replaceAll('\u001b', '␛')
      .replaceAll('\r\n', '\n')
  }
  expect(await plain('list')).toMatchInlineSnapshot(`
    "␛[2mNAME  KIND       ACCOUNT          STATE  LEFT     DEFAULT  ACTIVE␛[22m
    work  oidc/user  ada@example.com  valid  {LEFT}  *        *
    "
  `)
  expect(await plain('status', 'work')).toMatchInlineSnapshot(`
    "␛[1mwork␛[22m (oidc/user) [default, active]
      ␛[2mstate      ␛[22m  ␛[32mvalid, {LEFT} left␛[39m
      ␛[2maccount    ␛[22m  ada@example.com (Ada Lovelace)
      ␛[2mprincipal  ␛[22m  user-1
      ␛[2mexpires    ␛[22m  {TIME} ({LEFT} left, then renews itself)
      ␛[2mobtained by␛[22m  browser login
      ␛[2mkept in    ␛[22m  the vault, its key in a file beside it (mode 0600)
    "
  `)
})

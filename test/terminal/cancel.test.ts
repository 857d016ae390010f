/** Ctrl-C at every question: exit 130, the terminal as it was, nothing kept, nothing left behind. */
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { at, box, copyOf, filesBelow, loggedIn, logIn } from '../cli/story.ts'
import { BROWSER, type Sandbox } from '../kit/cli.ts'
import { needs } from '../kit/needs.ts'
import { CTRL_C, insane, PASTE_ON, type Screen, screen } from './pty.ts'

const { server, base } = await loggedIn()

const display = { DISPLAY: ':99', BROWSER: '/bin/true' }

const records = (one: Sandbox) => [...filesBelow(one.daypassHome)].filter(([path]) => /\.grant$/.test(path))

async function cancelled(one: Sandbox, shown: Screen) {
  const before = records(one)
  shown.pty.write(CTRL_C)
  const { code, said } = await shown.ended()
  expect(code).toBe(130)
  expect(insane(shown.text())).toEqual([])
  expect(said).not.toMatch(/^\s+at /m)
  expect(records(one)).toEqual(before)
  return said
}

async function refused(port: string): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    () => false,
    () => true,
  )
}

test('at the prompt for a paste, with a listener beside it', async () => {
  const one = box()
  const shown = screen(one, ['login', 'oidc', 'work', ...at(server)], { env: display })
  const [, port] = await shown.until(/redirect_uri=http%3A%2F%2F127\.0\.0\.1%3A(\d+)/)
  await shown.until(PASTE_ON)
  expect(await refused(port!)).toBe(false)
  await cancelled(one, shown)
  expect(await refused(port!)).toBe(true)
  expect(JSON.parse((await one.run(['list', '--json'])).stdout)).toEqual({ identities: [] })
  // No lock is held: the same login goes through at once.
  await logIn(one, server)
})

test('at the prompt for a paste, in the middle of one', async () => {
  const one = box()
  const shown = screen(one, ['login', 'oidc', 'work', ...at(server), '--no-browser'])
  await shown.until(PASTE_ON)
  shown.pty.write('\u001b[200~http://127.0.0.1/callback?code=SECRET-PART')
  const said = await cancelled(one, shown)
  expect(said).not.toContain('SECRET-PART')
})

test('while a code waits to be approved', async () => {
  const one = box()
  const shown = screen(one, ['login', 'oidc', 'work', ...at(server), '--device'])
  await shown.until('Waiting for the code to be approved')
  const said = await cancelled(one, shown)
  // The spinner is taken away before the last word.
  expect(said.slice(said.lastIndexOf('Waiting for the code'))).toMatch(/\u001b\[2K/)
})

test('in the picker of login', async () => {
  const one = copyOf(base)
  const shown = screen(one, ['login'])
  await shown.until('Log in to')
  await shown.until('Microsoft')
  await cancelled(one, shown)
})

test('in the picker of logout', async () => {
  const one = copyOf(base)
  const shown = screen(one, ['logout'])
  await shown.until('work')
  await cancelled(one, shown)
  expect((await one.run(['token'])).code).toBe(0)
})

test('in the picker of use', async () => {
  const one = copyOf(base)
  const shown = screen(one, ['use'])
  await shown.until('work')
  await cancelled(one, shown)
})

test('at the confirmation of remove', async () => {
  const one = copyOf(base)
  const shown = screen(one, ['remove', 'work'])
  await shown.until('Remove work altogether?')
  await cancelled(one, shown)
  expect((await one.run(['token'])).code).toBe(0)
})

test('a no at the confirmation of remove is 130, too', async () => {
  const one = copyOf(base)
  const shown = screen(one, ['remove', 'work'])
  await shown.until('Remove work altogether?')
  shown.pty.write('n')
  const { code, said } = await shown.ended()
  expect(code).toBe(130)
  expect(said).toContain('work was left as it was')
})

test('at the question whether to replace a name', async () => {
  const one = copyOf(base)
  const shown = screen(one, ['login', 'github', 'work', '--client-id', 'x'])
  await shown.until('work is an identity of oidc. Replace it?')
  await cancelled(one, shown)
  expect((await one.run(['token'])).code).toBe(0)
})

test('while the keychain does not answer', async (context) => {
  needs(context, 'dbus-run-session', 'gnome-keyring-daemon', 'gdbus')
  const one = box({ DAYPASS_STORE: 'keychain' })
  const script = `
    printf pw | gnome-keyring-daemon --unlock --components=secrets --foreground >/dev/null 2>&1 & D=$!
    trap "kill -CONT $D; kill $D" EXIT
    for i in $(seq 50); do
      gdbus call --session -d org.freedesktop.DBus -o / -m org.freedesktop.DBus.GetNameOwner org.freedesktop.secrets >/dev/null 2>&1 && break
      sleep 0.1
    done
    kill -STOP $D
    "$NODE" "$CLI" login oidc work ${at(server).join(' ')}`
  const env = { ...display, XDG_DATA_HOME: `${one.home}/data` }
  const shown = screen(one, [], { line: `trap "" INT; dbus-run-session -- sh -c '${script}'`, env })
  // Only the program hears Ctrl-C; the session bus would end with it.
  // It is asked while the vault is made, which one process does at a time.
  await expect.poll(() => existsSync(`${one.daypassHome}/vault/locks/__vault.holder`)).toBe(true)
  await cancelled(one, shown)
  // No lock is held, and no keychain was decided for.
  expect(
    (await one.run(['login', 'oidc', 'work', ...at(server)], { env: { DAYPASS_STORE: 'file', BROWSER } }))
      .code,
  ).toBe(0)
})

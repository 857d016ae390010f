/** Who is answered while a login waits: real processes of other users, at the program as it is built. */
import { spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { box } from '../cli/story.ts'
import { CLI, type RunOptions } from '../kit/cli.ts'
import { start } from '../testing/servers.ts'
import { skipLoudly } from '../vault/support.ts'

const OTHER = 65_534
const PEER = join(import.meta.dirname, '../kit/peer.cjs')
const REFUSED =
  /another user of this machine \(uid 65534\).*paste the address if that was a forwarder of your own/

const as = (uid: number) => ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']

function needRoot(context: TestContext): void {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    skipLoudly(context, 'what another user of the machine can do (not root, or not Linux)')
}

interface Waiting extends RunOptions {
  uid?: number
  redirect?: 'localhost' | '127.0.0.1'
}

/** A login that waits for the browser, and the address it printed. */
async function waiting({ uid = 0, redirect = '127.0.0.1', ...options }: Waiting = {}) {
  const server = await start({ clients: [{ id: 'cli', redirects: [`http://${redirect}/callback`] }] })
  const one = box()
  const opener = join(one.home, 'opener')
  writeFileSync(opener, '#!/bin/sh\nexit 0\n')
  chmodSync(opener, 0o755)
  mkdirSync(one.daypassHome, { mode: 0o700 })
  const provider = `{ issuer: "${server.issuer}", client_id: cli, redirect: { host: ${redirect}, path: /callback } }`
  writeFileSync(join(one.daypassHome, 'config.yaml'), `auth: { providers: { acme: ${provider} } }\n`, {
    mode: 0o600,
  })
  for (const path of ['', 'tmp', 'daypass', 'daypass/config.yaml']) chownSync(join(one.home, path), uid, uid)
  const program = [...(uid === 0 ? [] : as(uid)), process.execPath, CLI]
  const running = one.start(['login', 'acme', 'work', '--browser', opener], { ...options, program })
  const [url] = await running.waitFor(/http:\S+authorize\S+/)
  const { searchParams } = new URL(url)
  const port = Number(new URL(searchParams.get('redirect_uri')!).port)
  const state = searchParams.get('state')!
  /** What a process of that user gets for a request. */
  const ask = (peer: number, target: string, how = 'stay', address = '127.0.0.1') =>
    new Promise<string>((resolve, reject) => {
      const host = address === '::1' ? `[::1]:${port}` : `127.0.0.1:${port}`
      const [command = '', ...words] = [
        ...as(peer),
        process.execPath,
        PEER,
        address,
        String(port),
        target,
        host,
        how,
      ]
      const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] })
      let out = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text
      })
      child.on('error', reject).on('close', () => resolve(out.trim()))
    })
  return { server, running, url, port, state, ask }
}

type Login = Awaited<ReturnType<typeof waiting>>

/** The person's own browser comes back: one exchange. */
async function succeeds({ server, running, url }: Login) {
  expect((await scriptedBrowser().visit(url)).body).toContain('Logged in')
  const ended = await running.ended
  expect(ended).toMatchObject({ code: 0 })
  expect(server.stats()).toMatchObject({ exchanges: 1 })
  return ended
}

/** Sends what the person's browser would send, in each way; the state was seen on a command line. */
async function attack(login: Login, address: string): Promise<void> {
  const { ask, server, state } = login
  const of = (what: string) => `/callback?${what}&${new URLSearchParams({ state, iss: server.issuer })}`
  const [denied, stolen] = [of('error=access_denied'), of('code=x')]
  expect(await ask(OTHER, denied, 'stay', address)).toBe('403')
  expect(await ask(OTHER, stolen, 'stay', address)).toBe('403')
  const hurried = ['close', 'reset'].flatMap((how) =>
    [denied, stolen].map((target) => ask(OTHER, target, how, address)),
  )
  // The program sees nothing of them before all is over.
  process.kill(login.running.pid, 'SIGSTOP')
  await Promise.all(hurried)
  process.kill(login.running.pid, 'SIGCONT')
}

test('another user is refused, however he sends it, and the login goes on', async (context) => {
  needRoot(context)
  const [four, six] = await Promise.all([waiting(), waiting({ redirect: 'localhost' })])
  await Promise.all([attack(four, '127.0.0.1'), attack(six, '::1')])
  // The socket of a program that speaks IPv6 stands in the other table.
  expect(await four.ask(OTHER, '/callback?code=x&state=wrong', 'stay', '::ffff:127.0.0.1')).toBe('403')
  for (const { stderr } of await Promise.all([four, six].map(succeeds))) {
    expect(stderr).toMatch(REFUSED)
    expect(stderr).toContain('a program that closed its connection at once')
  }
})

test('root is answered, who may forward for the person; under sudo and pkexec the caller, whose browser it is', async (context) => {
  needRoot(context)
  const callers = ['SUDO_UID', 'PKEXEC_UID'].map((variable) =>
    waiting({ env: { [variable]: String(OTHER) } }),
  )
  const [user, ...called] = await Promise.all([waiting({ uid: 12_345 }), ...callers])
  expect(await user.ask(OTHER, `/callback?error=access_denied&state=${user.state}`)).toBe('403')
  await succeeds(user)
  for (const login of called) {
    const { url } = await scriptedBrowser({ stopAtCallback: true }).visit(login.url)
    const { pathname, search } = new URL(url)
    expect(await login.ask(12_345, pathname + search)).toBe('403')
    expect(await login.ask(OTHER, pathname + search)).toBe('200')
    expect(await login.running.ended).toMatchObject({ code: 0 })
  }
})

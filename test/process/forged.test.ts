/** Whatever else arrives at the listener of a login, it goes on waiting for the right answer. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type AuthorizationServer,
  scriptedBrowser,
  startAuthorizationServer,
} from '../../src/testing/index.ts'
import { at, box, vaultOf } from '../cli/story.ts'
import { type RunOptions, type Sandbox, sandbox } from '../kit/cli.ts'
import { hang, request, send } from '../login/sockets.ts'
import { start } from '../testing/servers.ts'
import { skipLoudly } from '../vault/support.ts'

/** A login that waits, and the address it printed. */
async function waiting(one: Sandbox, server: AuthorizationServer, env: RunOptions['env'] = {}) {
  // An opener that takes the address and does nothing with it.
  const opener = join(one.home, 'opener')
  writeFileSync(opener, '#!/bin/sh\nexit 0\n')
  chmodSync(opener, 0o755)
  const options = { env: { BROWSER: opener, ...env }, timeout: 80_000 }
  const running = one.start(['login', 'oidc', 'work', ...at(server)], options)
  const [url] = await running.waitFor(/http:\S+authorize\S+/)
  const { searchParams } = new URL(url)
  const port = Number(new URL(searchParams.get('redirect_uri')!).port)
  return { one, server, running, url, port, state: searchParams.get('state')! }
}

type Login = Awaited<ReturnType<typeof waiting>>

/** The person's own browser comes back: one exchange, and the grant is kept. */
async function succeeds({ one, server, running, url }: Login): Promise<void> {
  const { body } = await scriptedBrowser().visit(url)
  expect(body).toContain('Logged in')
  expect(await running.ended).toMatchObject({ code: 0 })
  expect(server.stats()).toMatchObject({ codes: 1, exchanges: 1, reuses: 0 })
  expect((await vaultOf(one).read('work'))?.grant).toBeDefined()
}

/** `undefined`: it is held open. 0: it is cut without an answer. */
type Forged = [title: string, bytes: (own: string, state: string) => string, status: number | undefined]

const target = (path: string) => (own: string) => request(path, own)
const right = (state: string) => `/callback?code=x&state=${state}`
const over = 'x'.repeat(17_000)

const FORGED: Forged[] = [
  ['another state', target('/callback?code=x&state=wrong'), 400],
  ['no state', target('/callback?code=x'), 400],
  ['an error without state', target('/callback?error=access_denied'), 400],
  ['an error with another state', target('/callback?error=access_denied&state=wrong'), 400],
  ['another path', (own, state) => request(`/other?code=x&state=${state}`, own), 404],
  ['an absolute target', (own, state) => request(`http://${own}${right(state)}`, own), 404],
  ['another host', (_, state) => request(right(state), 'evil.example'), 421],
  ['a host with a dot behind', (own, state) => request(right(state), own.replace(':', '.:')), 421],
  ['no host', (_, state) => `GET ${right(state)} HTTP/1.1\r\n\r\n`, 421],
  [
    'localhost, which is not ours',
    (own, state) => request(right(state), own.replace('127.0.0.1', 'localhost')),
    421,
  ],
  [
    'a POST',
    (own, state) => request(right(state), own, { method: 'POST', more: 'Content-Length: 0\r\n' }),
    405,
  ],
  ['a HEAD', (own, state) => request(right(state), own, { method: 'HEAD' }), 405],
  ['a CONNECT', (own) => request(own, own, { method: 'CONNECT' }), 0],
  ['state twice', (own, state) => request(`${right(state)}&state=${state}`, own), 400],
  ['code twice', (own, state) => request(`${right(state)}&code=y`, own), 400],
  ['an address of 64 KiB', target(`/callback?code=${'x'.repeat(65_536)}`), 431],
  ['headers of 17 KiB', (own, state) => request(right(state), own, { more: `X: ${over}\r\n` }), 431],
  ['the icon', target('/favicon.ico'), 404],
  ['several in one go', (own) => request('/', own) + request('/callback?state=wrong', own).repeat(9), 404],
  ['an expectation', (own) => request('/callback', own, { more: 'Expect: a miracle\r\n' }), 400],
  [
    'a body in pieces',
    (own) => `${request('/callback', own, { more: 'Transfer-Encoding: chunked\r\n' })}4\r\nbody\r\n`,
    400,
  ],
  [
    'a WebSocket',
    (own) => request('/callback', own, { more: 'Connection: Upgrade\r\nUpgrade: websocket\r\n' }),
    400,
  ],
  ['HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['TLS', () => '\u0016\u0003\u0001\u0002\u0000\u0001\u0000 hello\r\n\r\n', 400],
  ['a connection that says nothing', () => '', undefined],
  ['half a request', () => 'GET /callback?code=x HTTP/1.1\r\nHost: ', undefined],
]

/** Sends it, and checks what comes back; gives the connection where it is held open. */
async function forge([title, bytes, status]: Forged, { port, state }: Login): Promise<Socket | undefined> {
  const all = bytes(`127.0.0.1:${port}`, state)
  if (status === undefined) return hang(port, all)
  const answer = await send(port, all)
  // What is too long is not read to its end, and the reset that follows may overtake the refusal.
  expect(status === 431 ? [0, 431] : [status], title).toContain(answer.status)
  return undefined
}

describe('a forged callback changes nothing', () => {
  const one = sandbox()
  let login: Login
  beforeAll(async () => {
    login = await waiting(one, await startAuthorizationServer())
  })
  afterAll(async () => {
    await one.remove()
    await login.server.close()
  })

  test.each(FORGED.map((each) => [each[0], each] as const))('%s', async (_, each) => {
    const held = await forge(each, login)
    // Still there, and still of the opinion that this was not it.
    await forge(FORGED[0]!, login)
    held?.destroy()
  })

  test('all of them together, and then the right one is taken', async () => {
    const held = await Promise.all(
      FORGED.flatMap((each) => Array.from({ length: 8 }, () => forge(each, login))),
    )
    await succeeds(login)
    for (const socket of held) socket?.destroy()
  })
})

/** Preloaded: at each SIGUSR2, what the process holds once all that is over was collected. */
const PROBE = `
require('node:v8').setFlagsFromString('--expose-gc')
const gc = require('node:vm').runInNewContext('gc')
process.on('SIGUSR2', () => {
  gc()
  const { heapUsed, external } = process.memoryUsage()
  require('node:fs').appendFileSync(process.env.PROBED, (heapUsed + external) + '\\n')
})
`

const TIMES = 130
const BATCH = FORGED.length * TIMES

test('ten thousand of them hold no memory and no file, and the right one still gets in', async (context) => {
  if (process.platform !== 'linux') skipLoudly(context, 'what forged callbacks leave behind (no /proc)')
  const one = box()
  const [probe, probed] = [join(one.home, 'probe.cjs'), join(one.home, 'probed')]
  writeFileSync(probe, PROBE)
  writeFileSync(probed, '')
  const login = await waiting(one, await start(), { NODE_OPTIONS: `--require ${probe}`, PROBED: probed })
  const proc = `/proc/${login.running.pid}`
  const files = () => readdirSync(`${proc}/fd`).length
  const looks = () => readFileSync(probed, 'utf8').split('\n').slice(0, -1).map(Number)
  const filesBefore = files()

  async function batch() {
    const left = FORGED.flatMap((each) => Array.from({ length: TIMES }, () => each))
    const sender = async () => {
      for (let each = left.pop(); each; each = left.pop()) (await forge(each, login))?.destroy()
    }
    await Promise.all(Array.from({ length: 32 }, sender))
    await expect.poll(files).toBeLessThanOrEqual(filesBefore)
    const seen = looks().length
    login.running.kill('SIGUSR2')
    await expect.poll(() => looks().length).toBe(seen + 1)
    const resident = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`${proc}/status`, 'utf8'))?.[1])
    return { held: looks().at(-1)!, resident: resident * 1024 }
  }

  // The first one warms up.
  const first = await batch()
  await batch()
  const last = await batch()
  expect(3 * BATCH).toBeGreaterThan(10_000)
  // What is held goes up and down by 1.5 MB; what the system gave, by 30 MB until the collector has found its measure.
  expect(last.held - first.held).toBeLessThan(2 * BATCH * 400)
  expect(last.resident - first.resident).toBeLessThan(60e6)

  const halfOpen = FORGED.filter(([, , status]) => status === undefined)
  const held = await Promise.all(
    halfOpen.flatMap((each) => Array.from({ length: 100 }, () => forge(each, login))),
  )
  await succeeds(login)
  for (const socket of held) socket?.destroy()
})

test('the listener is gone when the login is', async () => {
  const { running, url, port } = await waiting(box(), await start())
  const { url: callback } = await scriptedBrowser({ stopAtCallback: true }).visit(url)
  await send(port, request(new URL(callback).pathname + new URL(callback).search, `127.0.0.1:${port}`))
  const { code } = await running.ended
  expect(code).toBe(0)
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
})

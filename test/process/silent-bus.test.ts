/** A desktop bus that takes the connection and then says too little: it holds no command up, and Ctrl-C ends it at once. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, type TestContext, test } from 'vitest'
import { startAuthorizationServer } from '../../src/testing/index.ts'
import { at, logIn } from '../cli/story.ts'
import { BROWSER, type Sandbox, sandbox } from '../kit/cli.ts'
import { needs } from '../kit/needs.ts'

/** What the bus does with each chunk that it is sent. */
const BUSES: Record<string, (socket: Socket, chunk: Buffer) => void> = {
  'says nothing': () => undefined,
  'answers the authentication alone': (socket, chunk) => {
    if (chunk.includes('AUTH')) socket.write('DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n')
  },
  'answers a byte a second': (socket, chunk) => {
    if (chunk.includes('AUTH')) socket.write('DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n')
    const drip = setInterval(() => socket.write('l'), 1_000)
    socket.on('close', () => clearInterval(drip))
  },
}

async function startBus(context: TestContext, one: Sandbox, answer: (socket: Socket, chunk: Buffer) => void) {
  const path = join(one.home, 'bus')
  const sockets = new Set<Socket>()
  const bus = createServer((socket) => {
    sockets.add(socket)
    socket.on('data', (chunk) => answer(socket, chunk)).on('error', () => undefined)
  })
  await new Promise<void>((resolve) => bus.listen(path, resolve))
  context.onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    bus.close()
  })
  return { DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` }
}

/** A login whose key the record says to lie in the keychain. */
async function homeOf(context: TestContext) {
  const one = sandbox()
  context.onTestFinished(() => one.remove())
  const server = await startAuthorizationServer()
  context.onTestFinished(() => server.close())
  await logIn(one, server)
  for (const file of ['vault.json', 'work.grant']) {
    const path = join(one.daypassHome, 'vault', file)
    writeFileSync(path, readFileSync(path, 'utf8').replace('"where":"file"', '"where":"keychain"'))
  }
  return { one, server }
}

/** Every verb that opens the vault. */
const VERBS: [args: string[], input?: string][] = [
  [['token', 'work']],
  [['env', 'work', '--format', 'bash']],
  [['exec', 'work', '--', 'true']],
  [['exec', 'work', '--endpoint', '--', 'true']],
  [['fetch', 'http://127.0.0.1:9/', 'work']],
  [['status', 'work', '--check']],
  [['refresh', 'work', '--force']],
  [['serve', 'work']],
  [['login', 'work', '--force']],
  [['credential-process', 'work']],
  [['git-credential', 'get', 'work'], 'protocol=http\nhost=127.0.0.1:9\n\n'],
  [['docker-credential', 'get', 'work'], '127.0.0.1:9'],
  [['kube-credential', 'work']],
  [['login', 'work', '--start', '--json']],
]

describe.concurrent.each(Object.entries(BUSES))('a bus that %s', (_, answer) => {
  test('every verb that opens the vault ends within 4 s, exit 5 at most', async (context) => {
    const { one } = await homeOf(context)
    const bus = await startBus(context, one, answer)
    const began = performance.now()
    const startUp = (await one.run(['status', 'work'], { env: bus })).code
    const allowed = 4_000 + 3 * (performance.now() - began)
    expect(startUp).toBe(0)
    const results = await Promise.all(
      VERBS.map(async ([args, input]) => {
        const start = performance.now()
        const result = await one.run(args, { env: { ...bus, CI: '1' }, ...(input && { input }) })
        return { args: args.join(' '), ms: performance.now() - start, ...result }
      }),
    )
    for (const { args, ms, code, stderr } of results) {
      expect(ms, args).toBeLessThan(allowed + VERBS.length * 400)
      expect([2, 5], `${args}: ${code} ${stderr}`).toContain(code)
    }
    const token = results[0]!
    expect(token.stderr).toMatch(/^error: the keychain did not answer within 2.5 s\n/)
  })
})

test('Ctrl-C ends what waits for a silent bus within a second', async (context) => {
  const { one, server } = await homeOf(context)
  const bus = await startBus(context, one, BUSES['says nothing']!)
  const commands = [
    ['token', 'work'],
    ['exec', 'work', '--', 'true'],
    ['login', 'oidc', 'other', ...at(server)],
  ]
  const press = async (args: readonly string[]) => {
    const running = one.start(args, { env: { ...bus, BROWSER, DAYPASS_DEBUG: undefined } })
    await new Promise((resolve) => setTimeout(resolve, 700))
    const pressed = performance.now()
    running.kill('SIGINT')
    const { code, signal } = await running.ended
    expect(code ?? signal, args.join(' ')).toSatisfy((end) => end === 130 || end === 'SIGINT')
    expect(performance.now() - pressed, args.join(' ')).toBeLessThan(1_300)
  }
  await Promise.all(commands.map(press))
})

test('a dbus-daemon that is stopped is no different', async (context) => {
  needs(context, 'dbus-daemon')
  const { one } = await homeOf(context)
  const address = `unix:path=${join(one.home, 'stopped-bus')}`
  const bus = one.start(['--session', '--nofork', '--print-address', `--address=${address}`], {
    program: ['dbus-daemon'],
  })
  await bus.waitFor(/unix:/)
  bus.kill('SIGSTOP')
  const began = performance.now()
  const { code, stderr } = await one.run(['token', 'work'], { env: { DBUS_SESSION_BUS_ADDRESS: address } })
  expect({ code, stderr }).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('did not answer within 2.5 s'),
  })
  expect(performance.now() - began).toBeLessThan(4_000)
})

test('a new vault takes the key file where the bus is silent, and the login says so', async (context) => {
  const one = sandbox({ DAYPASS_STORE: 'auto' })
  context.onTestFinished(() => one.remove())
  const server = await startAuthorizationServer()
  context.onTestFinished(() => server.close())
  const env = { ...(await startBus(context, one, BUSES['says nothing']!)), BROWSER }
  const result = await one.run(['login', 'oidc', 'work', ...at(server)], { env })
  expect(result, result.stderr).toMatchObject({ code: 0 })
  expect(result.stderr).toContain('its key in a file beside it')
})

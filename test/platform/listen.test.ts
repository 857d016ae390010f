import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Listener } from '../../src/core/types.ts'
import { listenOnLoopback } from '../../src/platform/listen.ts'
import { hang, request, send } from '../login/sockets.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean()
})

async function occupied(host = '127.0.0.1', port = 0): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  cleanups.push(() => server.close())
  return (server.address() as AddressInfo).port
}

async function listening(ports: number[], host: '127.0.0.1' | 'localhost' = '127.0.0.1'): Promise<Listener> {
  const listener = await listenOnLoopback({ host, ports }, ({ host: named }) => ({
    status: 200,
    headers: {},
    body: `host ${named}`,
  }))
  cleanups.push(() => listener.close())
  return listener
}

async function hasIpv6(): Promise<boolean> {
  return occupied('::1').then(
    () => true,
    () => false,
  )
}

describe('ports', () => {
  test('the first free one of the list', async () => {
    const taken = await occupied()
    const free = (await listening([0])).port
    await cleanups.pop()?.()
    const listener = await listening([taken, free])
    expect(listener.port).toBe(free)
    expect(listener.passedOver).toEqual([
      expect.stringMatching(new RegExp(`^port ${taken} is (held by|in use)`)),
    ])
    expect((await listening([0])).passedOver).toEqual([])
  })

  test('none free: an error that names them and who holds them', async () => {
    const [one, two] = [await occupied(), await occupied()]
    const held = process.platform === 'linux' ? `is held by .+ \\(pid ${process.pid}\\)` : 'is in use'
    const expected = new RegExp(`: port ${one} ${held}, port ${two} ${held}$`)
    const refusal = () => listening([one, two]).catch((error: unknown) => error)
    expect(await refusal()).toMatchObject({ code: 'port', hint: expect.stringContaining('--no-browser') })
    // Who holds it is looked for during half a second, in which a busy machine gets nowhere.
    await expect.poll(async () => String(await refusal())).toMatch(expected)
  })

  test('someone else on ::1 would be sent the code, so the port does not count as free', async (context) => {
    if (!(await hasIpv6())) return context.skip('no ::1 on this machine')
    const taken = await occupied('::1')
    await expect(listening([taken], 'localhost')).rejects.toMatchObject({ code: 'port' })
    expect((await listening([taken])).port).toBe(taken)
  })

  test('the port is free again as soon as it is closed', async () => {
    const { port, close } = await listening([0])
    await close()
    expect((await listening([port])).port).toBe(port)
  })
})

describe('bounds', () => {
  test('two Host headers are no host', async () => {
    const { port } = await listening([0])
    expect((await send(port, request('/', 'a', { more: 'Host: b\r\n' }))).body).toBe('host ')
    expect((await send(port, request('/', 'a'))).body).toBe('host a')
  })

  test('at most six hundred connections, and a browser always gets one', async () => {
    const { port } = await listening([0])
    const sockets: Socket[] = []
    while (sockets.length < 700) sockets.push(await hang(port))
    expect((await send(port, request('/', 'a'))).status).toBe(200)
    await expect.poll(() => sockets.filter((socket) => !socket.destroyed).length).toBeLessThanOrEqual(600)
    for (const socket of sockets) socket.destroy()
  })

  test('closing does not wait for an answer that never comes, nor for idle connections', async () => {
    const listener = await listenOnLoopback(
      { host: '127.0.0.1', ports: [0] },
      () => new Promise(() => undefined),
    )
    const waiting = send(listener.port, request('/', 'a'))
    const idle = await hang(listener.port)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const started = performance.now()
    await listener.close()
    expect(performance.now() - started).toBeLessThan(1_500)
    expect((await waiting).status).toBe(0)
    idle.destroy()
  })

  test.each([
    ['idle', ''],
    ['refused', 'no HTTP\r\n\r\n'],
  ])('%s connections alone do not delay it', async (_, bytes) => {
    const { port, close } = await listening([0])
    const held = await hang(port, bytes)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const started = performance.now()
    await close()
    expect(performance.now() - started).toBeLessThan(700)
    held.destroy()
  })

  test('an unknown expectation is answered like any other request, and the connection ends', async () => {
    const { port } = await listening([0])
    const { status, headers } = await send(port, request('/', 'a', { more: 'Expect: a miracle\r\n' }))
    expect([status, headers.connection]).toEqual([200, 'close'])
  })

  test('a handler that throws is a 500 and no crash', async () => {
    const listener = await listenOnLoopback({ host: '127.0.0.1', ports: [0] }, () => {
      throw new Error('never shown')
    })
    cleanups.push(() => listener.close())
    const { status, body } = await send(listener.port, request('/', 'a'))
    expect([status, body]).toEqual([500, ''])
  })
})

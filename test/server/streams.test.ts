/** What is large goes through the proxy as fast as the other side takes it, and is never held here. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { gate } from '../client/client-context.ts'
import { answerTo, bodyOf, standing } from './upstream.ts'

const MB = 1 << 20
/** Far more than the buffers of two connections. */
const LARGE = 96 * MB
const HELD = 32 * MB

const CHUNK = Buffer.alloc(MB, 'x')
const DIGEST = createHash('sha256').update(Buffer.alloc(LARGE, 'x')).digest('hex')

/** Writes as much as is taken, and says how much that is. */
function writing(to: Writable, bytes = LARGE) {
  const state = { written: 0 }
  const done = (async () => {
    while (state.written < bytes && !to.destroyed) {
      const more = to.write(CHUNK)
      state.written += CHUNK.length
      if (!more) await drained(to)
    }
  })()
  return { state, done }
}

const drained = (to: Writable) =>
  new Promise<void>((resolve) => {
    const over = () => {
      to.off('drain', over).off('close', over)
      resolve()
    }
    to.once('drain', over).once('close', over)
  })

/** What no longer grows. */
async function settled(of: { written: number }): Promise<number> {
  for (let before = -1; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 250))
    if (of.written === before && before > 0) return before
    before = of.written
  }
}

async function digestOf(message: AsyncIterable<unknown>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of message) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

test.each([
  ['of a known length', { 'content-length': String(LARGE) }],
  ['of an unknown one', { 'transfer-encoding': 'chunked' }],
])('an upload %s waits for an API that does not read', async (_, headers) => {
  const { open, opened } = gate()
  const arrived: IncomingMessage['headers'][] = []
  const { send } = await standing({
    answer: async (asked, response) => {
      arrived.push(asked.headers)
      await opened
      response.end(await digestOf(asked))
    },
  })
  const asked = send('/upload', { method: 'POST', headers })
  const answered = answerTo(asked)
  const { state, done } = writing(asked)
  expect(await settled(state)).toBeLessThan(HELD)
  open()
  await done
  asked.end()
  expect((await bodyOf(await answered)).toString()).toBe(DIGEST)
  expect(arrived[0]).toMatchObject(headers)
})

test('a download waits for a program that does not read', async () => {
  const sent = { written: 0 }
  const { send } = await standing({
    answer: async (_, response) => {
      const { state, done } = writing(response)
      Object.defineProperty(sent, 'written', { get: () => state.written })
      await done
      response.end()
    },
  })
  const asked = send('/download')
  asked.end()
  const answer = await answerTo(asked)
  answer.pause()
  expect(await settled(sent)).toBeLessThan(HELD)
  expect(await digestOf(answer)).toBe(DIGEST)
})

test.each([
  ['reads on', (socket: Socket) => void socket.resume()],
  ['reads no more', (socket: Socket) => void socket.pause()],
  ['goes away', (socket: Socket) => void socket.end()],
])('an answer that comes before the upload is done arrives, of an API that %s', async (_, then) => {
  const { port, authorization } = await standing({ upstream: await tooLarge(then) })
  // The client of Node would write no more once it is answered; others do.
  const socket = connect(port, '127.0.0.1')
  const headers = [`Host: 127.0.0.1:${port}`, `Authorization: ${authorization}`, `Content-Length: ${LARGE}`]
  socket.write(`POST /upload HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
  let answer = ''
  socket.on('data', (chunk) => {
    answer += String(chunk)
  })
  const { state, done } = writing(socket)
  await done
  expect(state.written).toBe(LARGE)
  await expect.poll(() => answer).toMatch(/^HTTP\/1.1 413 [\s\S]*too large/)
  socket.destroy()
})

const TOO_LARGE = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\n\r\ntoo large'

async function tooLarge(then: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', () => socket.write(TOO_LARGE, () => then(socket)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('events come one by one, and that they will come is told before the first', async () => {
  const { open, opened } = gate()
  const { send } = await standing({
    answer: async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      await opened
      response.write('data: 1\n\n')
    },
  })
  const asked = send('/events')
  asked.end()
  const answer = await answerTo(asked)
  open()
  const [first] = await once(answer, 'data')
  expect(String(first)).toBe('data: 1\n\n')
  asked.on('error', () => undefined).destroy()
})

test('a program that goes away takes its request with it', async () => {
  const { open: arrived, opened: isThere } = gate()
  const { open: ended, opened: isGone } = gate()
  const { send, waiting } = await standing({
    answer: (asked) => {
      arrived()
      asked.on('close', ended)
    },
  })
  const asked = send('/long')
  asked.on('error', () => undefined)
  asked.end()
  await isThere
  expect(waiting).toEqual([0, 1])
  asked.destroy()
  await isGone
  expect(waiting).toEqual([0, 1, 0])
})

test('the end cuts what goes on, and waits for a renewal that has begun', async () => {
  const { open: begun, opened: hasBegun } = gate()
  const { open: finish, opened: finished } = gate()
  let kept = false
  const { send, proxy } = await standing({
    token: async () => {
      begun()
      await finished
      kept = true
      return new Secret('good')
    },
  })
  const asked = send('/v1')
  asked.on('error', () => undefined)
  asked.end()
  await hasBegun
  const closing = proxy.close().then(() => kept)
  await new Promise<void>((resolve) => asked.once('close', resolve))
  finish()
  expect(await closing).toBe(true)
})

/** A client that never finishes is cut off, and a long upload is not. One wait for all servers, the login's included. */
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { listenOnLoopback } from '../../src/platform/listen.ts'
import { startEndpoint } from '../../src/server/credential-endpoint.ts'
import { request, send } from '../login/sockets.ts'
import { bodyOf, standing } from './upstream.ts'

/** A client that writes a little each second, for as long as it may. */
function trickling(port: number, first: string, more: string) {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  socket.write(first)
  const timer = setInterval(() => socket.write(more), 1000)
  const over = new Promise<string>((resolve) =>
    socket.once('close', () => {
      clearInterval(timer)
      resolve(text)
    }),
  )
  onTestFinished(() => void socket.destroy())
  const end = (last: string) => {
    clearInterval(timer)
    socket.write(last)
  }
  return { end, over }
}

/** What is never done, and what is answered before the connection is closed. */
function endless(
  port: number,
  bearer: string,
): [what: string, answered: RegExp, first: string, more: string][] {
  const lines = (method: string, ...more: string[]) =>
    `${[`${method} /v1/keys HTTP/1.1`, ...more].join('\r\n')}\r\n`
  const host = `Host: 127.0.0.1:${port}`
  const length = 'Content-Length: 1000\r\n'
  return [
    ['nothing', /^HTTP\/1.1 408 /, '', ''],
    ['headers of a stranger', /^HTTP\/1.1 408 /, lines('GET', host), 'X: a\r\n'],
    ['headers of somebody', /^HTTP\/1.1 408 /, lines('GET', host, `Authorization: ${bearer}`), 'X: a\r\n'],
    ['the body of a stranger', /^HTTP\/1.1 401 /, lines('POST', host, length), 'x'],
    ['the body of a page', /^HTTP\/1.1 403 /, lines('POST', host, 'Origin: null', length), 'x'],
  ]
}

const expectAll = (all: ReturnType<typeof endless>, port: number) =>
  Promise.all(
    all.map(async ([what, answered, first, more]) => {
      expect(await trickling(port, first, more).over, what).toMatch(answered)
    }),
  )

/** The server that a browser comes back to at the end of a login. */
async function expectListenerCuts(): Promise<void> {
  const reply = { status: 200, headers: {}, body: '' }
  const listener = await listenOnLoopback({ host: '127.0.0.1', ports: [0] }, () => reply)
  onTestFinished(listener.close)
  const started = performance.now()
  const { status } = await send(listener.port, request('/', 'a').slice(0, -2))
  expect([0, 400, 408]).toContain(status)
  expect(performance.now() - started).toBeLessThan(14_000)
}

test('endpoint, proxy and login listener cut a client that never finishes; the proxy waits for an upload', async () => {
  const options = { place: { port: 0 }, path: '/v1/keys', bearerInPath: false, answer: async () => '{}' }
  const endpoint = await startEndpoint(options)
  onTestFinished(endpoint.close)
  const { port: proxied, authorization } = await standing({
    answer: async (asked, response) => response.end(`${(await bodyOf(asked)).length}`),
  })
  const port = Number(new URL(endpoint.url).port)
  const good = `Authorization: ${endpoint.bearer.reveal()}`
  const uploading = trickling(
    proxied,
    `POST /v1 HTTP/1.1\r\nHost: 127.0.0.1:${proxied}\r\nAuthorization: ${authorization}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`,
    '1\r\nx\r\n',
  )
  const unread = `GET /v1/keys HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${good}\r\nContent-Length: 1000\r\n\r\n`
  const ofEndpoint = endless(port, endpoint.bearer.reveal())
  ofEndpoint.push(['the body of somebody', /^HTTP\/1.1 200 /, unread, 'x'])
  await Promise.all([
    expectListenerCuts(),
    expectAll(ofEndpoint, port),
    expectAll(endless(proxied, authorization), proxied),
  ])
  uploading.end('0\r\n\r\n')
  expect(await uploading.over).toMatch(/^HTTP\/1.1 200 [\s\S]*\r\n\r\n[1-9]\d*$/)
})

/** Whoever sends what no client sends: nobody behind the door is asked, nothing is told, nothing hangs, and it goes on. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { startEndpoint } from '../../src/server/credential-endpoint.ts'
import { standing } from './upstream.ts'

const CREDENTIAL = 'a-credential-of-the-cloud'

/** A door, and how often somebody behind it was asked. */
interface Open {
  port: number
  bearer: string
  asked(): number
}

async function endpoint(): Promise<Open> {
  let asked = 0
  const answer = async () => {
    asked += 1
    return JSON.stringify({ Token: CREDENTIAL })
  }
  const { url, bearer, close } = await startEndpoint({
    place: { port: 0 },
    path: '/v1/keys',
    bearerInPath: false,
    answer,
  })
  onTestFinished(close)
  return { port: Number(new URL(url).port), bearer: bearer.reveal(), asked: () => asked }
}

async function proxy(): Promise<Open> {
  let asked = 0
  const { port, proxy } = await standing({
    token: async () => new Secret(CREDENTIAL),
    answer: (request, response) => {
      asked += 1
      request.resume().on('end', () => response.end('{}'))
    },
  })
  return { port, bearer: proxy.bearer.reveal(), asked: () => asked }
}

const DOORS = [
  ['the endpoint', endpoint],
  ['the proxy', proxy],
] as const

/** All that comes back until the other side closes. */
async function raw(port: number, bytes: string | Buffer, then: 'ends' | 'waits' = 'waits'): Promise<string> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  if (then === 'ends') socket.end(bytes)
  else socket.write(bytes)
  await once(socket, 'close')
  return text
}

const lines = (...all: string[]) => `${all.join('\r\n')}\r\n\r\n`

/** Of what shows its bearer, all but the first line. */
type Written = (shown: string) => string

const got = (...more: string[]): Written => {
  return (shown) => lines('GET /v1/keys HTTP/1.1', shown, ...more)
}
const posted = (body: string, ...more: string[]): Written => {
  return (shown) => `${lines('POST /v1/keys HTTP/1.1', shown, ...more)}${body}`
}
const CHUNKED = 'Transfer-Encoding: chunked'
const END = '0\r\n\r\n'
const many = (number: number, header: string) => Array.from({ length: number }, () => header)

const MALFORMED: [what: string, status: number, Written][] = [
  ['bare line feeds', 400, (shown) => `GET /v1/keys HTTP/1.1\n${shown.replaceAll('\r', '')}\n\n`],
  ['a bare carriage return', 400, (shown) => `GET /v1/keys HTTP/1.1\r${shown}\r\n\r\n`],
  ['HTTP/0.9', 421, () => 'GET /v1/keys\r\n\r\n'],
  ['HTTP/2', 400, () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'],
  ['HTTP/3.7', 400, (shown) => lines('GET /v1/keys HTTP/3.7', shown)],
  ['TLS', 400, () => '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'],
  ['a method in small letters', 400, (shown) => lines('get /v1/keys HTTP/1.1', shown)],
  ['a huge method', 400, (shown) => lines(`${'G'.repeat(40_000)} /v1/keys HTTP/1.1`, shown)],
  ['a NUL in a header', 400, got('X: a\0b')],
  ['a space before the colon', 400, got('X : a')],
  ['a folded header', 400, got('X: a', ' b')],
  ['a header without a colon', 400, got('X')],
  ['a header without a name', 400, got(': x')],
  ['a huge header', 431, got(`X: ${'x'.repeat(40_000)}`)],
  ['a page behind three thousand headers', 403, got(...many(3000, 'a:'), 'Origin: null')],
  ['another host behind three thousand headers', 421, got(...many(3000, 'a:'), 'Host: evil.example')],
  ['headers that end too early', 400, (shown) => `GET /v1/keys HTTP/1.1\r\n${shown}`],
  ['what is expected of nobody', 417, got('Expect: 200-ok')],
  ['chunks and a length', 400, posted(END, CHUNKED, 'Content-Length: 3')],
  ['two lengths', 400, posted('hello', 'Content-Length: 0', 'Content-Length: 5')],
  ['two lengths in one', 400, posted('hello', 'Content-Length: 0, 5')],
  ['a length with a sign', 400, posted('hello', 'Content-Length: +5')],
  ['a length below zero', 400, posted('hello', 'Content-Length: -5')],
  ['a length beyond all numbers', 400, posted('hello', 'Content-Length: 99999999999999999999')],
  ['chunks of another kind', 400, posted(END, 'Transfer-Encoding: xchunked')],
  ['chunks, and then something else', 400, posted(END, 'Transfer-Encoding: chunked, identity')],
  ['chunks in chunks', 400, posted(END, CHUNKED, CHUNKED)],
  ['a chunk without a size', 400, posted(`zz\r\nhello\r\n${END}`, CHUNKED)],
  ['a chunk beyond all numbers', 400, posted(`fffffffffffffffff\r\nhello\r\n${END}`, CHUNKED)],
  ['a chunk that says too much', 413, posted(`3;${'x'.repeat(40_000)}\r\nabc\r\n${END}`, CHUNKED)],
]

const ANOTHER = 'x'.repeat(43)

describe.each(DOORS)('%s', (_, open) => {
  const shownAt = (port: number, bearer: string) =>
    `Host: 127.0.0.1:${port}\r\nAuthorization: Bearer ${bearer}`

  /** It goes on as if nothing had been. */
  async function expectGood({ port, bearer }: Open) {
    const request = lines('GET /v1/keys HTTP/1.1', shownAt(port, bearer), 'Connection: close')
    expect(await raw(port, request)).toMatch(/^HTTP\/1.1 200 /)
  }

  function expectNothing(text: string, { bearer, asked }: Open) {
    expect(text).not.toContain(bearer)
    expect(text).not.toContain(CREDENTIAL)
    expect(asked()).toBe(0)
  }

  test.each(MALFORMED)('%s: %i, with the bearer and without it', async (_, status, written) => {
    const door = await open()
    for (const bearer of [ANOTHER, door.bearer]) {
      const text = await raw(door.port, Buffer.from(written(shownAt(door.port, bearer)), 'latin1'), 'ends')
      // Whoever is no one is told that first where it is seen before the rest.
      expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
      expectNothing(text, door)
    }
    await expectGood(door)
  })

  test.each([
    ['HTTP/1.0', (shown: string) => lines('GET /v1/keys HTTP/1.0', shown)],
    ['a websocket', got('Connection: close, Upgrade', 'Upgrade: websocket')],
    ['HTTP/2 in clear', got('Connection: close, Upgrade', 'Upgrade: h2c', 'HTTP2-Settings: AAA')],
    ['somebody who waits to be asked on', got('Connection: close', 'Expect: 100-continue')],
    ['chunks with words of their own', posted(`5;a=b\r\nhello\r\n${END}`, CHUNKED, 'Connection: close')],
  ] satisfies [string, Written][])('%s is a request like any other', async (_, written) => {
    const door = await open()
    const bad = await raw(door.port, written(shownAt(door.port, ANOTHER)))
    expect(bad.replace(/^HTTP\/1.1 100 Continue\r\n\r\n/, '')).toMatch(/^HTTP\/1.1 401 /)
    expectNothing(bad, door)
    const text = await raw(door.port, written(shownAt(door.port, door.bearer)))
    expect(text).toMatch(/^(HTTP\/1.1 100 Continue\r\n\r\n)?HTTP\/1.1 (200|405) /)
    expect(text).not.toContain(door.bearer)
  })

  test.each([
    'evil.example:PORT',
    '127.0.0.1',
    '127.0.0.1:1',
    '127.0.0.1:0PORT',
    '127.0.0.1:PORT.',
    '127.0.0.1.:PORT',
    '127.0.0.1.nip.io:PORT',
    'localhost:PORT',
    'localhost.:PORT',
    '[::1]:PORT',
    '[::ffff:127.0.0.1]:PORT',
    '0.0.0.0:PORT',
    '127.1:PORT',
    '2130706433:PORT',
    '0x7f000001:PORT',
    'ada@127.0.0.1:PORT',
    '127.0.0.1:PORT/',
    '127.0.0.1:PORT, 127.0.0.1:PORT',
    '',
  ])('the host "%s" is none of ours', async (host) => {
    const door = await open()
    const own = host.replaceAll('PORT', String(door.port))
    const shown = `Host: ${own}\r\nAuthorization: Bearer ${door.bearer}`
    const text = await raw(door.port, lines('GET /v1/keys HTTP/1.1', shown, 'Connection: close'))
    expect(text).toMatch(/^HTTP\/1.1 421 /)
    expectNothing(text, door)
  })

  test.each([
    ['two at once are answered in order', ['ours', 'ours'], [200, 200]],
    ['a stranger behind somebody is a stranger', ['ours', 'another'], [200, 401]],
    ['somebody behind a stranger is not heard', ['another', 'ours'], [401]],
  ])('%s', async (_, who, statuses) => {
    const door = await open()
    const each = who.map((one, index) => {
      const shown = shownAt(door.port, one === 'ours' ? door.bearer : ANOTHER)
      return lines('GET /v1/keys HTTP/1.1', shown, ...(index > 0 ? ['Connection: close'] : []))
    })
    const text = await raw(door.port, each.join(''))
    expect([...text.matchAll(/HTTP\/1.1 (\d+) /g)].map(([, status]) => Number(status))).toEqual(statuses)
    expect(text).not.toContain(door.bearer)
  })

  test.each(['GET', 'POST'])('a request in the body of a %s is no request', async (method) => {
    const door = await open()
    const shown = shownAt(door.port, door.bearer)
    const inner = lines('GET /v1/keys HTTP/1.1', shown)
    const length = `Content-Length: ${inner.length}`
    for (const bearer of [ANOTHER, door.bearer]) {
      const outer = lines(
        `${method} /v1/keys HTTP/1.1`,
        shownAt(door.port, bearer),
        length,
        'Connection: close',
      )
      expect((await raw(door.port, outer + inner)).match(/HTTP\/1.1 \d+ /g)).toHaveLength(1)
    }
    expect(door.asked()).toBeLessThan(2)
  })
})

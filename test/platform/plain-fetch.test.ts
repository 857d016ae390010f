/** Whatever a server does, the light fetch ends as the built-in one does. */
import { createServer as createHttp, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import tls from 'node:tls'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { Fetch } from '../../src/core/types.ts'
import { createUnreachableError } from '../../src/oauth/http.ts'
import { createPlainFetch } from '../../src/platform/plain-fetch.ts'
import { CA, EARLY, ELSEWHERE, EXPIRED, GOOD, KEY, SELF_SIGNED } from './certificates.ts'

const handedOn: unknown[] = []
const light = createPlainFetch((input) => {
  handedOn.push(input)
  return Promise.reject(new Error('handed on'))
})
const FETCHES: Record<string, Fetch> = { light, 'built-in': (input, init) => fetch(input, init) }

const servers: Server[] = []
const sockets = new Set<Socket>()
afterAll(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers) server.close()
})

async function listening(server: Server, protocol = 'http'): Promise<string> {
  servers.push(server)
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}/x?y=z`
}

/** Waits for the end of the request, then does as it was told. */
const raw = (answer: (socket: Socket) => unknown) =>
  listening(
    createServer((socket) => {
      let asked = ''
      socket.on('error', () => undefined)
      socket.on('data', (bytes) => {
        asked += bytes
        if (asked.endsWith('\r\n\r\na=b')) answer(socket)
      })
    }),
  )

const says =
  (...parts: (string | Uint8Array)[]) =>
  (socket: Socket) => {
    for (const part of parts) socket.write(part)
    socket.end()
  }

const plain = (signal: AbortSignal): RequestInit => ({
  method: 'POST',
  headers: { accept: 'application/json', authorization: 'Bearer T' },
  body: new URLSearchParams({ a: 'b' }),
  redirect: 'manual',
  signal,
})

/** What a caller can know of it. */
async function outcome(ask: Fetch, url: string, signal: AbortSignal = new AbortController().signal) {
  try {
    const answer = await ask(url, plain(signal))
    expect(answer).toBeInstanceOf(Response)
    const { status, statusText, ok, redirected, headers } = answer
    const rest = { statusText, ok, redirected, headers: [...headers], cookies: headers.getSetCookie() }
    const body = await answer.text().catch((error: unknown) => failure(error, url))
    return { status, ...rest, hasBody: answer.body !== null, body }
  } catch (error) {
    return failure(error, url)
  }
}

function failure(error: unknown, url: string) {
  const { name, message, cause } = error as Error
  const { code } = (cause ?? {}) as { code?: string }
  const { message: said, hint } = createUnreachableError(new URL(url), error)
  // Two parsers, two words for what they do not understand.
  const isGarbage =
    /^(HPE|UND_ERR_HEADERS_OVERFLOW|ERR_ASSERTION|ERR_SSL|EPROTO)/.test(String(code)) ||
    said.includes('does not match the HTTP/1.1 protocol')
  return isGarbage ? { name, message, isGarbage } : { name, message, code, said, hint }
}

const OK = 'HTTP/1.1 200 OK\r\n'
const JSON_BODY = '{"access_token":"T"}'
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`
const compressed = (encoding: string, body: Uint8Array) =>
  says(`${OK}Content-Encoding: ${encoding}\r\nContent-Length: ${body.length}\r\n\r\n`, body)
const closing = (status: string) => says(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)

const ANSWERS: Record<string, (socket: Socket) => unknown> = {
  'a body of known length': says(
    `${OK}Content-Length: 20\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\n\r\n`,
    JSON_BODY,
  ),
  'a body until the connection ends': says(`${OK}Connection: close\r\n\r\n`, JSON_BODY),
  'a body in chunks': says(CHUNKED, '5\r\nhello\r\n', '6\r\n world\r\n', '0\r\n\r\n'),
  'HTTP/1.0': says('HTTP/1.0 200 OK\r\n\r\n', JSON_BODY),
  'no body': says(`${OK}Content-Length: 0\r\n\r\n`),
  '204': closing('204 No Content'),
  '205 with a body all the same': says('HTTP/1.1 205 Reset\r\nContent-Length: 2\r\n\r\n', 'ab'),
  '304': closing('304 Not Modified'),
  'a redirect': says('HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n', 'ab'),
  '401 with a challenge': says(
    'HTTP/1.1 401 No\r\nWWW-Authenticate: DPoP error="x"\r\nContent-Length: 0\r\n\r\n',
  ),
  '503 with Retry-After': says('HTTP/1.1 503 No\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n'),
  'no reason behind the status': says('HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n', 'a'),
  'headers said twice': says(
    `${OK}X-A: 1\r\nX-A: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n`,
  ),
  'a header in Latin 1': says(Buffer.from(`${OK}X-A: caf\xe9\r\nContent-Length: 0\r\n\r\n`, 'latin1')),
  '103 before the answer': says(
    'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n',
    `${OK}Content-Length: 1\r\n\r\na`,
  ),
  'another protocol': says('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
  'one MiB': says(`${OK}Content-Length: ${1 << 20}\r\n\r\n`, Buffer.alloc(1 << 20, 'a')),
  gzip: compressed('gzip', gzipSync(JSON_BODY)),
  'x-gzip': compressed('X-GZip', gzipSync(JSON_BODY)),
  deflate: compressed('deflate', deflateSync(JSON_BODY)),
  br: compressed('br', brotliCompressSync(JSON_BODY)),
  'an unknown compression': compressed('lz9', Buffer.from('??')),
  'gzip that is none': compressed('gzip', Buffer.from('not gzip')),
  'gzip that breaks off': compressed('gzip', gzipSync(JSON_BODY).subarray(0, 24)),
  'gzip with nothing in it': compressed('gzip', Buffer.alloc(0)),
  garbage: says('SSH-2.0-OpenSSH_9.2p1\r\n'),
  'a status of two digits': says('HTTP/1.1 20 OK\r\n\r\n'),
  'a header line that is none': says(`${OK}no colon\r\n\r\n`),
  'a header of 64 KiB': says(`${OK}X-A: ${'a'.repeat(1 << 16)}\r\nContent-Length: 0\r\n\r\n`),
  'a chunk of no length': says(CHUNKED, 'zz\r\nhello\r\n'),
  'nothing at all': (socket) => socket.end(),
  'half a header': says(`${OK}Content-Le`),
  'half a body': says(`${OK}Content-Length: 20\r\n\r\n`, '{"access'),
  'half a body in chunks': says(CHUNKED, '5\r\nhello\r\n'),
  'a reset': (socket) => socket.resetAndDestroy(),
  'a reset within the body': (socket) => {
    socket.write(`${OK}Content-Length: 20\r\n\r\n{"acc`)
    setTimeout(() => socket.resetAndDestroy(), 50)
  },
}

describe('a server answers with', () => {
  test.each(Object.entries(ANSWERS))('%s', async (_, answer) => {
    const url = await raw(answer)
    expect(await outcome(light, url)).toEqual(await outcome(FETCHES['built-in']!, url))
  })
})

test('100 is not the answer yet, where the built-in fetch gives up', async () => {
  const url = await raw(says('HTTP/1.1 100 Continue\r\n\r\n', `${OK}Content-Length: 1\r\n\r\na`))
  expect(await outcome(light, url)).toMatchObject({ status: 200, body: 'a' })
})

test('no server listens', async () => {
  const gone = createServer()
  const url = await listening(gone)
  await new Promise((resolve) => gone.close(resolve))
  const { 'built-in': whole } = FETCHES
  expect(await outcome(light, url)).toEqual(await outcome(whole!, url))
  expect(await outcome(light, url)).toMatchObject({ code: 'ECONNREFUSED' })
})

test('a name that does not exist', async () => {
  const url = 'http://nobody.invalid/'
  const found = await outcome(light, url)
  expect(found).toEqual(await outcome(FETCHES['built-in']!, url))
  expect(found).toMatchObject({ name: 'TypeError', message: 'fetch failed' })
})

/** A server that never ends its answer, and when it is left. */
async function beginning() {
  let close = (_: unknown) => {}
  const closed = new Promise((resolve) => {
    close = resolve
  })
  const url = await raw((socket) => {
    socket.on('close', close)
    socket.write(`${OK}Content-Length: 20\r\n\r\n{"acc`)
  })
  return { url, closed }
}

describe('TLS', () => {
  const secured = (cert: string) =>
    listening(
      tls.createServer({ key: KEY, cert }, (socket) => {
        socket.on('error', () => undefined)
        socket.once('data', () => socket.end(`${OK}Content-Length: 2\r\n\r\nab`))
      }),
      'https',
    )

  /** NODE_EXTRA_CA_CERTS is read when a process starts. */
  function trusting(ca: string) {
    const real = tls.createSecureContext
    return vi.spyOn(tls, 'createSecureContext').mockImplementation((options) => real({ ...options, ca }))
  }

  test.each([
    ['good', GOOD, undefined],
    ['for another host', ELSEWHERE, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['expired', EXPIRED, 'CERT_HAS_EXPIRED'],
    ['not yet good', EARLY, 'CERT_NOT_YET_VALID'],
    ['signed by itself', SELF_SIGNED, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ])('a certificate that is %s', async (_, cert, code) => {
    const spy = trusting(CA)
    try {
      const url = await secured(cert)
      const found = await outcome(light, url)
      expect(found).toEqual(await outcome(FETCHES['built-in']!, url))
      expect(found).toMatchObject(code ? { code } : { status: 200, body: 'ab' })
    } finally {
      spy.mockRestore()
    }
  })

  test('a certificate of an untrusted issuer', async () => {
    const url = await secured(GOOD)
    const found = await outcome(light, url)
    expect(found).toEqual(await outcome(FETCHES['built-in']!, url))
    expect(found).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
  })

  test('a server that does not speak it', async () => {
    const url = (await listening(createServer((socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n')))).replace(
      'http',
      'https',
    )
    expect(await outcome(light, url)).toEqual(await outcome(FETCHES['built-in']!, url))
  })
})

describe.each(Object.entries(FETCHES))('%s: given up', (_, ask) => {
  const reason = new Error('enough')

  test('before it began, nothing is sent', async () => {
    let asked = 0
    const url = await listening(createServer(() => asked++))
    await expect(ask(url, plain(AbortSignal.abort(reason)))).rejects.toBe(reason)
    expect(asked).toBe(0)
  })

  test('before the answer', async () => {
    const over = new AbortController()
    const closed = new Promise((resolve) => {
      void raw((socket) => {
        socket.on('close', resolve)
        over.abort(reason)
      }).then((url) => expect(ask(url, plain(over.signal))).rejects.toBe(reason))
    })
    await closed
  })

  test('within the body', async () => {
    const over = new AbortController()
    const { url, closed } = await beginning()
    const { body } = await ask(url, plain(over.signal))
    const reader = body!.getReader()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('{"acc')
    const rest = reader.read()
    over.abort(reason)
    await expect(rest).rejects.toBe(reason)
    await closed
  })

  test('a body that is not read to its end closes the connection', async () => {
    const { url, closed } = await beginning()
    const { body } = await ask(url, plain(new AbortController().signal))
    await body!.cancel()
    await closed
  })
})

describe('a body that is read slowly', () => {
  test.each(Object.entries(FETCHES))('%s does not gather it in memory', async (_, ask) => {
    let sent = 0
    const url = await raw((socket) => {
      socket.write(`${OK}Content-Length: ${1 << 30}\r\n\r\n`)
      const more = () => {
        while (sent < 1 << 30 && socket.write(Buffer.alloc(1 << 16))) sent += 1 << 16
      }
      socket.on('drain', more)
      more()
    })
    const { body } = await ask(url, plain(new AbortController().signal))
    const reader = body!.getReader()
    await reader.read()
    // What the system buffers for a connection is a few MiB; what is not held back is a GiB.
    const full = async () => {
      const before = sent
      await new Promise((resolve) => setTimeout(resolve, 200))
      return sent === before
    }
    await expect.poll(full).toBe(true)
    expect(sent).toBeLessThan(64 << 20)
    await reader.cancel()
  })
})

describe('what is sent', () => {
  const asked: { method?: string; headers: object; body: string; port: number | undefined }[] = []
  const listener: RequestListener = (request, response) => {
    let body = ''
    request.on('data', (bytes) => {
      body += bytes
    })
    request.on('end', () => {
      const { method, headers, socket } = request
      asked.push({ method: method!, headers, body, port: socket.remotePort })
      response.end('ok')
    })
  }
  const signal = new AbortController().signal
  /** What the built-in fetch says of itself, and what would make servers compress. */
  const OWN = ['accept-encoding', 'accept-language', 'sec-fetch-mode', 'connection']

  async function both(url: string, init: RequestInit) {
    asked.length = 0
    for (const ask of [light, FETCHES['built-in']!]) {
      const answer = await ask(url, { redirect: 'manual', signal, ...init })
      expect(await answer.text()).toBe('ok')
    }
    const told = asked.map(({ method, headers, body }) => ({
      ...{ method, body },
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN.includes(name))),
    }))
    expect(told[0]).toEqual(told[1])
    return asked[0]!
  }

  test('is what fetch sends, but for compression, which is not asked for', async () => {
    const url = await listening(createHttp(listener))
    await both(url, {})
    await both(`${url}#part`, {
      method: 'GET',
      headers: [
        ['X-A', '1'],
        ['x-a', '2'],
      ],
    })
    await both(url, { method: 'POST' })
    await both(url, { method: 'POST', body: '' })
    await both(url, { method: 'POST', body: 'é' })
    await both(url, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } })
    await both(url, {
      method: 'POST',
      body: new URLSearchParams({ a: 'é &' }),
      headers: new Headers({ a: 'b' }),
    })
    const last = await both(url, { headers: { host: 'id.example', 'user-agent': 'us', accept: 'a/b' } })
    expect(last.headers).not.toHaveProperty('accept-encoding')
    expect(handedOn).toEqual([])
  })

  test('the connection is used again', async () => {
    const url = await listening(createHttp(listener))
    asked.length = 0
    for (let round = 0; round < 3; round++) await (await light(url, plain(signal))).text()
    expect(new Set(asked.map(({ port }) => port)).size).toBe(1)
  })

  test.each<[string, RequestInit | undefined]>([
    ['no options', undefined],
    ['a redirect that is to be followed', { redirect: 'follow' }],
    ['no limit', { signal: null }],
    ['a method of its own', { method: 'PUT' }],
    ['a GET with a body', { body: 'x' }],
    ['a body of bytes', { method: 'POST', body: new Uint8Array(1) }],
    ['a body in parts', { method: 'POST', body: new FormData() }],
    ['options that are not known here', { cache: 'no-store' }],
    ['headers of the connection', { headers: { connection: 'close' } }],
  ])('%s: fetch does it', async (_, init) => {
    const options = init && ({ redirect: 'manual', signal, ...init } as RequestInit)
    await expect(light('http://127.0.0.1:1/', options)).rejects.toThrow('handed on')
  })

  test.each([
    ['a Request', new Request('http://127.0.0.1:1/')],
    ['another protocol', 'data:,x'],
    ['a name and a password', 'http://a:b@127.0.0.1:1/'],
    ['no address', 'nowhere'],
  ])('%s: fetch does it', async (_, input) => {
    await expect(light(input, { redirect: 'manual', signal })).rejects.toThrow('handed on')
  })

  test.each(Object.entries(FETCHES))('%s: a header that cannot be sent is an error', async (_, ask) => {
    const init = { redirect: 'manual', signal, headers: { a: 'b\nc: d' } } as const
    await expect(ask('http://127.0.0.1:1/', init)).rejects.toThrow(TypeError)
  })
})

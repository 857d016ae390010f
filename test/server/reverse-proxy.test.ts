/** What goes through the proxy, and what does not. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { DaypassError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { STRANGERS } from './strangers.ts'
import { api, standing } from './upstream.ts'

describe('a request', () => {
  test('arrives as it was sent, with the token in the place of our bearer', async () => {
    const { ask, seen, upstream, authorization } = await standing()
    const { status, text } = await ask('/v1_1/acme/raw/upload?a=%2F&b=', {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'x-other': 'kept' },
      body: 'hello',
    })
    expect([status, text]).toEqual([200, 'seen POST'])
    expect(seen).toHaveLength(1)
    const [{ method, path, headers, body }] = seen as [(typeof seen)[number]]
    expect([method, path, body.toString()]).toEqual(['POST', '/v1_1/acme/raw/upload?a=%2F&b=', 'hello'])
    expect(headers).toMatchObject({
      authorization: 'Bearer good',
      host: new URL(upstream).host,
      'content-type': 'text/plain',
      'content-length': '5',
      'x-other': 'kept',
    })
    expect(JSON.stringify(headers)).not.toContain(authorization)
  })

  test.each(['GET', 'HEAD', 'DELETE', 'PUT', 'PATCH', 'OPTIONS'])('by %s goes through', async (method) => {
    const { ask, seen } = await standing()
    expect((await ask('/x', { method })).status).toBe(200)
    expect(seen[0]!.method).toBe(method)
  })

  test('leaves what belongs to one connection or one address behind, and so does its answer', async () => {
    const { ask, seen } = await standing({
      answer: (asked, response) => {
        seen.push({ method: '', path: '', headers: asked.headers, body: Buffer.alloc(0) })
        const own = ['set-cookie', 'a=1', 'alt-svc', 'h3', 'strict-transport-security', 'max-age=1']
        const mine = ['connection', 'x-mine', 'x-mine', '1', 'keep-alive', 'timeout=9', 'x-kept', '1']
        response.writeHead(200, [...mine, ...own]).end()
      },
    })
    const { headers } = await ask('/', {
      headers: {
        connection: 'close, x-secret',
        'x-secret': '1',
        te: 'trailers',
        'proxy-authorization': 'x',
        cookie: 'c=3',
      },
    })
    for (const name of ['x-secret', 'te', 'proxy-authorization', 'cookie'])
      expect(seen[0]!.headers).not.toHaveProperty(name)
    expect(headers).toHaveProperty('x-kept', '1')
    for (const name of ['x-mine', 'set-cookie', 'alt-svc', 'strict-transport-security'])
      expect(headers).not.toHaveProperty(name)
    expect(headers['keep-alive']).not.toBe('timeout=9')
  })

  test('whose answer is compressed is answered in clear, and whole', async () => {
    const text = 'x'.repeat(100_000)
    let wanted: unknown
    const { ask } = await standing({
      answer: ({ headers }, response) => {
        wanted = headers['accept-encoding']
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text))
      },
    })
    const answer = await ask('/', { headers: { 'accept-encoding': 'zstd' } })
    expect(answer.text).toBe(text)
    expect(wanted).not.toContain('zstd')
    expect(answer.headers).not.toHaveProperty('content-encoding')
  })

  test('that is sent elsewhere is not followed, so that no other server sees the token', async () => {
    const others: unknown[] = []
    const other = await api((asked, response) => {
      others.push(asked.headers)
      response.end()
    })
    const { ask } = await standing({
      answer: (_, response) => response.writeHead(307, { location: `${other}/there` }).end(),
    })
    const { status, headers } = await ask('/', { method: 'POST', body: 'x' })
    expect([status, headers.location]).toEqual([307, `${other}/there`])
    expect(others).toEqual([])
  })

  test('may be made by the `fetch` of Node, which says a thing that browsers say', async () => {
    const { proxy, authorization, seen } = await standing()
    const answer = await fetch(`${proxy.url}/v1`, { method: 'POST', body: 'x', headers: { authorization } })
    expect(await answer.text()).toBe('seen POST')
    expect(seen[0]!.headers).toHaveProperty('sec-fetch-mode')
  })

  test('stays below the path of the API', async () => {
    const { ask, seen } = await standing({ path: '/api/' })
    await ask('/v1')
    expect(seen.map(({ path }) => path)).toEqual(['/api/v1'])
    const climbing = ['/../v1', '/v1/../../v1', '/%2e%2e/v1', '/.%2E/v1', '/..\\v1', '/v1\\..\\..\\v1']
    const further = [
      '///../../../../v1',
      '/..',
      '/v1/../..',
      '/../apiary',
      '/../evil.example',
      '/..//evil.example/v1',
    ]
    for (const path of [...climbing, ...further]) expect((await ask(path)).status, path).toBe(400)
    expect(seen).toHaveLength(1)
    // What looks like another host or port is a path, too.
    for (const path of ['/\\evil.example/v1', '/@evil.example/v1', '/:1/v1', '/v1?//evil.example/../..'])
      expect((await ask(path)).status, path).toBe(200)
    for (const { path } of seen) expect(path).toMatch(/^\/api\//)
  })
})

describe('what is refused', () => {
  const nothing = async () => {
    throw new Error('nobody was to be asked')
  }

  test.each<(typeof STRANGERS)[number]>([
    ...STRANGERS,
    [
      'our bearer as something else',
      401,
      (ours, host) => [`Host: ${host}`, `Authorization: ${ours.replace('Bearer', 'Basic')}`],
    ],
  ])('%s: %i', async (_, status, headers) => {
    const { port, authorization, seen } = await standing({ token: nothing })
    const lines = headers(authorization, `127.0.0.1:${port}`)
    expect(await raw(port, ['GET /v1 HTTP/1.1', ...lines, 'Connection: close'])).toMatch(
      new RegExp(`^HTTP/1.1 ${status} `),
    )
    expect(seen).toEqual([])
  })

  test.each([
    ['CONNECT evil.example:443 HTTP/1.1', 405],
    ['TRACE /v1 HTTP/1.1', 405],
    ['GET http://evil.example/v1 HTTP/1.1', 400],
    ['GET v1 HTTP/1.1', 400],
    ['GET * HTTP/1.1', 400],
  ])('%s: %i', async (line, status) => {
    const { port, authorization, seen } = await standing({ token: nothing })
    const lines = [`Host: 127.0.0.1:${port}`, `Authorization: ${authorization}`, 'Connection: close']
    expect(await raw(port, [line, ...lines])).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(seen).toEqual([])
  })

  test('a path that looks like another host stays a path', async () => {
    const { ask, seen } = await standing()
    expect((await ask('//evil.example/v1')).status).toBe(200)
    expect(seen.map(({ path }) => path)).toEqual(['//evil.example/v1'])
  })

  test('a body where there can be none', async () => {
    const { ask, seen } = await standing()
    expect((await ask('/', { headers: { 'content-length': '1' }, body: 'x' })).status).toBe(400)
    expect(seen).toEqual([])
  })
})

async function raw(port: number, lines: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  await once(socket, 'close')
  return text
}

describe('a token that the API refuses', () => {
  const renewing = async (rejected?: Secret) => new Secret(rejected ? 'good' : 'stale')

  test.each([undefined, 'small', 'x'.repeat(1 << 20)])(
    'is renewed once, and the request sent again',
    async (body) => {
      const { ask, seen, tokens } = await standing({ token: renewing })
      const { status } = await ask('/v1', { method: 'POST', ...(body !== undefined && { body }) })
      expect(status).toBe(200)
      expect(tokens).toEqual([undefined, 'stale'])
      expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer stale', 'Bearer good'])
      expect(seen[1]!.body.equals(Buffer.from(body ?? ''))).toBe(true)
    },
  )

  test('is renewed for the next request where this one cannot be sent again', async () => {
    const { ask, seen, tokens } = await standing({ token: renewing })
    const body = Buffer.alloc((1 << 20) + 1, 'x')
    expect((await ask('/v1', { method: 'POST', body })).status).toBe(401)
    expect(tokens).toEqual([undefined, 'stale'])
    expect(seen.map(({ body: { length } }) => length)).toEqual([body.length])
  })

  test.each([1, (1 << 20) + 1])(
    'and whose successor it refuses, too, is its own affair: a request of %i bytes renews it once a minute',
    async (size) => {
      vi.useFakeTimers({ toFake: ['Date'] })
      onTestFinished(() => void vi.useRealTimers())
      let made = 0
      const token = async (rejected?: Secret) => new Secret(`bad ${rejected ? ++made : made}`)
      const { ask, tokens } = await standing({ token })
      const post = async () => (await ask('/v1', { method: 'POST', body: Buffer.alloc(size) })).status
      expect([await post(), await post(), await post()]).toEqual([401, 401, 401])
      expect(tokens).toEqual([undefined, 'bad 0', undefined, undefined])
      vi.advanceTimersByTime(60_001)
      expect(await post()).toBe(401)
      expect(tokens.slice(4)).toEqual([undefined, 'bad 1'])
    },
  )
})

describe('trouble', () => {
  test.each([
    [
      new DaypassError('login_required', 'acme needs a login: x', { hint: 'daypass login acme' }),
      401,
      'acme needs a login: x; daypass login acme',
    ],
    [new DaypassError('network', 'cannot reach x'), 502, 'cannot reach x'],
    [new Error('of ours, with a secret in it'), 500, 'this endpoint failed'],
  ])('is said as the API says its own: %s', async (error, status, message) => {
    const { ask } = await standing({ token: () => Promise.reject(error) })
    const answer = await ask('/v1')
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.text)).toEqual({ error: { message } })
  })

  test.each([
    [new DaypassError('network', 'cannot reach x'), [undefined, undefined]],
    [new DaypassError('login_required', 'acme needs a login'), [undefined, undefined, undefined, undefined]],
  ])('of renewing is told again for a second, where it passes: %s', async (error, tries) => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const { ask, tokens } = await standing({ token: () => Promise.reject(error) })
    const first = await ask('/v1')
    for (let round = 0; round < 2; round++) expect((await ask('/v1')).text).toBe(first.text)
    vi.advanceTimersByTime(1001)
    await ask('/v1')
    expect(tokens).toEqual(tries)
  })

  test('of an API that cannot be reached', async () => {
    const { ask } = await standing({ answer: (asked) => asked.socket.destroy() })
    const { status, text } = await ask('/v1')
    expect(status).toBe(502)
    expect(text).toMatch(/cannot reach 127.0.0.1:\d+: /)
  })
})

test('no proxy is started for an API by plain http on another machine', async () => {
  await expect(standing({ upstream: 'http://api.example.com' })).rejects.toMatchObject({
    code: 'configuration',
  })
})

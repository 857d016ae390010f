/** Who is answered by the endpoint, and what everybody else is told. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DaypassError } from '../../src/core/errors.ts'
import { startEndpoint } from '../../src/server/credential-endpoint.ts'
import { STRANGERS } from './strangers.ts'
import { answerTo, bodyOf } from './upstream.ts'

interface Options {
  bearerInPath?: boolean
  answer?: () => Promise<string>
}

async function standing({ bearerInPath = false, answer = async () => '{"a":1}' }: Options = {}) {
  let asked = 0
  const endpoint = await startEndpoint({
    place: { port: 0 },
    path: '/v1/keys',
    bearerInPath,
    answer,
    onAsked: () => {
      asked += 1
    },
  })
  onTestFinished(endpoint.close)
  const { port, host } = new URL(endpoint.url)
  const bearer = endpoint.bearer.reveal()
  /** Lines of a request; what comes back until the connection is closed. */
  const raw = async (...lines: string[]): Promise<string> => {
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    await once(socket, 'close')
    return text
  }
  const ask = async (path: string, authorization?: string, method = 'GET') => {
    const headers = authorization === undefined ? {} : { authorization }
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false })
    const answered = answerTo(sent)
    sent.end()
    const message = await answered
    return { status: message.statusCode, headers: message.headers, text: (await bodyOf(message)).toString() }
  }
  return { raw, ask, host, port: Number(port), bearer, asked: () => asked }
}

describe('a caller with the bearer', () => {
  test('is answered, bare and as RFC 6750 says, and nothing is kept on the way', async () => {
    const { ask, bearer } = await standing()
    for (const authorization of [bearer, `Bearer ${bearer}`]) {
      const { status, text, headers } = await ask('/v1/keys', authorization)
      expect([status, text]).toEqual([200, '{"a":1}'])
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'content-type': 'application/json' })
    }
    expect(await ask('/v1/keys', bearer, 'HEAD')).toMatchObject({ status: 200, text: '' })
  })

  test.each([
    ['GET', '/', 404],
    ['GET', '/v1', 404],
    ['GET', '/v1/keys/', 404],
    ['GET', '/v1/keys?', 404],
    ['GET', '/v1/../v1/keys', 404],
    ['GET', '/v1%2fkeys', 404],
    ['GET', '//v1/keys', 404],
    ['GET', '/V1/keys', 404],
    ['POST', '/v1/keys', 405],
    ['PUT', '/v1/keys', 405],
    ['OPTIONS', '/v1/keys', 405],
    ['TRACE', '/v1/keys', 405],
  ])('%s %s: %i', async (method, path, status) => {
    const { ask, bearer, asked } = await standing()
    expect((await ask(path, bearer, method)).status).toBe(status)
    expect(asked()).toBe(0)
  })

  test('may have it in the path where no header can be sent', async () => {
    const { ask, bearer } = await standing({ bearerInPath: true })
    expect(await ask(`/v1/keys/${bearer}`)).toMatchObject({ status: 200, text: '{"a":1}' })
    for (const path of [`/v1/keys/${bearer}x`, `/v1/keys/${bearer}/`, `/v1/keys//${bearer}`, `/${bearer}`])
      expect((await ask(path)).status).toBe(401)
    const other = await standing()
    expect((await other.ask(`/v1/keys/${other.bearer}`)).status).toBe(401)
  })
})

describe('a caller without it', () => {
  const nothing = async () => {
    throw new Error('nobody was to be asked')
  }

  test.each(STRANGERS)('%s: %i', async (_, status, headers) => {
    const { raw, bearer, host, asked } = await standing({ answer: nothing })
    const text = await raw('GET /v1/keys HTTP/1.1', ...headers(bearer, host), 'Connection: close')
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(text).not.toContain(bearer)
    expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toMatchObject({ Message: expect.any(String) })
    expect(asked()).toBe(0)
  })

  test.each([
    ['CONNECT evil.example:443 HTTP/1.1', 405],
    ['GET http://evil.example/v1/keys HTTP/1.1', 404],
    ['GET\0/v1/keys HTTP/1.1', 400],
    ['nonsense', 400],
    [`GET /${'x'.repeat(20_000)} HTTP/1.1`, 431],
  ])('%.40s: %i', async (line, status) => {
    const { raw, bearer, host, ask } = await standing()
    const text = await raw(line, `Host: ${host}`, `Authorization: ${bearer}`, 'Connection: close')
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect((await ask('/v1/keys', bearer)).status).toBe(200)
  })

  test('many that say nothing do not keep those away who may ask', async () => {
    const { port, ask, bearer } = await standing()
    const idle = Array.from({ length: 400 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
    await Promise.all(idle.map((socket) => once(socket, 'connect')))
    for (const socket of idle) if (!socket.destroyed) socket.write('GET /v1/keys HTTP/1.1\r\nX: ')
    expect((await ask('/v1/keys', bearer)).status).toBe(200)
    // The first of them have gone, and not the last.
    await expect.poll(() => idle.filter(({ destroyed }) => destroyed).length).toBeGreaterThan(140)
    expect(idle.at(-1)!.destroyed).toBe(false)
    for (const socket of idle) socket.destroy()
  })
})

test('it listens on 127.0.0.1 alone', async (context) => {
  if (process.platform !== 'linux') context.skip('there is no table of sockets to read')
  const { port } = await standing()
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const listening = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    readFileSync(table, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = '', , state]) => local.endsWith(`:${hex}`) && state === '0A')
      .map(([, local]) => local),
  )
  expect(listening).toEqual([`0100007F:${hex}`])
})

test.each([
  [
    new DaypassError('login_required', 'work needs a login: x', { hint: 'daypass login work' }),
    401,
    { Code: 'login_required', Message: 'work needs a login: x; daypass login work' },
  ],
  [new DaypassError('network', 'cannot reach x'), 502, { Code: 'network', Message: 'cannot reach x' }],
  [new DaypassError('refused', 'not you'), 403, { Code: 'refused', Message: 'not you' }],
  [new Error('of ours, with a secret in it'), 500, { Code: 'unexpected', Message: 'this endpoint failed' }],
])('trouble is told as the clouds tell theirs: %s', async (error, status, body) => {
  const { ask, bearer } = await standing({ answer: () => Promise.reject(error) })
  const { status: given, text } = await ask('/v1/keys', bearer)
  expect([given, JSON.parse(text)]).toEqual([status, body])
})

test('closed, it answers no request, not even on an open connection', async () => {
  const endpoint = await startEndpoint({
    place: { port: 0 },
    path: '/v1/keys',
    bearerInPath: false,
    answer: () => new Promise(() => undefined),
  })
  const { port } = new URL(endpoint.url)
  const headers = { authorization: endpoint.bearer.reveal() }
  const sent = request({ host: '127.0.0.1', port, path: '/v1/keys', headers, agent: false }).end()
  const cut = answerTo(sent).catch((error: NodeJS.ErrnoException) => error.code)
  await once(sent, 'finish')
  await endpoint.close()
  expect(await cut).toBe('ECONNRESET')
  const refused = connect(Number(port), '127.0.0.1')
  const [error] = await once(refused, 'error').catch((thrown) => [thrown])
  expect(error).toMatchObject({ code: 'ECONNREFUSED' })
})

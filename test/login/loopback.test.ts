import type { Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DaypassError } from '../../src/core/errors.ts'
import type { Host, LoopbackRequest, LoopbackResponse } from '../../src/core/types.ts'
import { type Loopback, openLoopback, type Verdict } from '../../src/login/loopback.ts'
import { listenOnLoopback } from '../../src/platform/listen.ts'
import { runs } from '../fuzz.ts'
import { hang, LOOPBACK_4, LOOPBACK_6, listeningOn, request, send } from './sockets.ts'

const STATE = 'right-state'

function check(params: URLSearchParams): Verdict<string> {
  if (params.get('state') !== STATE) return { ignored: 'state' }
  if (params.get('error')) return { error: new DaypassError('refused', 'the server refused') }
  const code = params.get('code')
  return code ? { code } : { ignored: 'no code' }
}

function open(host: '127.0.0.1' | 'localhost' = '127.0.0.1', ports = [0]) {
  return openLoopback(
    { listen: listenOnLoopback },
    { redirect: { host, ports, path: '/callback' }, check, title: 'Acme <Cloud>' },
  )
}

/** The same without a listener: its requests are made up. */
async function played() {
  const asked: { ask?: (request: LoopbackRequest) => LoopbackResponse | Promise<LoopbackResponse> } = {}
  const listen: Host['listen'] = async (_, ask) => {
    asked.ask = ask
    return { port: 9, close: async () => undefined }
  }
  const redirect = { host: '127.0.0.1', ports: [0], path: '/callback' } as const
  const { close } = await openLoopback({ listen }, { redirect, check, title: 'Acme' })
  return { ask: asked.ask!, close }
}

const RIGHT = `/callback?code=c0de&state=${STATE}`

let loopback: Loopback<string>
let port: number
let own: string
beforeEach(async () => {
  loopback = await open()
  port = loopback.port
  own = `127.0.0.1:${port}`
})
afterEach(() => loopback.close())

/** After whatever was tried before, the person's own browser still gets through. */
async function theLoginStillSucceeds(): Promise<void> {
  const page = send(port, request(RIGHT, own))
  expect(await loopback.received).toBe('c0de')
  loopback.settle('kept')
  const { status, body } = await page
  expect([status, body.includes('Logged in')]).toEqual([200, true])
}

describe('a forged callback changes nothing', () => {
  const over = 'x'.repeat(15_000)
  test.each<[string, (own: string) => string, number]>([
    ['a wrong state', (host) => request('/callback?code=evil&state=wrong', host), 400],
    ['no state', (host) => request('/callback?code=evil', host), 400],
    ['no parameters', (host) => request('/callback', host), 400],
    ['an error without the state', (host) => request('/callback?error=access_denied', host), 400],
    [
      'an error with a wrong state',
      (host) => request('/callback?error=access_denied&state=wrong', host),
      400,
    ],
    ['a wrong path', (host) => request(`/callback2?code=evil&state=${STATE}`, host), 404],
    ['a path below', (host) => request(`/callback/?code=evil&state=${STATE}`, host), 404],
    [
      'a path that would normalise to ours',
      (host) => request(`/x/../callback?code=evil&state=${STATE}`, host),
      404,
    ],
    ['a path in other letters', (host) => request(`/Callback?code=evil&state=${STATE}`, host), 404],
    ['the favicon', (host) => request('/favicon.ico', host), 404],
    ['an absolute target', (host) => request(`http://${host}${RIGHT}`, host), 404],
    ['a foreign host', (host) => request(RIGHT, `evil.example:${host.split(':')[1]}`), 421],
    ['a host without our port', () => request(RIGHT, '127.0.0.1'), 421],
    ['localhost, which we did not name', (host) => request(RIGHT, `localhost:${host.split(':')[1]}`), 421],
    ['a host that begins like ours', (host) => request(RIGHT, `${host}.evil.example`), 421],
    ['no host', () => `GET ${RIGHT} HTTP/1.1\r\n\r\n`, 421],
    ['an empty host', () => request(RIGHT, ''), 421],
    ['two hosts, ours first', (host) => request(RIGHT, host, { more: 'Host: evil.example\r\n' }), 421],
    ['two hosts, ours last', (host) => request(RIGHT, 'evil.example', { more: `Host: ${host}\r\n` }), 421],
    ['HTTP/1.0', () => `GET ${RIGHT} HTTP/1.0\r\n\r\n`, 421],
    [
      'POST',
      (host) => request(RIGHT, host, { method: 'POST', more: 'Content-Length: 4\r\n' }).concat('a=b&'),
      405,
    ],
    ['HEAD', (host) => request(RIGHT, host, { method: 'HEAD' }), 405],
    ['OPTIONS', (host) => request(RIGHT, host, { method: 'OPTIONS' }), 405],
    ['PUT', (host) => request(RIGHT, host, { method: 'PUT' }), 405],
    ['two codes', (host) => request(`${RIGHT}&code=evil`, host), 400],
    ['two states', (host) => request(`/callback?code=evil&state=${STATE}&state=wrong`, host), 400],
    ['two errors', (host) => request(`/callback?state=${STATE}&error=a&error=b`, host), 400],
    ['two issuers', (host) => request(`${RIGHT}&iss=a&iss=b`, host), 400],
    ['an overlong query', (host) => request(`${RIGHT}&pad=${over}${over}`, host), 431],
    ['overlong headers', (host) => request(RIGHT, host, { more: `X: ${over}\r\nY: ${over}\r\n` }), 431],
    ['no HTTP at all', () => '\u0016\u0003\u0001\u0000garbage\r\n\r\n', 400],
  ])('%s', async (_, bytes, status) => {
    const refused = await send(port, bytes(own))
    // What is too long is not read to its end, and the reset that follows may overtake the refusal.
    expect(status === 431 ? [0, 431] : [status]).toContain(refused.status)
    expect(refused.body.length).toBeLessThan(100)
    expect(refused.body).not.toMatch(/evil|code/)
    await theLoginStillSucceeds()
  })

  test.each([
    ['unreadable', '\u0016\u0003\u0001 hello\r\n\r\n'],
    ['too long', `GET /${'x'.repeat(17_000)} HTTP/1.1\r\n\r\n`],
    ['not for us', 'GET / HTTP/1.1\r\n\r\n'],
  ])('however many connections stay open after they were refused: %s', async (_, bytes) => {
    const held: Socket[] = []
    while (held.length < 610) {
      const socket = await hang(port, bytes)
      held.push(socket)
      await new Promise((resolve) => socket.once('readable', resolve).once('close', resolve))
    }
    await theLoginStillSucceeds()
    for (const socket of held) socket.destroy()
  })

  test('all of that at once, with half-open sockets', async () => {
    const half: Socket[] = []
    while (half.length < 700) {
      half.push(await hang(port), await hang(port, `GET ${RIGHT} HTTP/1.1\r\nHost: `))
    }
    await send(port, request('/callback?code=evil&state=wrong', own))
    await theLoginStillSucceeds()
    for (const socket of half) socket.destroy()
  })

  test('a second request behind the first on one connection is not heard', async () => {
    const both = request('/favicon.ico', own) + request(RIGHT.replace('c0de', 'evil'), own)
    const { status, body } = await send(port, both)
    expect([status, body]).toEqual([404, 'Not found.\n'])
    await theLoginStillSucceeds()
  })

  test('an overlong query is refused by the handler too, not by the parser alone', async () => {
    const { ask } = await played()
    const target = `${RIGHT}&pad=${'x'.repeat(17_000)}`
    expect(await ask({ method: 'GET', target, host: '127.0.0.1:9' })).toMatchObject({ status: 414 })
  })

  test('of all requests there could be, one is taken only by GET, at our path, of our host, with the state once', async () => {
    const mostly = (right: string, ...others: string[]) =>
      fc.oneof(
        { weight: 16, arbitrary: fc.constant(right) },
        { weight: 3, arbitrary: fc.constantFrom(...others) },
        { weight: 1, arbitrary: fc.string() },
      )
    const own = '127.0.0.1:9'
    const [encoded, other] = [encodeURIComponent(`state=${STATE}`), 'state=wrong']
    const query = fc.tuple(
      mostly(
        `state=${STATE}`,
        other,
        `State=${STATE}`,
        `%73tate=${STATE}`,
        `state=${STATE}%00`,
        'state',
        encoded,
      ),
      mostly(
        'code=c',
        'error=x',
        `code=c&state=${STATE}`,
        'code=c&code=d',
        'code=',
        '',
        '#',
        '?',
        '&',
        ';',
        '%',
      ),
      mostly(
        '',
        'iss=i',
        'iss=i&iss=j',
        other,
        `;state=${STATE}`,
        `state[]=${STATE}`,
        'error=x',
        'error=x&error=y',
      ),
    )
    const path = mostly(
      '/callback',
      '/',
      '/callback/',
      '//callback',
      '/Callback',
      '/%63allback',
      `http://${own}/callback`,
    )
    const host = mostly(
      own,
      'localhost:9',
      '127.0.0.1',
      '127.0.0.1:9 ',
      '127.0.0.1.:9',
      'x@127.0.0.1:9',
      '[::1]:9',
      '',
    )
    const method = mostly('GET', 'get', 'HEAD', 'POST', 'CONNECT', '')
    const target = fc.tuple(path, query).map(([at, parts]) => `${at}?${parts.join('&')}`)
    const request = fc.record({ method, target, host })
    const property = fc.asyncProperty(request, async (given) => {
      const { ask, close } = await played()
      const answer = Promise.resolve(ask(given))
      await close()
      const { status } = await answer
      expect([200, 400, 404, 405, 421]).toContain(status)
      if (status !== 200) return
      expect(given).toMatchObject({
        method: 'GET',
        host: '127.0.0.1:9',
        target: expect.stringMatching(/^\/callback\?/),
      })
      const parameters = new URLSearchParams(given.target.slice('/callback?'.length))
      expect(parameters.getAll('state')).toEqual([STATE])
      for (const name of ['code', 'error', 'iss']) expect(parameters.getAll(name).length).toBeLessThan(2)
    })
    await fc.assert(property, runs(1_000))
  })
})

describe('the right callback', () => {
  test('the page waits until the tokens are kept', async () => {
    let arrived = false
    const page = send(port, request(RIGHT, own)).finally(() => {
      arrived = true
    })
    await loopback.received
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(arrived).toBe(false)
    loopback.settle('kept')
    const { headers, body } = await page
    expect(body).toContain('<title>Logged in · daypass</title>')
    expect(headers.connection).toBe('close')
    expect(headers.server).toBeUndefined()
  })

  test('it never says success when they could not be kept', async () => {
    const page = send(port, request(RIGHT, own))
    await loopback.received
    loopback.settle('failed')
    loopback.settle('kept')
    expect((await page).body).toContain('<title>Login failed · daypass</title>')
  })

  test('the page arrives whole although the listener closes at once', async () => {
    for (let round = 0; round < 20; round++) {
      const each = await open()
      const page = send(
        each.port,
        request(RIGHT, `127.0.0.1:${each.port}`, { more: 'Connection: keep-alive\r\n' }),
      )
      await each.received
      each.settle('kept')
      await each.close()
      const { body, headers, broken } = await page
      expect(broken).toBe(false)
      expect(Buffer.byteLength(body)).toBe(Number(headers['content-length']))
      expect(body.trimEnd().endsWith('</html>')).toBe(true)
    }
  })

  test('closed before it was settled: the failure page', async () => {
    const page = send(port, request(RIGHT, own))
    await loopback.received
    await loopback.close()
    expect((await page).body).toContain('Login failed')
  })

  test('a second one is refused and changes nothing', async () => {
    const page = send(port, request(RIGHT, own))
    await loopback.received
    expect((await send(port, request(RIGHT.replace('c0de', 'other'), own))).status).toBe(409)
    loopback.settle('kept')
    expect((await page).status).toBe(200)
    expect((await send(port, request(RIGHT, own))).status).toBe(409)
    expect(await loopback.received).toBe('c0de')
  })

  test('the server’s refusal, with the right state, ends the login and shows nothing of it', async () => {
    const target = `/callback?error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E&state=${STATE}`
    const page = await send(port, request(target, own))
    await expect(loopback.received).rejects.toMatchObject({ code: 'refused' })
    expect(page.body).toContain('Login failed')
    expect(page.body).not.toMatch(/alert|access_denied/)
    expect(page.body).toContain('Acme &lt;Cloud&gt;')
  })

  test('nothing of ours is left on the port, and there is no unhandled rejection', async () => {
    const idle = await hang(port)
    await loopback.close()
    await loopback.close()
    expect((await send(port, request(RIGHT, own))).broken).toBe(true)
    await expect(loopback.received).rejects.toMatchObject({ code: 'cancelled' })
    idle.destroy()
  })
})

describe('where it listens', () => {
  test.skipIf(process.platform !== 'linux')('127.0.0.1 and nowhere else', () => {
    expect(listeningOn(port)).toEqual([LOOPBACK_4])
    expect(loopback.redirectUri).toBe(`http://127.0.0.1:${port}/callback`)
  })

  test.skipIf(process.platform !== 'linux')('localhost: both loopback addresses on one port', async () => {
    const both = await open('localhost')
    const addresses = listeningOn(both.port)
    expect([[LOOPBACK_4], [LOOPBACK_4, LOOPBACK_6]]).toContainEqual(addresses)
    expect(both.redirectUri).toBe(`http://localhost:${both.port}/callback`)
    for (const name of ['localhost', 'LOCALHOST', '127.0.0.1']) {
      const wrong = await send(both.port, request('/callback?state=wrong', `${name}:${both.port}`))
      expect(wrong.status).toBe(400)
    }
    if (addresses.length === 2) {
      const page = send(both.port, request(RIGHT, `localhost:${both.port}`), '::1')
      await both.received
      both.settle('kept')
      expect((await page).status).toBe(200)
    }
    await both.close()
  })
})

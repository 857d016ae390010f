/** A proxy before several hosts: which request goes to which of them, in which form, and that none goes elsewhere. */
import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createProofKey } from '../../src/oauth/dpop.ts'
import { buildUpstreamUrl, findRoute, type Route, rewriteAddress } from '../../src/server/proxy-route.ts'
import { runs } from '../fuzz.ts'
import { answerTo, api, bodyOf, standing } from './upstream.ts'

const ROUTES = [
  { prefix: '/api.example.com', base: 'https://api.example.com' },
  { prefix: '/example.com', base: 'https://example.com' },
  { prefix: '/127.0.0.1:3000', base: 'http://127.0.0.1:3000' },
  { prefix: '/[::1]:3000', base: 'http://[::1]:3000' },
]

/** A proxy before hosts that nobody asks: where requests would have gone. */
async function facing(routes: Route[] = ROUTES) {
  const asked: { url: string; authorization: string | null }[] = []
  const at = await standing({
    upstream: 'https://unused.example',
    routes: () => routes,
    fetch: async (input, init) => {
      const url = String(input instanceof Request ? input.url : input)
      asked.push({ url, authorization: new Headers(init?.headers).get('authorization') })
      return new Response('answered')
    },
  })
  /** The target as it is written; the status and the body of the answer. */
  async function raw(target: string, ...headers: string[]): Promise<{ status: number; text: string }> {
    const socket = connect(at.port, '127.0.0.1')
    const lines = [`GET ${target} HTTP/1.1`, `Host: 127.0.0.1:${at.port}`, ...headers, 'Connection: close']
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    await once(socket, 'close')
    return { status: Number(text.split(' ')[1]), text }
  }
  return { ...at, asked, raw, ours: `Authorization: ${at.authorization}` }
}

describe('a request goes', () => {
  test.each([
    ['/api.example.com/me?all=1', 'https://api.example.com/me?all=1'],
    ['/api.example.com/', 'https://api.example.com/'],
    ['/api.example.com', 'https://api.example.com/'],
    ['/api.example.com?a', 'https://api.example.com/?a'],
    ['/example.com/ada/project.git/info/refs', 'https://example.com/ada/project.git/info/refs'],
    ['/127.0.0.1:3000/x', 'http://127.0.0.1:3000/x'],
    ['/[::1]:3000/x', 'http://[::1]:3000/x'],
    ['/api.example.com//evil.test/x', 'https://api.example.com//evil.test/x'],
    ['/api.example.com/@evil.test/', 'https://api.example.com/@evil.test/'],
    ['/api.example.com/a%2F..%2Fb%5C', 'https://api.example.com/a%2F..%2Fb%5C'],
    ['/api.example.com/a/../b', 'https://api.example.com/b'],
  ])('by its prefix: %s', async (target, url) => {
    const { raw, ours, asked } = await facing()
    expect((await raw(target, ours)).status).toBe(200)
    expect(asked).toEqual([{ url, authorization: 'Bearer good' }])
  })

  test.each([
    ['/', 404],
    ['/me', 404],
    ['/evil.test/', 404],
    ['//evil.test/', 404],
    ['//api.example.com/', 404],
    ['/API.example.com/', 404],
    ['/api.example.com./', 404],
    ['/api.example.com:443/', 404],
    ['/api.example.com:80/', 404],
    ['/api.example.com@evil.test/', 404],
    ['/api.example.com.evil.test/', 404],
    ['/api.example.com%2f@evil.test/', 404],
    ['/api.example.com%40evil.test/', 404],
    ['/api.example.com\\@evil.test/', 404],
    ['/api.example.com#@evil.test/', 404],
    ['/ada:pw@api.example.com/', 404],
    ['/%61pi.example.com/', 404],
    ['/xn--api-.example.com/', 404],
    ['/./api.example.com/', 404],
    ['/x/../api.example.com/', 404],
    ['/https://api.example.com/', 404],
    ['/127.0.0.1:3001/', 404],
    ['/127.1:3000/', 404],
    ['/2130706433:3000/', 404],
    ['/api.example.com/../evil.test/', 400],
    ['/api.example.com/a/../../example.com/', 400],
    ['/api.example.com/%2e%2e/example.com/', 400],
    ['/api.example.com/.%2E/example.com/', 400],
    ['/api.example.com/..\\example.com/', 400],
    ['https://api.example.com/', 400],
    ['*', 400],
  ])('nowhere: %s', async (target, status) => {
    const { raw, ours, asked, tokens } = await facing()
    expect((await raw(target, ours)).status).toBe(status)
    expect([asked, tokens]).toEqual([[], []])
  })

  test('to the host that is written, below what is written, or nowhere', () => {
    const piece = fc.constantFrom(
      ...'/:@?#%.\\[]~ \t0aé\u3002\u200b'.split(''),
      ...['api.example.com', 'example.com', '127.0.0.1:3000', '[::1]:3000', 'evil.test', '..', '%2e', '%2F'],
      ...['//', '/../', ':443', 'https:', 'x@', '%00'],
    )
    const target = fc
      .tuple(fc.constantFrom(...ROUTES.map(({ prefix }) => prefix), ''), fc.array(piece, { maxLength: 9 }))
      .map(([prefix, rest]) => prefix + rest.join(''))
    let gone = 0
    fc.assert(
      fc.property(target, (target) => {
        const route = findRoute(ROUTES, target)
        const url = route && buildUpstreamUrl(route, target)
        if (!route || !url) return
        gone += 1
        expect(target.startsWith(route.prefix)).toBe(true)
        expect(url.origin).toBe(route.base)
        expect([url.username, url.password]).toEqual(['', ''])
        // Whoever reads it again reads the same.
        expect(new URL(url.href).href).toBe(url.href)
        expect(url.pathname).not.toMatch(/(^|\/)(\.|%2e){1,2}(\/|$)/i)
      }),
      runs(2000),
    )
    expect(gone).toBeGreaterThan(200)
  })
})

describe('who comes without our bearer', () => {
  test('is asked for one, as git understands it, and told of no host', async () => {
    const { raw, asked, waiting } = await facing()
    for (const target of ['/api.example.com/me', '/evil.test/']) {
      for (const headers of [
        [],
        ['Authorization: Bearer x'],
        [`Authorization: Basic ${basic('git', 'x')}`],
      ]) {
        const { status, text } = await raw(target, ...headers)
        expect(status).toBe(401)
        expect(text.toLowerCase()).toContain('www-authenticate: bearer, basic realm="daypass"\r\n')
        expect(text).not.toContain('example.com')
      }
    }
    expect([asked, waiting]).toEqual([[], [0]])
  })

  test('and who has it is told where there is something', async () => {
    const { raw, ours } = await facing()
    const { text } = await raw('/other.example/', ours)
    expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toEqual({
      error: {
        message:
          'there is nothing here; requests go below /api.example.com/, /example.com/, /127.0.0.1:3000/, /[::1]:3000/',
      },
    })
  })

  test.each(['origin: http://127.0.0.1', 'Sec-Fetch-Site: same-origin'])(
    'and a page with it is refused: %s',
    async (header) => {
      const { raw, ours, asked } = await facing()
      expect((await raw('/api.example.com/', ours, header)).status).toBe(403)
      expect(asked).toEqual([])
    },
  )
})

const basic = (user: string, password: string) => Buffer.from(`${user}:${password}`).toString('base64')

describe('the token goes', () => {
  test.each<[string, (bearer: string) => string, string]>([
    ['as bearer', (bearer) => `Bearer ${bearer}`, 'Bearer good'],
    ['as bearer in small letters', (bearer) => `bearer ${bearer}`, 'Bearer good'],
    ['as GitHub’s own tools write it', (bearer) => `token ${bearer}`, 'Bearer good'],
    ['as a password', (bearer) => `Basic ${basic('ada', bearer)}`, `Basic ${basic('ada', 'good')}`],
    ['as nobody’s password', (bearer) => `Basic ${basic('', bearer)}`, `Basic ${basic('oauth2', 'good')}`],
  ])('as our bearer came: %s', async (_, form, expected) => {
    const { raw, authorization, asked } = await facing()
    const bearer = authorization.replace('Bearer ', '')
    expect((await raw('/example.com/x', `Authorization: ${form(bearer)}`)).status).toBe(200)
    expect(asked).toEqual([{ url: 'https://example.com/x', authorization: expected }])
  })

  test.each<[string, (bearer: string) => string]>([
    ['as a user', (bearer) => `Basic ${basic(bearer, '')}`],
    ['in another scheme', (bearer) => `Digest ${bearer}`],
    ['bare', (bearer) => bearer],
    ['behind a password of somebody else', (bearer) => `Basic ${basic('ada', `x:${bearer}`)}`],
  ])('nowhere where it came %s', async (_, form) => {
    const { raw, authorization, asked } = await facing()
    const bearer = authorization.replace('Bearer ', '')
    expect((await raw('/example.com/x', `Authorization: ${form(bearer)}`)).status).toBe(401)
    expect(asked).toEqual([])
  })

  test('with what the API wants beside it, unless the program says it', async () => {
    const { ask, seen } = await standing({ headers: { 'x-tenant': 'acme', accept: 'application/json' } })
    await ask('/', { headers: { 'x-tenant': 'other' } })
    await ask('/')
    expect(seen.map(({ headers }) => headers['x-tenant'])).toEqual(['other', 'acme'])
    expect(seen[1]!.headers.accept).toBe('application/json')
  })

  test('once, where it cannot be renewed: what the API says of it is the answer', async () => {
    const { ask, tokens } = await standing({
      shown: { renewable: false },
      answer: (_, response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="api"' }).end('no'),
    })
    const { status, text, headers } = await ask('/x')
    expect([status, text, headers['www-authenticate']]).toEqual([401, 'no', 'Basic realm="api"'])
    expect(tokens).toEqual([undefined])
  })
})

describe('a token that is bound to a key', () => {
  /** An API that wants its nonce, and notes what else it is shown. */
  async function bound() {
    const shown: { authorization: string | undefined; proof: Record<string, unknown>; length: number }[] = []
    const at = await standing({
      shown: { key: { jwk: (await createProofKey()).jwk, clockOffset: 0 } },
      answer: async (asked, response) => {
        const { headers } = asked
        const { length } = await bodyOf(asked)
        const proof = JSON.parse(Buffer.from(String(headers.dpop).split('.')[1]!, 'base64url').toString())
        shown.push({ authorization: headers.authorization, proof, length })
        if (asked.url === '/moved') return response.writeHead(307, { location: '/me' }).end()
        if (proof.nonce === 'n-1') return response.end('in')
        const challenge = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'n-1' }
        return response.writeHead(401, challenge).end()
      },
    })
    return { ...at, shown }
  }

  test.each(['Bearer', 'Basic'])('is proved, and never a password: as %s', async (scheme) => {
    const { ask, shown, authorization, upstream, tokens } = await bound()
    const bearer = authorization.replace('Bearer ', '')
    const form = scheme === 'Basic' ? `Basic ${basic('ada', bearer)}` : authorization
    const headers = { authorization: form, dpop: 'of the program' }
    const { text } = await ask('/me?all=1', { method: 'POST', headers, body: 'small' })
    expect(text).toBe('in')
    expect(shown).toMatchObject([{}, { authorization: 'DPoP good', length: 5 }])
    expect(shown[1]!.proof).toMatchObject({ htm: 'POST', htu: `${upstream}/me` })
    expect(tokens).toEqual([undefined])
  })

  test('is led nowhere: the program is told where', async () => {
    const { ask, shown } = await bound()
    const { status, headers } = await ask('/moved')
    expect([status, headers.location, shown.length]).toEqual([307, expect.stringMatching(/\/me$/), 1])
  })

  test('does not cost an upload that cannot be sent again its memory, nor the token', async () => {
    const { send, shown, tokens } = await bound()
    const upload = async () => {
      const asked = send('/upload', { method: 'POST' })
      const answered = answerTo(asked)
      asked.end(Buffer.alloc((1 << 20) + 1))
      const answer = await answered
      await bodyOf(answer)
      return answer.statusCode
    }
    expect([await upload(), await upload()]).toEqual([401, 200])
    expect(shown.map(({ length }) => length)).toEqual([(1 << 20) + 1, (1 << 20) + 1])
    expect(tokens).toEqual([undefined, undefined])
  })
})

describe('an address in an answer', () => {
  const own = 'http://127.0.0.1:4711'
  const asked = new URL('https://api.example.com/v1/old')

  test.each([
    ['/v1/new?a#b', `${own}/api.example.com/v1/new?a#b`],
    ['new', `${own}/api.example.com/v1/new`],
    ['https://api.example.com/v1/new', `${own}/api.example.com/v1/new`],
    ['https://ada@api.example.com/', `${own}/api.example.com/`],
    // The token is not to go where another host says, though it might.
    ['https://example.com/', 'https://example.com/'],
    ['//evil.test/x', 'https://evil.test/x'],
    ['http://api.example.com/x', 'http://api.example.com/x'],
    ['https://api.example.com:8443/x', 'https://api.example.com:8443/x'],
    ['mailto:ada@example.com', 'mailto:ada@example.com'],
    ['https://[', 'https://['],
  ])('%s becomes %s', (said, expected) => {
    expect(rewriteAddress(ROUTES[0]!, own, asked, said)).toBe(expected)
  })

  test('of an API below a path is ours where it is below that', () => {
    const route = { prefix: '', base: 'https://api.example.com/v1/' }
    expect(rewriteAddress(route, own, asked, '/v1/new')).toBe(`${own}/new`)
    expect(rewriteAddress(route, own, asked, '/v2/new')).toBe('https://api.example.com/v2/new')
  })

  test('of a redirect and of the next page leads to us again', async () => {
    const elsewhere = await api((_, response) => response.end())
    const { ask, upstream, proxy } = await standing({
      routes: (base) => [{ prefix: '/the.api', base }],
      answer: (_, response) => {
        const link = `<${upstream}/all?page=2>; rel="next", <${elsewhere}/>; rel="help"`
        response.writeHead(301, { location: '/moved', link }).end()
      },
    })
    const { status, headers } = await ask('/the.api/all')
    expect([status, headers.location]).toEqual([301, `${proxy.url}/the.api/moved`])
    expect(headers.link).toBe(`<${proxy.url}/the.api/all?page=2>; rel="next", <${elsewhere}/>; rel="help"`)
  })
})

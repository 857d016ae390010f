/** `daypass fetch`: one request, whose answer is the answer. */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { box, copyOf, left, loggedIn, logIn, withKeys } from '../cli/story.ts'
import { BROWSER, CLI, type Sandbox } from '../kit/cli.ts'

const { base } = await loggedIn()

interface Heard {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: Buffer
}

type Answering = (response: ServerResponse, heard: Heard) => void

const opened: Server[] = []
afterEach(() => {
  for (const server of opened.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** An API that remembers what it was sent. */
async function api(answer: Answering = (response) => response.end('{}')) {
  const heard: Heard[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      heard.push({ method, url, headers, body: Buffer.concat(chunks) })
      answer(response, heard.at(-1)!)
    })
  })
  opened.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { heard, host, url: `http://${host}` }
}

function configured(one: Sandbox, auth: string): Sandbox {
  mkdirSync(one.daypassHome, { recursive: true, mode: 0o700 })
  writeFileSync(join(one.daypassHome, 'config.yaml'), `auth: {${auth}}\n`)
  return one
}

const hosts = (...names: string[]) => `hosts: [${names.map((name) => `"${name}"`)}]`
const forHosts = (one: Sandbox, ...names: string[]) =>
  configured(one, `identities: {work: {kind: oidc/user, ${hosts(...names)}}}`)

/** Logged in as `work`, whose token is for those hosts. */
const boxFor = (...names: string[]) => forHosts(copyOf(base), ...names)

describe('the request', () => {
  test('has the token, the method, the headers and the data', async () => {
    const { heard, host, url } = await api()
    const one = boxFor(host)
    const token = (await one.run(['token', 'work'])).stdout.trim()
    const run = (...words: string[]) => one.run(['fetch', `${url}/x?y=1`, 'work', ...words])
    expect(await run()).toMatchObject({ code: 0, stdout: '{}', stderr: '' })
    await run('-X', 'delete')
    await run('-d', '{"a": 1}')
    await run('-d', 'a=1&b=2')
    await run('-X', 'PUT', '-d', '[1', '-H', 'Content-Type: text/plain', '-H', 'X-A: 1', '-H', 'x-a:2')
    expect(
      heard.map(({ method, headers, body }) => [method, headers['content-type'], body.toString()]),
    ).toEqual([
      ['GET', undefined, ''],
      ['DELETE', undefined, ''],
      ['POST', 'application/json', '{"a": 1}'],
      ['POST', 'application/x-www-form-urlencoded', 'a=1&b=2'],
      ['PUT', 'text/plain', '[1'],
    ])
    expect(heard.at(-1)!.headers['x-a']).toBe('1, 2')
    expect(heard.map(({ url: path, headers }) => `${path} ${headers.authorization}`)).toEqual(
      Array(5).fill(`/x?y=1 Bearer ${token}`),
    )
  })

  test('carries a file or standard input byte for byte', async () => {
    const { heard, host, url } = await api()
    const one = boxFor(host)
    const bytes = randomBytes(300_000)
    writeFileSync(join(one.home, 'data'), bytes)
    await one.run(['fetch', url, 'work', '-d', '@data'])
    await one.run(['-c', `cat data | "${process.execPath}" "$0" fetch ${url} work -d @-`, CLI], {
      program: ['sh'],
    })
    expect(heard.map(({ body }) => body.equals(bytes))).toEqual([true, true])
    expect(await one.run(['fetch', url, 'work', '-d', '@nothing'])).toMatchObject({
      code: 3,
      stderr:
        'error: nothing cannot be read (ENOENT)\n  text of your own goes without the @, standard input is -d @-\n',
    })
  })

  test.each([
    ['api.example.com/me', '"api.example.com/me" is no address'],
    ['ftp://api.example.com', '"ftp://api.example.com" is no address'],
    ['https://ada:pass-word@api.example.com', 'the address has a user or a password in it'],
    ['https://a.example -H Authorization:SECRET', 'the Authorization header is for daypass to write'],
    ['https://a.example -H Host:SECRET', 'the Host header is for daypass to write'],
    ['https://a.example -H Transfer-Encoding:SECRET', 'the Transfer-Encoding header is for daypass to write'],
    ['https://a.example -H SECRET', 'a header is not written as one'],
    ['https://a.example -X GET -d x', 'there can be no such request: GET with data'],
    ['https://a.example -X (;)', 'there can be no such request: (;)'],
  ])('that cannot be made is a mistake: %s', async (words, message) => {
    const { code, stdout, stderr } = await box().run(['fetch', ...words.split(' ')])
    expect([code, stdout, stderr.split('\n')[0]]).toEqual([2, '', `error: ${message}`])
    expect(stderr).not.toMatch(/SECRET|pass-word/)
  })

  test('with keys is none, and says what signs requests', async () => {
    const one = copyOf(base)
    await withKeys(one, 'work')
    const { code, stderr } = await one.run(['fetch', 'https://s3.amazonaws.com', 'work'])
    expect([code, stderr]).toEqual([
      2,
      'error: work has keys, and requests are signed with them by their own tools\n  daypass exec work -- CMD\n',
    ])
  })

  test('to a host that is not its own never leaves', async () => {
    const { heard, url } = await api()
    const one = copyOf(base)
    const { code, stdout, stderr } = await one.run(['fetch', url, 'work'])
    expect([code, stdout, heard]).toEqual([6, '', []])
    expect((await one.run(['audit'])).stdout).not.toContain('fetch')
    expect(stderr).toMatch(
      /^error: the token of work is not for 127\.0\.0\.1:\d+\n {2}to allow it, write hosts:/,
    )
  })

  test('of a token of the environment goes to its provider’s hosts', async () => {
    const { heard, host, url } = await api()
    const env = { ACME_TOKEN: 'of-the-environment' }
    const acme = 'issuer: "https://id.example.com", env: ACME_TOKEN'
    const one = configured(box(), `providers: {acme: {${acme}}}`)
    expect(await one.run(['fetch', url], { env })).toMatchObject({ code: 6, stdout: '' })
    configured(one, `providers: {acme: {${acme}, ${hosts(host)}}}`)
    expect(await one.run(['fetch', url], { env })).toMatchObject({ code: 0, stdout: '{}' })
    expect(heard.map(({ headers }) => headers.authorization)).toEqual(['Bearer of-the-environment'])
  })
})

describe('the answer', () => {
  test('is printed byte for byte, as it comes', async () => {
    const bytes = randomBytes(3_000_000)
    let finish = () => {}
    const { host, url } = await api((response) => {
      response.write(bytes.subarray(0, 1000))
      finish = () => response.end(bytes.subarray(1000))
    })
    const one = boxFor(host)
    const script = `"${process.execPath}" "$0" fetch ${url} work | tee first | sha256sum`
    const running = one.start(['-c', script, CLI], { program: ['sh'] })
    await expect
      .poll(() => existsSync(join(one.home, 'first')) && readFileSync(join(one.home, 'first')).length)
      .toBe(1000)
    finish()
    const { stdout } = await running.ended
    expect(stdout).toContain(createHash('sha256').update(bytes).digest('hex'))
  })

  test.each([
    [200, 0, ''],
    [204, 0, ''],
    [304, 0, ''],
    [401, 4, 'error: HOST answered 401 Unauthorized\n  daypass login work\n'],
    [403, 6, 'error: HOST answered 403 Forbidden\n  it may want other permissions than work has\n'],
    [404, 1, 'error: HOST answered 404 Not Found\n'],
    [422, 1, 'error: HOST answered 422 Unprocessable Entity\n'],
    [429, 5, 'error: HOST answered 429 Too Many Requests\n  try again in 7 s\n'],
    [500, 5, 'error: HOST answered 500 Internal Server Error\n  try again in a while\n'],
    [503, 5, 'error: HOST answered 503 Service Unavailable\n  try again in a while\n'],
  ])('%i ends with %i, and is printed all the same', async (status, code, said) => {
    const { host, url } = await api((response) => {
      response.writeHead(status, status === 429 ? { 'retry-after': '7' } : {})
      response.end([204, 304].includes(status) ? undefined : `body of ${status}`)
    })
    const result = await boxFor(host).run(['fetch', url, 'work'])
    expect(result.code).toBe(code)
    expect(result.stdout).toBe([204, 304].includes(status) ? '' : `body of ${status}`)
    expect(result.stderr.replace(host, 'HOST')).toBe(said)
  })

  test('is told as JSON where it is a refusal, and that is asked for', async () => {
    const { host, url } = await api((response) => response.writeHead(404).end('nothing here'))
    const { code, stdout, stderr } = await boxFor(host).run(['fetch', url, 'work', '--json'])
    expect([code, stdout]).toEqual([1, 'nothing here'])
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'request',
      message: `${host} answered 404 Not Found`,
    })
  })

  test('says nothing to the terminal where its status is told', async () => {
    const { host, url } = await api((response) => {
      const { socket } = response
      socket?.end(
        Buffer.from('HTTP/1.1 404 \x1b]0;mine\x07\x9b31mGone\r\ncontent-length: 0\r\n\r\n', 'latin1'),
      )
    })
    const { code, stderr } = await boxFor(host).run(['fetch', url, 'work'])
    expect([code, stderr]).toEqual([1, `error: ${host} answered 404 ]0;mine \ufffd31mGone\n`])
  })

  test('has its status and headers in front where they are asked for', async () => {
    const { host, url } = await api((response) => response.writeHead(201, { 'x-a': 'b' }).end('body'))
    const { stdout } = await boxFor(host).run(['fetch', url, 'work', '--include'])
    expect(stdout).toMatch(/^HTTP\/1\.1 201 Created\r\n/)
    expect(stdout).toContain('\r\nx-a: b\r\n')
    expect(stdout).toMatch(/\r\n\r\nbody$/)
  })

  test('goes to a file', async () => {
    const bytes = randomBytes(200_000)
    const { host, url } = await api((response) => response.end(bytes))
    const one = boxFor(host)
    expect(await one.run(['fetch', url, 'work', '-o', 'there'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(readFileSync(join(one.home, 'there')).equals(bytes)).toBe(true)
    expect(await one.run(['fetch', url, 'work', '-o', '.'])).toMatchObject({
      code: 3,
      stderr: 'error: . cannot be written (EISDIR)\n  name another file: -o FILE\n',
    })
  })

  test('that breaks off is a passing failure', async () => {
    const { host, url } = await api((response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('the beginning')
      setImmediate(() => response.destroy())
    })
    const { code, stdout, stderr } = await boxFor(host).run(['fetch', url, 'work'])
    expect([code, stdout]).toEqual([5, 'the beginning'])
    expect(stderr).toBe(`error: the answer of ${host} broke off\n  try again\n`)
  })

  test('that never comes, or not to its end, is left by Ctrl-C', async () => {
    const { heard, host, url } = await api((response, { url: path }) => {
      if (path !== '/never') response.write('the beginning')
    })
    const one = boxFor(host)
    for (const path of ['/never', '/half']) {
      const before = heard.length
      const running = one.start(['fetch', `${url}${path}`, 'work'])
      if (path === '/half') await running.waitFor(/the beginning/)
      else await expect.poll(() => heard.length).toBe(before + 1)
      running.kill('SIGINT')
      expect(await running.ended).toMatchObject({ code: 130, stderr: 'error: cancelled\n' })
    }
  })

  test('is no failure where its reader has gone', async () => {
    const { host, url } = await api((response) => response.end(randomBytes(2_000_000)))
    const one = boxFor(host)
    const script = `set -o pipefail; "${process.execPath}" "$0" fetch ${url} work | head -c 10 | wc -c`
    const result = await one.run(['-c', script, CLI], { program: ['bash'] })
    expect(result).toMatchObject({ code: 0, stdout: '10\n', stderr: '' })
  })

  test('of a server that does not answer is a transient failure', async () => {
    const { code, stderr } = await boxFor('127.0.0.1:9').run(['fetch', 'http://127.0.0.1:9/', 'work'])
    expect(code).toBe(5)
    expect(stderr).toMatch(/^error: cannot reach 127\.0\.0\.1:9: /)
  })
})

describe('a redirect', () => {
  test('to the same origin takes the token along, to another one it goes without', async () => {
    const other = await api((response) => response.writeHead(401).end('who are you'))
    const { heard, host, url } = await api((response, { url: path }) => {
      const location = { '/away': `${other.url}/there`, '/here': '/there' }[path]
      response.writeHead(location ? 302 : 200, location ? { location } : {}).end('arrived')
    })
    // Even where both are its own.
    const one = boxFor(host, other.host)
    expect(await one.run(['fetch', `${url}/here`, 'work'])).toMatchObject({ code: 0, stdout: 'arrived' })
    expect(heard.map(({ headers }) => headers.authorization !== undefined)).toEqual([true, true])
    const away = await one.run(['fetch', `${url}/away`, 'work'])
    expect(other.heard.map(({ headers }) => headers.authorization)).toEqual([undefined])
    expect([away.code, away.stdout]).toEqual([6, 'who are you'])
    expect(away.stderr).toContain('the request was redirected there, where the token does not go')
  })

  test('that wants the same request again gets its data, too', async () => {
    const { heard, host, url } = await api((response, { url: path }) => {
      response.writeHead(path === '/' ? 307 : 200, { location: '/there' }).end('arrived')
    })
    expect(await boxFor(host).run(['fetch', url, 'work', '-d', 'the data'])).toMatchObject({
      code: 0,
      stdout: 'arrived',
      stderr: '',
    })
    expect(heard.map(({ method, body }) => `${method} ${body}`)).toEqual(['POST the data', 'POST the data'])
  })
})

describe('with a server of its own', () => {
  let server: AuthorizationServer
  afterEach(() => server.close())

  test('a token that is refused is renewed once, and the data sent again', async () => {
    server = await startAuthorizationServer()
    const { heard, host, url } = await api((response, { headers }) => {
      response.writeHead(headers.authorization === `Bearer ${first}` ? 401 : 200).end('body')
    })
    const one = box()
    await logIn(one, server)
    const first = (await one.run(['token'])).stdout.trim()
    forHosts(one, host)
    expect(await one.run(['fetch', url, '-d', 'the data'])).toMatchObject({
      code: 0,
      stdout: 'body',
      stderr: '',
    })
    expect(heard.map(({ body }) => body.toString())).toEqual(['the data', 'the data'])
    expect(server.stats()).toMatchObject({ refreshes: 1 })
  })

  test('a token that is bound to a key goes with its proof', async () => {
    server = await startAuthorizationServer({ dpop: 'required', dpopNonce: true })
    const { issuer, clientId } = server
    const work = `issuer: "${issuer}", client_id: ${clientId}, dpop_bound_access_tokens: true`
    const one = configured(box(), `identities: {work: {kind: oidc/user, ${work}}}`)
    await one.run(['login', 'work'], { env: { BROWSER } })
    const { code, stdout, stderr } = await one.run(['fetch', server.endpoints.resource, 'work'])
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({ sub: 'user-1' })
    await left(one, 'work', -1000)
    expect(await one.run(['fetch', server.endpoints.resource, 'work'])).toMatchObject({ code: 0 })
    // The proof is for one address.
    const { refreshes } = server.stats()
    server.failNext({ endpoint: 'unknown', status: 302, headers: { location: '/me' } })
    const here = await one.run(['fetch', `${issuer}/elsewhere`, 'work', '-d', 'the data'])
    expect([here.code, here.stderr]).toEqual([0, ''])
    const other = await api((response) => response.writeHead(401).end('who are you'))
    server.failNext({ endpoint: 'unknown', status: 307, headers: { location: `${other.url}/there` } })
    const away = await one.run(['fetch', `${issuer}/elsewhere`, 'work', '-d', 'the data'])
    expect([away.code, away.stdout]).toEqual([6, 'who are you'])
    const [{ method, body, headers } = {}] = other.heard as Partial<Heard>[]
    expect([method, String(body), headers?.authorization, headers?.dpop]).toEqual([
      ...['POST', '', undefined, undefined],
    ])
    expect(server.stats().refreshes).toBe(refreshes)
  })
})

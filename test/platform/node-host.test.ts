import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { createNodeHost } from '../../src/platform/node-host.ts'
import { parseProxies } from '../../src/platform/proxy-fetch.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function serve(server: Server): Promise<string> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A proxy that leads every host to one server, and remembers who was asked for. */
async function proxy(target: string) {
  const asked: string[] = []
  const server = createServer((_, response) => response.end('not tunnelled'))
  server.on('connect', (request, client) => {
    asked.push(request.url ?? '')
    const upstream = connect(Number(new URL(target).port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(client).pipe(upstream)
    })
    for (const socket of [client, upstream]) socket.on('error', () => undefined)
  })
  return { url: await serve(server), asked }
}

async function echo(): Promise<string> {
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += chunk
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({ method: request.method, host: request.headers.host, body }))
  }
  return serve(createServer((request, response) => void respond(request, response)))
}

function host(env: Record<string, string> = {}, more = {}) {
  return createNodeHost({
    env,
    stdin: new PassThrough(),
    stderr: new PassThrough(),
    ...more,
  })
}

describe('fetch', () => {
  test('goes straight where no proxy is named, and to loopback always', async () => {
    const target = await echo()
    const { url, asked } = await proxy(target)
    for (const env of [{}, { HTTP_PROXY: url, HTTPS_PROXY: url, ALL_PROXY: url }]) {
      const answer = await host(env).fetch(`${target}/x`, {
        method: 'POST',
        body: new URLSearchParams({ a: '1' }),
      })
      expect(await answer.json()).toMatchObject({ method: 'POST', body: 'a=1' })
    }
    expect(asked).toEqual([])
  })

  test.each(['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'])('%s is used', async (name) => {
    const { url, asked } = await proxy(await echo())
    const { fetch } = host({ [name]: url })
    const init = {
      method: 'POST',
      body: new URLSearchParams({ a: '1' }),
      headers: { accept: 'application/json' },
    }
    const answer = await fetch('http://api.example:81/x', init)
    expect(await answer.json()).toEqual({ method: 'POST', host: 'api.example:81', body: 'a=1' })
    const again = await fetch(new Request('http://api.example:81/y', init))
    expect(await again.json()).toMatchObject({ method: 'POST', body: 'a=1' })
    expect(asked).toContain('api.example:81')
  })

  test('NO_PROXY is honoured', async () => {
    const { url, asked } = await proxy(await echo())
    const { fetch } = host({ HTTP_PROXY: url, NO_PROXY: 'api.invalid' })
    await expect(fetch('http://api.invalid/')).rejects.toThrow()
    expect(asked).toEqual([])
  })

  test('a proxy that is none is an error, not a way around it', async () => {
    const { fetch } = host({ ALL_PROXY: 'socks5://127.0.0.1:1' })
    await expect(fetch('https://api.invalid/')).rejects.toMatchObject({ code: 'configuration' })
  })

  test('which variable counts', () => {
    expect(parseProxies({})).toBeUndefined()
    expect(parseProxies({ HTTPS_PROXY: '', NO_PROXY: 'x' })).toBeUndefined()
    expect(parseProxies({ HTTPS_PROXY: 'a', https_proxy: 'b', ALL_PROXY: 'c' })).toEqual({
      httpProxy: 'c',
      httpsProxy: 'b',
      noProxy: '',
    })
  })
})

describe('sleep', () => {
  test('ends early with the signal’s reason, and leaves no listener behind', async () => {
    const { sleep } = host()
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...given: Parameters<typeof add>) => {
      listeners += 1
      add(...given)
    }
    signal.removeEventListener = (...given: Parameters<typeof remove>) => {
      listeners -= 1
      remove(...given)
    }
    for (let round = 0; round < 5; round++) await sleep(1, signal)
    expect(listeners).toBe(0)
    const long = sleep(60_000, signal)
    controller.abort(new Error('enough'))
    await expect(long).rejects.toThrow('enough')
    await expect(sleep(60_000, signal)).rejects.toThrow('enough')
  })
})

describe('the terminal', () => {
  test('streams that are no terminals are not interactive, whatever is claimed', () => {
    expect(host({}, { interactive: true }).terminal.interactive).toBe(false)
  })

  test('nothing is opened where BROWSER says so, and a foreign address never', async () => {
    expect(await host({ BROWSER: 'none' }).openBrowser('https://id.example/')).toBe(false)
    expect(await host({ BROWSER: 'true' }).openBrowser('file:///etc/passwd')).toBe(false)
  })
})

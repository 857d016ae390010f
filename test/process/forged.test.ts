/** Whatever else arrives at the listener of a login, it goes on waiting for the right answer. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import {
  type AuthorizationServer,
  scriptedBrowser,
  startAuthorizationServer,
} from '../../src/testing/index.ts'
import { at, box } from '../cli/story.ts'
import { hang, request, send } from '../flows/sockets.ts'
import type { Sandbox } from '../kit/cli.ts'

let server: AuthorizationServer
afterEach(() => server.close())

/** A login that waits, and the address it printed. */
async function waiting(one: Sandbox) {
  server = await startAuthorizationServer()
  // An opener that takes the address and does nothing with it.
  const opener = join(one.home, 'opener')
  writeFileSync(opener, '#!/bin/sh\nexit 0\n')
  chmodSync(opener, 0o755)
  const running = one.start(['login', 'oidc', 'work', ...at(server)], { env: { BROWSER: opener } })
  const [url] = await running.waitFor(/http:\S+authorize\S+/)
  const redirect = new URL(new URL(url).searchParams.get('redirect_uri')!)
  return { running, url, port: Number(redirect.port), state: new URL(url).searchParams.get('state')! }
}

const FORGED: [
  title: string,
  forge: (port: number, state: string) => Promise<unknown>,
  status: number | undefined,
][] = [
  ['another state', (port) => send(port, request('/callback?code=x&state=wrong', `127.0.0.1:${port}`)), 400],
  ['no state', (port) => send(port, request('/callback?code=x', `127.0.0.1:${port}`)), 400],
  [
    'an error without state',
    (port) => send(port, request('/callback?error=access_denied', `127.0.0.1:${port}`)),
    400,
  ],
  [
    'another path',
    (port, state) => send(port, request(`/other?code=x&state=${state}`, `127.0.0.1:${port}`)),
    404,
  ],
  [
    'another host',
    (port, state) => send(port, request(`/callback?code=x&state=${state}`, 'evil.example')),
    421,
  ],
  [
    'localhost, which is not ours',
    (port, state) => send(port, request(`/callback?code=x&state=${state}`, `localhost:${port}`)),
    421,
  ],
  [
    'a POST',
    (port, state) =>
      send(
        port,
        request(`/callback?code=x&state=${state}`, `127.0.0.1:${port}`, {
          method: 'POST',
          more: 'Content-Length: 0\r\n',
        }),
      ),
    405,
  ],
  [
    'state twice',
    (port, state) =>
      send(port, request(`/callback?code=x&state=${state}&state=${state}`, `127.0.0.1:${port}`)),
    400,
  ],
  [
    'an address of 64 KiB',
    (port) => send(port, request(`/callback?code=${'x'.repeat(65_536)}`, `127.0.0.1:${port}`)),
    431,
  ],
  ['the icon', (port) => send(port, request('/favicon.ico', `127.0.0.1:${port}`)), 404],
  ['garbage', (port) => send(port, '\u0016\u0003\u0001 hello\r\n\r\n'), 400],
  ['a connection that says nothing', (port) => hang(port), undefined],
  ['half a request', (port) => hang(port, 'GET /callback?code=x HTTP/1.1\r\nHost: '), undefined],
]

test.each(FORGED)('a forged callback changes nothing: %s', async (_, forge, status) => {
  const one = box()
  const { running, url, port, state } = await waiting(one)
  const answer = await forge(port, state)
  if (status !== undefined) expect(answer).toMatchObject({ status })
  const { body } = await scriptedBrowser().visit(url)
  expect(body).toContain('Logged in')
  expect(await running.ended).toMatchObject({ code: 0 })
  expect(server.stats()).toMatchObject({ exchanges: 1, reuses: 0 })
})

test('all of them together change nothing either', async () => {
  const { running, url, port, state } = await waiting(box())
  await Promise.all(FORGED.flatMap((each) => Array.from({ length: 8 }, () => each[1](port, state))))
  await scriptedBrowser().visit(url)
  expect(await running.ended).toMatchObject({ code: 0 })
})

test('the listener is gone when the login is', async () => {
  const { running, url, port } = await waiting(box())
  const { url: callback } = await scriptedBrowser({ stopAtCallback: true }).visit(url)
  await send(port, request(new URL(callback).pathname + new URL(callback).search, `127.0.0.1:${port}`))
  const { code } = await running.ended
  expect(code).toBe(0)
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
})

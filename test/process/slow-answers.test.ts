/** Token answers that never end, and answers that are nested without end. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { BROWSER, sandbox } from '../kit/cli.ts'

/** An authorization server that answers everything but the token request. */
async function startServer(answerToken: (response: ServerResponse) => void) {
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo
    const issuer = `http://127.0.0.1:${port}`
    const url = new URL(request.url!, issuer)
    response.setHeader('content-type', 'application/json')
    if (url.pathname.startsWith('/.well-known'))
      response.end(
        JSON.stringify({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
        }),
      )
    else if (url.pathname === '/authorize') {
      const { redirect_uri, state } = Object.fromEntries(url.searchParams)
      response.writeHead(302, { location: `${redirect_uri}?code=c&state=${state}` }).end()
    } else if (url.pathname === '/token') answerToken(response)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

const drip = (response: ServerResponse) => {
  response.write('{"access_token":"')
  const timer = setInterval(() => response.write('x'), 50)
  response.on('close', () => clearInterval(timer))
}
const nest = (response: ServerResponse) => {
  const [open, close] = ['['.repeat(200_000), ']'.repeat(200_000)]
  response.end(`{"access_token":"x","token_type":"bearer","more":${open}${close}}`)
}

test.concurrent.each([
  ['that drips past --timeout ends the login', drip, 4, 'within 1s'],
  ['that is nested without end is a passing failure', nest, 5, 'nested'],
])('a token answer %s', async (_, answer, code, words) => {
  const [server, one] = [await startServer(answer), sandbox()]
  const began = Date.now()
  const { issuer } = server
  const login = ['login', 'oidc', '--issuer', issuer, '--client-id', 'cli', '--timeout', '1s']
  const env = { BROWSER: `${process.execPath} ${BROWSER} %s`, DISPLAY: ':9' }
  const result = await one.run(login, { env })
  expect(result.stderr).toContain(words)
  expect(result.stderr).not.toContain('call stack')
  expect(result.code).toBe(code)
  expect(Date.now() - began).toBeLessThan(8_000)
  server.close()
  await one.remove()
})

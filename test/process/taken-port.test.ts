/** A port of the list that a program of another user holds: said at the login, though another port is free. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { box } from '../cli/story.ts'
import { BROWSER } from '../kit/cli.ts'
import { start } from '../testing/servers.ts'
import { skipLoudly } from '../vault/support.ts'

const OTHER = 65_534

const HOLD = `
const server = require('node:net').createServer()
server.listen(0, process.argv[1], () => console.log(server.address().port))`

function printedPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.stdout!.once('data', (text: Buffer) => resolve(Number(text)))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

test.for([['127.0.0.1', '127.0.0.1'] as const, ['localhost', '::1'] as const])(
  'a login at %s says who holds %s',
  async ([redirect, address], context) => {
    if (process.platform !== 'linux' || process.getuid?.() !== 0)
      skipLoudly(context, 'a port that another user holds (not root, or not Linux)')
    const [command, ...words] = [
      'setpriv',
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      process.execPath,
      '-e',
      HOLD,
      address,
    ]
    const holder = spawn(command!, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const [taken, free] = [await printedPort(holder), await freePort()]
      const server = await start({ clients: [{ id: 'cli', redirects: [`http://${redirect}/callback`] }] })
      const one = box({ BROWSER: `${process.execPath} ${BROWSER} %s`, DISPLAY: ':9' })
      mkdirSync(one.daypassHome, { mode: 0o700 })
      const where = `{ host: ${redirect}, path: /callback, ports: [${taken}, ${free}] }`
      const provider = `{ issuer: "${server.issuer}", client_id: cli, redirect: ${where} }`
      const config = join(one.daypassHome, 'config.yaml')
      writeFileSync(config, `auth: { providers: { acme: ${provider} } }\n`, { mode: 0o600 })
      const { code, stderr } = await one.run(['login', 'acme', 'work'])
      expect(code, stderr).toBe(0)
      expect(stderr).toMatch(
        new RegExp(
          `! port ${taken} is held by .* of another user \\(uid ${OTHER}\\); this login listens on port ${free}\n`,
        ),
      )
    } finally {
      holder.kill('SIGKILL')
    }
  },
)

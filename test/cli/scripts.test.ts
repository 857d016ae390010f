import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { BROWSER } from '../kit/cli.ts'
import { runScript } from '../kit/script.ts'

const SCRIPTS = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.txt'))

let server: AuthorizationServer
afterEach(() => server.close())

/** Each is a story, to be read; see test/kit/script.ts for how. */
test.each(SCRIPTS)('%s', async (name) => {
  server = await startAuthorizationServer({ refresh: 'reusable' })
  const { issuer, clientId } = server
  const variables = { ISSUER: issuer, CLIENT: clientId, OPENER: BROWSER, HOST: new URL(issuer).host }
  await runScript(readFileSync(join(import.meta.dirname, name), 'utf8'), variables)
  expect(server.stats().reuses).toBe(0)
})

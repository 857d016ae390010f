/** A home at a server of its own that ends a login when a refresh token comes twice, and what must hold in it at any time. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { createDaypass, type Daypass, DaypassError, type DaypassOptions } from '../../src/index.ts'
import {
  type AuthorizationServer,
  scriptedBrowser,
  startAuthorizationServer,
} from '../../src/testing/index.ts'
import { runExclusively } from '../../src/vault/lock.ts'
import { box, filesBelow, vaultOf } from '../cli/story.ts'
import type { Result, RunOptions, Sandbox } from '../kit/cli.ts'
import { SILENT } from '../kit/silent.ts'

export interface Home {
  one: Sandbox
  server: AuthorizationServer
  /** The same vault in this process, which spares the start of another. */
  daypass: Daypass
  /** Logs in with the scripted browser. */
  logIn(name: string): Promise<unknown>
  close(): Promise<void>
}

/** Logged in under each of the names. */
export async function home(...names: string[]): Promise<Home> {
  const server = await startAuthorizationServer({ refresh: 'revoke-family' })
  const one = box()
  const daypass = inProcess(one)
  const given = { params: { issuer: server.issuer }, clientId: server.clientId }
  const logIn = (name: string) => daypass.login('oidc', { name, given, method: 'browser' })
  for (const name of names) await logIn(name)
  const close = async () => {
    await one.remove()
    await server.close()
  }
  return { one, server, daypass, logIn, close }
}

export function inProcess(one: Sandbox, options: DaypassOptions = {}): Daypass {
  const { openBrowser } = scriptedBrowser()
  return createDaypass({ ...options, env: one.env, cwd: one.home, host: { terminal: SILENT, openBrowser } })
}

export const A_TOKEN: unknown = expect.stringMatching(/^at_/)

/** Logs in to `work` again; the person pastes what the page ends at. */
export async function byPaste({ one }: Home, options: RunOptions): Promise<Result> {
  const running = one.start(['login', 'work', '--no-browser'], options)
  const pasted = running.waitFor(/http:\S+authorize\S+/).then(async ([address]) => {
    const { url } = await scriptedBrowser({ stopAtCallback: true }).visit(address)
    running.write(`${url}\n`)
  })
  pasted.catch(() => undefined)
  return running.ended
}

/** What is handed out, which the server accepts; or why nothing is. */
export async function tokenOf({ daypass, server }: Home, name = 'work'): Promise<string | DaypassError> {
  const credential = await daypass.credential(name).catch(asOurs)
  if (credential instanceof DaypassError) return credential
  if (credential.kind !== 'bearer') throw new Error('that is no token')
  const authorization = `Bearer ${credential.token.reveal()}`
  expect((await fetch(server.endpoints.resource, { headers: { authorization } })).status).toBe(200)
  return credential.token.reveal()
}

function asOurs(error: unknown): DaypassError {
  if (error instanceof DaypassError) return error
  throw error
}

export const recordOf = ({ one }: Pick<Home, 'one'>, name: string): string =>
  readFileSync(join(one.daypassHome, `vault/${name}.grant`), 'utf8')

/** Every record opens, no lock is held, and no secret lies about in clear. */
export async function expectSound({ one, server, daypass }: Home): Promise<void> {
  const { identities, problems } = await daypass.list()
  expect(problems).toEqual([])
  for (const { row } of identities) await vaultOf(one).read(row.name)
  const locks = join(one.daypassHome, 'vault/locks')
  if (!existsSync(locks)) return
  for (const [path, text] of filesBelow(one.daypassHome)) {
    for (const secret of server.issued()) expect(text.includes(secret), path).toBe(false)
  }
  for (const file of readdirSync(locks).filter((each) => each.endsWith('.lock'))) {
    await runExclusively(join(locks, file), 'looking', async () => undefined, { patience: 0 })
  }
}

/** Many processes and one refresh token that may be used once: presented twice, the server ends the login. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { box, left, logIn, vaultOf } from '../cli/story.ts'
import type { Result, Sandbox } from '../kit/cli.ts'

const CROWD = 100

let server: AuthorizationServer
afterEach(() => server.close())

async function staleLogin(): Promise<Sandbox> {
  server = await startAuthorizationServer({ refresh: 'revoke-family' })
  const one = box()
  await logIn(one, server)
  await left(one, 'work', -1000)
  return one
}

const crowd = (one: Sandbox, args: (index: number) => string[], size = CROWD): Promise<Result[]> =>
  Promise.all(Array.from({ length: size }, (_, index) => one.run(args(index), { timeout: 60_000 })))

const distinct = (results: readonly Result[], part: keyof Result) => [
  ...new Set(results.map((one) => one[part])),
]

test('a hundred processes that ask at once renew a stale token once, and all get the same', async () => {
  const one = await staleLogin()
  const results = await crowd(one, () => ['token'])
  expect(distinct(results, 'stderr')).toEqual([''])
  expect(distinct(results, 'code')).toEqual([0])
  expect(distinct(results, 'stdout')).toHaveLength(1)
  expect(results[0]!.stdout).toMatch(/^at_\S+\n$/)
  expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0, deadFamilies: 0 })
})

test('processes that all force a renewal never present a token twice', async () => {
  const one = await staleLogin()
  const results = await crowd(one, (index) => (index % 2 ? ['refresh', '--force'] : ['token']), 24)
  expect(distinct(results, 'code')).toEqual([0])
  expect(server.stats()).toMatchObject({ reuses: 0, deadFamilies: 0 })
  expect(server.stats().refreshes).toBeGreaterThan(0)
  // Whoever called while a renewal was waited for is content with it.
  expect(server.stats().refreshes).toBeLessThan(12)
  const { stdout } = await one.run(['token'])
  const answer = await fetch(server.endpoints.resource, {
    headers: { authorization: `Bearer ${stdout.trim()}` },
  })
  expect(answer.status).toBe(200)
})

test('a logout among renewals wins: nothing it ended comes back', async () => {
  const one = await staleLogin()
  const results = await crowd(
    one,
    (index) => (index === 6 ? ['logout', 'work'] : ['refresh', 'work', '--force']),
    16,
  )
  expect(results[6]).toMatchObject({ code: 0, stdout: '' })
  expect(results[6]!.stderr).toContain('revoked at the server')
  for (const [index, { code, stderr }] of results.entries()) {
    if (index !== 6) expect([0, 4], stderr).toContain(code)
  }
  expect(server.stats()).toMatchObject({ reuses: 0, revocations: 1, deadFamilies: 1 })
  const kept = await vaultOf(one).read('work')
  expect(kept?.grant).toBeUndefined()
  expect(kept?.header).toMatchObject({ loginRequired: 'it was logged out', renewable: false })
  expect(readFileSync(join(one.daypassHome, 'vault/work.grant'), 'utf8').trim().split('\n')).toHaveLength(1)
  expect((await one.run(['token', 'work'])).code).toBe(4)
})

test('a logout waits for a renewal that is under way, and ends what came of it', async () => {
  const one = await staleLogin()
  const renewed = new Promise<void>((resolve) => {
    server.on((event) => event.type === 'refresh' && resolve())
  })
  server.failNext({ endpoint: 'refresh', delay: 800 })
  const token = one.start(['token'])
  await renewed
  const logout = await one.run(['logout', 'work'])
  expect(await token.ended).toMatchObject({ code: 0 })
  expect(logout.stderr).toContain('revoked at the server')
  expect(server.stats()).toMatchObject({ revocations: 1, deadFamilies: 1, reuses: 0 })
  expect((await vaultOf(one).read('work'))?.grant).toBeUndefined()
  expect((await one.run(['token', 'work'])).code).toBe(4)
})

test('a process that is killed while it renews leaves no lock behind', async () => {
  const one = await staleLogin()
  const asked = new Promise<void>((resolve) => {
    server.on((event) => event.type === 'request' && event.endpoint === 'refresh' && resolve())
  })
  // The request is cut before it is worked on, so the refresh token is still good.
  server.failNext({ endpoint: 'refresh', cut: 'before', delay: 5_000 })
  const first = one.start(['token'])
  await asked
  first.kill('SIGKILL')
  expect(await first.ended).toMatchObject({ code: null, signal: 'SIGKILL' })
  const second = await one.run(['token'])
  expect(second).toMatchObject({ code: 0, stderr: '' })
  expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0 })
})

test('Ctrl-C during a renewal waits for the answer and keeps it', async () => {
  const one = await staleLogin()
  const asked = new Promise<void>((resolve) => {
    server.on((event) => event.type === 'refresh' && resolve())
  })
  server.failNext({ endpoint: 'refresh', delay: 300 })
  const first = one.start(['token'])
  await asked
  first.kill('SIGINT')
  const { code } = await first.ended
  expect(code).toBe(130)
  const second = await one.run(['token'])
  expect(second).toMatchObject({ code: 0, stderr: '' })
  expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0, deadFamilies: 0 })
})

test('Ctrl-C while another process renews ends the waiting, and no renewal begins after it', async () => {
  const one = await staleLogin()
  const asked: number[] = []
  server.on((event) => {
    if (event.type === 'request' && event.endpoint === 'refresh') asked.push(asked.length)
  })
  server.failNext({ endpoint: 'refresh', delay: 2500 })
  server.failNext({ endpoint: 'refresh', delay: 2500 })
  const first = one.start(['refresh', 'work', '--force'])
  await expect.poll(() => asked.length).toBe(1)
  const second = one.start(['refresh', 'work', '--force'])
  // Shortly before the lock is free: the signal has been heard, and the process, which has half a second to end by
  // itself, has not ended yet. Whenever it really arrives, no request may leave.
  await new Promise((resolve) => setTimeout(resolve, 2200))
  second.kill('SIGINT')
  expect((await second.ended).code).toBe(130)
  expect((await first.ended).code).toBe(0)
  expect(server.stats().refreshes).toBe(1)
  expect((await one.run(['refresh', 'work', '--force'])).code).toBe(0)
  expect(server.stats()).toMatchObject({ reuses: 0, deadFamilies: 0 })
})

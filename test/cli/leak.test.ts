/** Whole stories, at every loudness: no secret of the server is seen or lies about. */
import { afterEach, expect, test } from 'vitest'
import {
  type AuthorizationServer,
  scriptedBrowser,
  startAuthorizationServer,
} from '../../src/testing/index.ts'
import type { Result, RunOptions } from '../kit/cli.ts'
import { BROWSER } from '../kit/cli.ts'
import { recorder } from '../kit/recorder.ts'
import { at, box, filesBelow, left } from './story.ts'

let server: AuthorizationServer
afterEach(() => server.close())

const PERSONAL = 'personal-access-token-0123456789'

test('only the token that was asked for is ever seen', async () => {
  server = await startAuthorizationServer({ personalTokens: [PERSONAL], refresh: 'revoke-family' })
  const record = recorder(box())
  const one = box({ DAYPASS_DEBUG: '1', ...record.env() })
  const seen: string[] = []
  const secrets = () => [...server.issued(), ...record.verifiers()]

  /** Runs it, and looks at once: a secret may be gone from the disk a moment later. */
  async function run(argv: string, options: RunOptions = {}): Promise<Result> {
    const result = await one.run([...argv.split(' ').filter(Boolean), '-v'], options)
    seen.push(result.stderr, result.stdout)
    for (const [path, text] of filesBelow(one.home)) {
      for (const secret of secrets()) expect(text.includes(secret), `${path} after ${argv}`).toBe(false)
    }
    return result
  }

  const login = `login oidc work ${at(server).join(' ')}`
  expect(await run(login, { env: { BROWSER } })).toMatchObject({ code: 0 })
  const token = await run('token')
  const header = await run('token --header')
  const asked = [token.stdout.trim()]
  expect(header.stdout).toBe(`Authorization: Bearer ${asked[0]}\n`)
  for (const view of ['list', 'status', 'status work', 'whoami', 'status --check', 'config show']) {
    await run(view)
    await run(`${view} --json`)
  }
  for (const way of ['', ' --include', ' --json', ' -X POST -d x'])
    await run(`fetch ${server.endpoints.resource} work${way}`)
  await run('fetch https://api.example.com work')
  await run('refresh --force')
  await run('refresh --force --json')
  await left(one, 'work', -1000)
  asked.push((await run('token')).stdout.trim())
  asked.push(JSON.parse((await run('token --json')).stdout).token)

  // What goes wrong talks more.
  for (const fault of [
    { status: 500, body: 'trouble' },
    { status: 400, body: 'what' },
    { cut: 'after' as const },
    { mangle: () => ({ access_token: 7 }) },
  ]) {
    await left(one, 'work', -1000)
    server.failNext({ endpoint: 'refresh', ...fault })
    await run('token')
    await run('status work')
  }
  const started = JSON.parse(
    (await run(`${login.replace('work', 'two')} --start --method browser --json`)).stdout,
  )
  const visit = await scriptedBrowser({ stopAtCallback: true }).visit(started.url)
  await run(
    `login --finish ${started.id} --callback-url ${visit.url.replace(/state=[^&]*/, 'state=of-another-login')}`,
  )
  await run(`login --finish ${started.id} --callback-url ${visit.url}`)
  await run(`${login.replace('work', 'three')} --token-stdin`, { input: `${PERSONAL}\n` })
  await run(`${login.replace('work', 'four')} --token-stdin`, { input: `${PERSONAL}x\n` })
  await run(`${login.replace('work', 'five')} --no-browser`, { input: `${visit.url}\n` })
  server.failNext({
    endpoint: 'code',
    mangle: (json) => ({ ...json, id_token: `${String(json.id_token)}x.y` }),
  })
  await run(login.replace('work', 'six'), { env: { BROWSER } })
  await run('logout two')
  server.failNext({ endpoint: 'revocation', status: 503, body: 'trouble' })
  await run('logout work')
  await run('logout --all')
  await run('remove three --yes')

  expect(secrets().length).toBeGreaterThan(15)
  expect(record.verifiers().length).toBeGreaterThan(2)
  const others = secrets().filter((secret) => !asked.includes(secret))
  for (const text of seen) {
    for (const secret of others) expect(text.includes(secret), text).toBe(false)
  }
  // Nor a piece of one that could be guessed to its end.
  const joined = seen.join('\n')
  for (const secret of others) expect(joined.includes(secret.slice(0, 24))).toBe(false)
  expect(joined).toContain('    at ')
})

test.each(['', '--quiet', '--json'])('nor is one seen with %j, when all goes well or badly', async (flag) => {
  server = await startAuthorizationServer({ personalTokens: [PERSONAL], refresh: 'survives' })
  const record = recorder(box())
  const one = box({ ...record.env(), BROWSER })
  const seen: string[] = []
  const run = async (words: string, options?: RunOptions) => {
    const result = await one.run([...words.split(' '), flag].filter(Boolean), options)
    // What was asked for may be seen.
    seen.push(result.stderr, words.startsWith('token') ? '' : result.stdout)
    return result
  }
  const login = (name: string) => `login oidc ${name} ${at(server).join(' ')}`

  expect(await run(login('work'))).toMatchObject({ code: 0 })
  expect(await run('token work')).toMatchObject({ code: 0 })
  expect(await run('refresh work --force')).toMatchObject({ code: 0 })
  expect(await run(`${login('two')} --start --method browser`)).toMatchObject({ code: 8 })
  expect(await run(`${login('three')} --token-stdin`, { input: `${PERSONAL}\n` })).toMatchObject({
    code: 0,
  })
  expect(await run(`${login('four')} --token-stdin`, { input: `${PERSONAL}x\n` })).not.toMatchObject({
    code: 0,
  })
  // A server that repeats what it was told.
  const newest = server.issued().findLast((secret) => secret.startsWith('rt_'))
  const body = JSON.stringify({ error: 'invalid_request', error_description: `not ${newest}` })
  server.failNext({ endpoint: 'refresh', status: 400, body })
  expect((await run('refresh work --force')).code).toBe(6)
  server.failNext({ endpoint: 'code', mangle: (json) => ({ ...json, id_token: `${json.id_token}x.y` }) })
  expect((await run(login('five'))).code).toBe(6)
  server.failNext({ endpoint: 'code', cut: 'after' })
  expect((await run(login('six'))).code).toBe(5)
  expect(await run('logout --all')).toMatchObject({ code: 0 })

  const secrets = [...server.issued(), ...record.verifiers()]
  for (const text of [...seen, ...filesBelow(one.home).values(), ...record.written()])
    for (const secret of secrets) expect(text.includes(secret), text).toBe(false)
})

test('what stands behind an option that nobody knows is not repeated', async () => {
  const { code, stderr } = await box().run(['login', 'gitlab', `--token=${PERSONAL}`])
  expect([code, stderr]).toEqual([2, "error: unknown option '--token'\n  daypass login --help\n"])
})

test('a token on the command line is warned about', async () => {
  server = await startAuthorizationServer({ personalTokens: [PERSONAL] })
  const one = box()
  const result = await one.run(['login', 'oidc', 'work', ...at(server), '--with-token', PERSONAL])
  expect(result).toMatchObject({ code: 0, stdout: '' })
  expect(result.stderr).toMatch(/^! other users of this machine can read a token on a command line/)
  expect(result.stderr).not.toContain(PERSONAL)
})

/** What others see of our processes while they run, and of what is left when they break: no secret. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type AuthorizationServer,
  scriptedBrowser,
  startAuthorizationServer,
} from '../../src/testing/index.ts'
import { at, box, copyOf, filesBelow, left, logIn } from '../cli/story.ts'
import { BROWSER, type RunOptions, sandbox } from '../kit/cli.ts'
import { type Break, recorder } from '../kit/recorder.ts'
import { start } from '../testing/servers.ts'
import { skipLoudly } from '../vault/support.ts'
import { processesOf } from './leaks.ts'

const PERSONAL = 'personal-access-token-0123456789'

const holding = (texts: readonly string[], secrets: readonly string[]) =>
  texts.filter((text) => secrets.some((secret) => text.includes(secret)))

test('while they run, no command line, environment or file holds a secret, not for a moment', async (context) => {
  if (process.platform !== 'linux') skipLoudly(context, 'what others see of our processes (no /proc)')
  const server = await start({ personalTokens: [PERSONAL] })
  const [one, aside] = [box(), box()]
  const record = recorder(aside)
  const seen = { doors: new Set<string>(), processes: [] as string[], files: [] as string[] }
  // Whoever asked waits for the answer meanwhile, and so do those who wait for them.
  server.on((event) => {
    if (event.type !== 'request') return
    seen.doors.add(event.endpoint)
    seen.processes.push(...processesOf(one))
    seen.files.push(...filesBelow(one.home).values())
  })
  const options = (more?: RunOptions): RunOptions => ({ ...more, env: { ...record.env(), BROWSER } })
  const run = async (words: string, more?: RunOptions) => {
    const result = await one.run(words.split(' '), options(more))
    expect(result, words).toMatchObject({ code: words.includes('--start') ? 8 : 0 })
    return result
  }
  const login = (name: string, more = '') => `login oidc ${name} ${at(server).join(' ')}${more}`

  const { stderr } = await run(login('work', ` --browser ${BROWSER}`))
  const asked = new URL(/http:\S+authorize\S+/.exec(stderr)![0]).searchParams
  expect(
    holding(
      seen.processes,
      ['state', 'nonce', 'code_challenge'].map((name) => asked.get(name)!),
    ),
  ).toEqual([])
  expect(seen.processes.some((text) => /browser\.mjs\0http:\/\/127\.0\.0\.1:\d+\/start\//.test(text))).toBe(
    true,
  )
  await run('refresh work --force')
  await left(one, 'work', -1000)
  await run('token work')
  await run(login('three', ' --token-stdin'), { input: `${PERSONAL}\n` })
  const started = JSON.parse((await run(login('two', ' --start --method browser --json'))).stdout)
  const pasted = one.start(login('four', ' --no-browser').split(' '), options())
  const [url] = await pasted.waitFor(/http:\S+authorize\S+/)
  pasted.write(`${(await scriptedBrowser({ stopAtCallback: true }).visit(url)).url}\n`)
  expect(await pasted.ended).toMatchObject({ code: 0 })
  const device = one.start(login('five', ' --device').split(' '), options())
  await device.waitFor(/enter this code/)
  server.decideDevice('approve')
  expect(await device.ended).toMatchObject({ code: 0 })
  await run('logout --all')

  const verifiers = record.verifiers()
  expect(verifiers).toHaveLength(2)
  const secrets = [...server.issued(), ...verifiers]
  expect(holding(seen.processes, secrets)).toEqual([])
  expect(seen.processes.some((text) => text.includes('cli.cjs'))).toBe(true)
  expect(seen.processes.some((text) => text.includes('browser.mjs\0http'))).toBe(true)
  const states = [started.url, url].map((each) => new URL(each).searchParams.get('state')!)
  expect(holding([...seen.files, ...record.written()], [...secrets, ...states])).toEqual([])
  expect([...seen.doors]).toEqual(
    expect.arrayContaining(['authorize', 'code', 'refresh', 'userinfo', 'device-poll', 'revocation']),
  )
})

describe('a program that breaks in the middle shows no secret and leaves none', () => {
  const base = sandbox()
  let server: AuthorizationServer
  beforeAll(async () => {
    // Copies of one login renew it independently of each other.
    server = await startAuthorizationServer({ refresh: 'reusable' })
    await logIn(base, server)
  })
  afterAll(async () => {
    await base.remove()
    await server.close()
  })

  test.each<Break>(['throw', 'reject', 'fetch', 'answer', 'cipher', 'rename'])('%s', async (how) => {
    const [one, aside] = [copyOf(base), box()]
    const record = recorder(aside)
    const env = { ...record.env(how), BROWSER, DAYPASS_DEBUG: '1' }
    for (const words of ['refresh --force', `login oidc two ${at(server).join(' ')}`]) {
      const { code, stdout, stderr } = await one.run(words.split(' '), { env })
      expect(code).not.toBe(0)
      expect(stderr).toContain('Error: broken from outside')
      const secrets = [...server.issued(), ...record.verifiers()]
      const texts = [stdout, stderr, ...filesBelow(one.home).values(), ...record.written()]
      expect(holding(texts, secrets)).toEqual([])
    }
  })
})

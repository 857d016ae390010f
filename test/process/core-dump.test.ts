/** A core dump of daypass holds no grant and no key, and programs that it starts keep core dumps of their own. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { logIn } from '../cli/story.ts'
import { CLI, type Sandbox, sandbox } from '../kit/cli.ts'
import { skipLoudly } from '../vault/support.ts'

const FILTER = '/proc/self/coredump_filter'
const readFilter = (pid: number | 'self') =>
  Number.parseInt(readFileSync(`/proc/${pid}/coredump_filter`, 'utf8'), 16)

describe.skipIf(process.platform !== 'linux')('on Linux', () => {
  let server: AuthorizationServer
  let one: Sandbox
  let token: string

  beforeAll(async () => {
    server = await startAuthorizationServer()
    one = sandbox()
    await logIn(one, server)
    token = (await one.run(['token'])).stdout.trim()
  })

  afterAll(async () => {
    await server.close()
    await one.remove()
  })

  test('a process that is aborted with the token in memory leaves it in no core', async (context) => {
    if (readFileSync('/proc/sys/kernel/core_pattern', 'utf8') !== 'core\n')
      skipLoudly(context, 'what a core dump holds (/proc/sys/kernel/core_pattern is not plain)')
    const { home } = one
    const script = `ulimit -c unlimited && exec "${process.execPath}" "${CLI}" exec work -- sh -c 'echo started; exec cat'`
    const running = one.start([], { program: ['sh', '-c', script], cwd: home })
    await running.waitFor(/started/)
    // For the moment in which a program is started, the filter is as it was.
    await expect.poll(() => readFilter(running.pid)).toBe(0)
    running.kill('SIGABRT')
    // The program that it started outlives it, with its pipes.
    running.endInput()
    expect((await running.ended).signal).toBe('SIGABRT')
    const [core] = readdirSync(home).filter((name) => name.startsWith('core'))
    expect(readFileSync(join(home, core!)).includes(token)).toBe(false)
  })

  test.each([
    ['token'],
    ['token', 'work', '--json'],
    ['credential-process', 'work', '--format', 'token'],
    ['list'],
    ['refresh', 'work', '--force'],
    ['git-credential', 'get'],
  ])('`daypass %s` keeps its memory out of it', async (...args) => {
    const hook = join(one.home, `at-exit-${args.join('-')}.cjs`)
    writeFileSync(
      hook,
      `process.on('exit', () => process.stderr.write('filter ' + require('node:fs').readFileSync('${FILTER}', 'utf8')))`,
    )
    const { stderr } = await one.run(args, { env: { NODE_OPTIONS: `--require ${hook}` } })
    expect(stderr).toMatch(/filter 0+\n$/)
  })

  test('a program that exec starts dumps as it would without daypass', async () => {
    const { stdout } = await one.run(['exec', 'work', '--', 'cat', FILTER])
    expect(Number.parseInt(stdout, 16)).toBe(readFilter('self'))
    expect(readFilter('self')).not.toBe(0)
  })
})

/** `daypass exec`: the program stands in our place, with its streams, signals and exit code. */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startAuthorizationServer } from '../../src/testing/index.ts'
import { box, copyOf, left, loggedIn, logIn } from '../cli/story.ts'
import { CLI } from '../kit/cli.ts'
import { needs } from '../kit/needs.ts'

const { base: one } = await loggedIn()

/** A program that says when it is ready, and of each signal that it came. It ends by itself. */
const LISTENER = `
const hear = (signal) => process.on(signal, () => {
  console.log('heard ' + signal)
  if (signal === process.argv[1]) process.exit(42)
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) hear(signal)
setTimeout(() => process.exit(1), 60000)
console.log('ready ' + process.pid)
`
const listener = (last: string) => ['exec', '--', process.execPath, '-e', LISTENER, last]

/** Becomes the leader of a session, says its number, and becomes the program that follows. */
const SESSION = ['setsid', '--wait', 'sh', '-c', 'echo "ours $$"; exec "$@"', 'sh']

describe('a signal', () => {
  test('that comes while the token is renewed ends us when that is done, and the program never begins', async () => {
    const server = await startAuthorizationServer()
    const own = box()
    await logIn(own, server)
    await left(own, 'work', -1000)
    const asked = new Promise<void>((resolve) => {
      server.on(({ type }) => type === 'refresh' && resolve())
    })
    server.failNext({ endpoint: 'refresh', delay: 500 })
    const running = own.start(['exec', '--', process.execPath, '-p', '"it ran"'])
    await asked
    running.kill('SIGINT')
    expect(await running.ended).toMatchObject({ code: 130, stdout: '' })
    // Nothing was lost, either.
    expect((await own.run(['exec', '--', process.execPath, '-p', '"it ran"'])).stdout).toBe('it ran\n')
    expect(server.stats()).toMatchObject({ refreshes: 1 })
    await server.close()
  })

  test.for(['SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGINT', 'SIGQUIT'] as const)(
    'to us reaches the program where there is no terminal, and the end is the program’s: %s',
    async (signal, context) => {
      needs(context, 'setsid')
      // A session of its own has no terminal, wherever the tests run.
      const running = one.start([process.execPath, CLI, ...listener(signal)], { program: SESSION })
      await running.waitFor(/ready \d+/)
      const [, ours] = await running.waitFor(/ours (\d+)/)
      process.kill(Number(ours), signal)
      const { code, stdout } = await running.ended
      expect(stdout).toContain(`heard ${signal}`)
      expect(code).toBe(42)
    },
  )

  test('is not the last: another one reaches the program, too', async (context) => {
    needs(context, 'setsid')
    const running = one.start([process.execPath, CLI, ...listener('SIGUSR2')], { program: SESSION })
    await running.waitFor(/ready/)
    const [, ours] = await running.waitFor(/ours (\d+)/)
    process.kill(Number(ours), 'SIGTERM')
    await running.waitFor(/heard SIGTERM/)
    process.kill(Number(ours), 'SIGHUP')
    await running.waitFor(/heard SIGHUP/)
    process.kill(Number(ours), 'SIGUSR2')
    expect((await running.ended).code).toBe(42)
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGKILL', 137],
    ['SIGINT', 130],
    ['SIGHUP', 129],
    ['SIGSEGV', 139],
  ])('that ends the program is 128 and its number: %s', async (signal, code) => {
    const script = `process.kill(process.pid, '${signal}'); setTimeout(() => {}, 60000)`
    const result = await one.run(['exec', '--', process.execPath, '-e', script])
    expect(result).toMatchObject({ code, signal: null, stderr: '' })
  })
})

describe('the program', () => {
  test.each([0, 1, 42, 255])('ends with %i, and so do we', async (code) => {
    const result = await one.run(['exec', '--', process.execPath, '-e', `process.exit(${code})`])
    expect(result).toMatchObject({ code, stdout: '', stderr: '' })
  })

  test.each([
    ['a file', (command: string) => `${command} < input`],
    ['a pipe', (command: string) => `cat input | ${command}`],
  ])('has our streams, byte for byte: %s', async (_, wired) => {
    const input = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 256))
    const script = `
      const chunks = []
      process.stdin.on("data", (chunk) => chunks.push(chunk)).on("end", () => {
        const all = Buffer.concat(chunks)
        console.log(require("node:crypto").createHash("sha256").update(all).digest("hex"))
        console.error("on the other one")
      })`
    writeFileSync(join(one.home, 'input'), input)
    const command = `"${process.execPath}" "${CLI}" exec -- "${process.execPath}" -e '${script}'`
    const result = await one.run(['-c', wired(command)], { program: ['sh'] })
    expect(result).toEqual({
      code: 0,
      signal: null,
      stdout: `${createHash('sha256').update(input).digest('hex')}\n`,
      stderr: 'on the other one\n',
    })
  })

  test('has its words as they are, ours among them', async () => {
    const words = ['--', '-i', 'x', '--json', '--help', '', 'a b', `'"$HOME\n`, '*', '-v']
    const script = 'console.log(JSON.stringify(process.argv.slice(1)))'
    const { stdout } = await one.run(['exec', 'work', '--', process.execPath, '-e', script, '--', ...words])
    expect(JSON.parse(stdout)).toEqual(words)
  })

  test('has our environment, the credential, and nothing of ours beside it', async () => {
    const script = 'console.log(JSON.stringify(process.env))'
    const env = { OIDC_TOKEN: 'another', KEPT: 'x' }
    const args = ['exec', '--', process.execPath, '-e', script]
    const found = JSON.parse((await one.run(args, { env })).stdout)
    const token = (await one.run(['token'])).stdout.trim()
    expect(found).toEqual({ ...one.env, KEPT: 'x', OIDC_TOKEN: token })
  })

  test('is looked for as the shell does, and what it is called from there', async () => {
    writeFileSync(join(one.home, 'tool'), '#!/bin/sh\necho "tool $1"\n', { mode: 0o755 })
    writeFileSync(join(one.home, 'text'), 'nothing to run')
    const env = { PATH: `${one.home}:${one.env.PATH}` }
    expect(await one.run(['exec', '--', 'tool', 'x'], { env })).toMatchObject({ code: 0, stdout: 'tool x\n' })
    expect(await one.run(['exec', '--', './tool', 'y'])).toMatchObject({ code: 0, stdout: 'tool y\n' })
    expect(await one.run(['exec', '--', './text'])).toMatchObject({ code: 126, stdout: '' })
    expect(await one.run(['exec', '--', 'tool'])).toMatchObject({ code: 127, stdout: '' })
    expect(await one.run(['exec', '--', ''])).toMatchObject({ code: 127, stdout: '' })
  })

  test('that cannot be run says so as JSON where that was asked for, and not where it is the program’s word', async () => {
    const asked = await one.run(['exec', '--json', '--', 'no-such-program'])
    expect(JSON.parse(asked.stderr).error).toMatchObject({ code: 'no_program' })
    const not = await one.run(['exec', '--', 'no-such-program', '--json'])
    expect(not.stderr).toBe('error: there is no program "no-such-program"\n')
  })

  test('inside another has the credential of the inner one', async () => {
    const copy = copyOf(one)
    const inner = ['exec', '--', process.execPath, '-p', 'process.env.OIDC_TOKEN']
    const { stdout } = await copy.run(['exec', '--', process.execPath, CLI, ...inner])
    expect(stdout).toBe((await copy.run(['token'])).stdout)
  })
})

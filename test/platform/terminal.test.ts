import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { type IPty, spawn as spawnPty } from '@lydell/node-pty'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNodeTerminal } from '../../src/platform/terminal.ts'

let folder: string
let worker: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daypass-terminal-'))
  worker = join(folder, 'worker.mjs')
  await build({
    entryPoints: [resolve(import.meta.dirname, 'terminal-worker.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['undici'],
    outfile: worker,
    banner: { js: "import{createRequire as _r}from'node:module';const require=_r(import.meta.url);" },
    logLevel: 'error',
  })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let serial = 0
function play(name: string, extra: Record<string, string> = {}) {
  const RESULT = join(folder, `result-${++serial}`)
  const env = { PATH: process.env.PATH!, HOME: folder, TERM: 'xterm-256color', RESULT, ...extra }
  const results = () => {
    try {
      return readFileSync(RESULT, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    } catch {
      return []
    }
  }
  return { env, name, results }
}

interface Screen {
  pty: IPty
  text(): string
  until(pattern: RegExp | string): Promise<void>
  finished: Promise<void>
  results(): unknown[]
}

const NODE = process.execPath

/** The worker in a terminal, and afterwards what `stty` says of that same terminal. */
function screen(name: string, extra: Record<string, string> = {}): Screen {
  const { env, results } = play(name, extra)
  const script = `"$NODE" "$WORKER" ${name}; echo "EXIT=$?"; stty -a; echo FINISHED; sleep 1`
  const pty = spawnPty('/bin/sh', ['-c', script], {
    env: { ...env, NODE, WORKER: worker },
    cols: 100,
    rows: 30,
  })
  let seen = ''
  pty.onData((data) => {
    seen += data
  })
  const until = async (pattern: RegExp | string) => {
    const started = performance.now()
    while (typeof pattern === 'string' ? !seen.includes(pattern) : !pattern.test(seen)) {
      if (performance.now() - started > 25_000)
        throw new Error(`never saw ${pattern} in ${JSON.stringify(seen)}`)
      await new Promise((done) => setTimeout(done, 10))
    }
  }
  return { pty, text: () => seen, until, finished: until('FINISHED'), results }
}

function expectSane(text: string): void {
  // Twice: inside, since Node itself mends the terminal of a process that ends, and afterwards.
  expect(text.match(/\bicanon\b/g)).toHaveLength(2)
  expect(text).not.toMatch(/-(icanon|isig|icrnl|opost|echo)\b/)
  expect(text.lastIndexOf('\u001b[?2004l')).toBeGreaterThanOrEqual(text.lastIndexOf('\u001b[?2004h'))
  expect(text.lastIndexOf('\u001b[?25h')).toBeGreaterThanOrEqual(text.lastIndexOf('\u001b[?25l'))
}

/** Types one part and, 20 ms later, the other, while the program is stopped for `stall` milliseconds. */
async function inTwoParts(first: string, second: string, stall: number): Promise<Screen> {
  const shown = screen('secret')
  await shown.until('\u001b[?2004h')
  const started = performance.now()
  shown.pty.write(first)
  await new Promise((done) => setTimeout(done, 20))
  if (stall > 0) process.kill(-shown.pty.pid, 'SIGSTOP')
  shown.pty.write(second)
  const took = performance.now() - started
  await new Promise((done) => setTimeout(done, stall))
  if (stall > 0) process.kill(-shown.pty.pid, 'SIGCONT')
  // A test that stalled itself typed them too far apart, and says nothing.
  return took < 60 ? shown : inTwoParts(first, second, stall)
}

const SECRET = 'XYZZY-s3cr3t-0123456789'

/** Each test has a terminal of its own, for which it mostly waits. */
const SIDE_BY_SIDE = { concurrent: true }

describe.skipIf(process.platform === 'win32')('a secret on a terminal', SIDE_BY_SIDE, () => {
  test('what is typed is read and nothing of it shown', async () => {
    const { pty, until, finished, text, results } = screen('secret')
    await until('Paste the code: ')
    await until('\u001b[?2004h')
    for (const key of `${SECRET}x\u007f\r`) pty.write(key)
    await finished
    expect(results()).toEqual([SECRET])
    expect(text()).not.toMatch(/XYZ|s3cr|012|\*/)
    expect(text()).toContain('EXIT=0')
    expectSane(text())
  })

  test('a paste over several lines, in brackets', async () => {
    const { pty, until, finished, text, results } = screen('secret')
    await until('\u001b[?2004h')
    pty.write(`\u001b[200~https://h/cb?code=${SECRET}\r&sta`)
    await new Promise((done) => setTimeout(done, 250))
    pty.write('te=s\u001b[20')
    pty.write('1~')
    await new Promise((done) => setTimeout(done, 200))
    expect(results()).toEqual([])
    pty.write('\r')
    await finished
    expect(results()).toEqual([`https://h/cb?code=${SECRET}\n&state=s`])
    expect(text()).not.toMatch(/XYZ|state/)
    expectSane(text())
  })

  test.each([
    ['', 0],
    [', and the program stalls in the middle', 200],
  ])('a paste over several lines from a terminal that knows no brackets%s', async (_, stall) => {
    const { finished, results, text } = await inTwoParts(`${SECRET}\r`, 'second line\rthird\r', stall)
    await finished
    expect(results()).toEqual([`${SECRET}\nsecond line\nthird`])
    expect(text()).not.toContain('XYZ')
    expectSane(text())
  })

  test('one after the other', async () => {
    const { pty, until, finished, results } = screen('twice')
    await until('first: ')
    pty.write('one\r')
    await until('second: ')
    pty.write('two\r')
    await finished
    expect(results()).toEqual(['one', 'two'])
  })

  test('Ctrl-C cancels and leaves the terminal as it was', async () => {
    const { pty, until, finished, results, text } = screen('secret')
    await until('\u001b[?2004h')
    pty.write(`\u001b[200~${SECRET}`)
    pty.write('\u0003')
    await finished
    expect(results()).toEqual(['cancelled'])
    expect(text()).toContain('EXIT=130')
    expect(text()).not.toContain('XYZ')
    expectSane(text())
  })

  test('Ctrl-D is the end of input', async () => {
    const { pty, until, finished, results, text } = screen('secret')
    await until('\u001b[?2004h')
    pty.write('\u0004')
    await finished
    expect(results()).toEqual([null])
    expectSane(text())
  })

  test('abort gives the terminal back, and the process ends by itself', async () => {
    const { finished, results, text } = screen('abort')
    const started = performance.now()
    await finished
    expect(performance.now() - started).toBeLessThan(5_000)
    expect(results()).toEqual(['the browser was faster'])
    expect(text()).toMatch(/\r\nwent on\r\n/)
    expectSane(text())
  })

  test('aborted before it began: nothing is shown', async () => {
    const { finished, results, text } = screen('aborted')
    await finished
    expect(results()).toEqual(['before'])
    expect(text()).not.toContain('never shown')
  })

  test('--no-input reads nothing', async () => {
    const { finished, results } = screen('secret', { NO_INPUT: '1' })
    await finished
    expect(results()).toEqual([null])
  })
})

describe.skipIf(process.platform === 'win32')('questions', SIDE_BY_SIDE, () => {
  test('a picker', async () => {
    const { pty, until, finished, results, text } = screen('choose')
    await until('Beta')
    pty.write('\u001b[B')
    await new Promise((done) => setTimeout(done, 100))
    pty.write('\r')
    await finished
    expect(results()).toEqual(['b'])
    expectSane(text())
  })

  test.each(['choose', 'confirm'])('Ctrl-C in %s', async (name) => {
    const { pty, until, finished, results, text } = screen(name)
    await until(name === 'choose' ? 'Beta' : 'Sure?')
    await new Promise((done) => setTimeout(done, 100))
    pty.write('\u0003')
    await finished
    expect(results()).toEqual(['cancelled'])
    expectSane(text())
  })

  test('Enter is no: yes has to be said', async () => {
    const { pty, until, finished, results } = screen('confirm')
    await until('Sure?')
    await new Promise((done) => setTimeout(done, 100))
    pty.write('\r')
    await finished
    expect(results()).toEqual([false])
  })
})

describe.skipIf(process.platform === 'win32')('what is said', SIDE_BY_SIDE, () => {
  test('a spinner turns on a terminal, and lines are not torn by it', async () => {
    const { finished, text } = screen('busy')
    await finished
    expect(text()).toMatch(/[⠋⠙⠹⠸].*waiting/)
    expect(text()).toMatch(/\u001b\[2Ka line meanwhile\r\n/)
    expect(text()).toMatch(/\u001b\[2K\u001b\[33m!\u001b\[39m look here\r\n/)
    expect(text()).toMatch(/\u001b\[2Kdone\r\n/)
    expectSane(text())
  })

  test('it stands still while something is pasted', async () => {
    const { pty, until, finished, text, results } = screen('beside')
    await until('\u001b[?2004h')
    const before = text().length
    await new Promise((done) => setTimeout(done, 300))
    expect(text().length).toBe(before)
    pty.write('c\r')
    await finished
    expect(results()).toEqual(['c'])
  })

  test('no colour under NO_COLOR; --quiet drops what is said and not what is warned of', async () => {
    const { finished, text } = screen('busy', { NO_COLOR: '1', QUIET: '1' })
    await finished
    expect(text()).toMatch(/^! look here\r\nspeed/)
  })
})

interface Piped {
  stderr: string
  code: number | null
}

function piped(name: string, input: string, extra: Record<string, string> = {}) {
  const { env, results } = play(name, extra)
  const child = spawn(NODE, [worker, name], { env, stdio: 'pipe' })
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return new Promise<Piped & { results: unknown[] }>((done) => {
    child.on('close', (code) => done({ stderr, code, results: results() }))
  })
}

describe('in a pipe', SIDE_BY_SIDE, () => {
  test('one line is read, or what there is until the end', async () => {
    expect(await piped('secret', 'one\r\ntwo\n')).toEqual({ stderr: '', code: 0, results: ['one'] })
    expect((await piped('secret', 'no newline')).results).toEqual(['no newline'])
    expect((await piped('secret', '')).results).toEqual([null])
    expect((await piped('twice', 'one\ntwo\n')).results).toEqual(['one', 'two'])
    expect((await piped('twice', 'one\n')).results).toEqual(['one', null])
  })

  test('a pipe is read under --no-input, too: no question is asked', async () => {
    expect((await piped('secret', 'x\n', { NO_INPUT: '1' })).results).toEqual(['x'])
  })

  test('there is no spinner, no colour and no question', async () => {
    expect((await piped('busy', '', { CI: '1' })).stderr).toBe('a line meanwhile\n! look here\ndone\n')
    const asked = await piped('choose', '')
    expect([asked.results, asked.stderr]).toEqual([['usage'], ''])
    expect((await piped('surroundings', '')).results).toEqual([false])
  })

  test('abort lets go of it', async () => {
    const { env, results } = play('abort')
    const child = spawn(NODE, [worker, 'abort'], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    const code = await new Promise((done) => child.on('exit', done))
    expect([code, results()]).toEqual([0, ['the browser was faster']])
  })

  test('a reader that has gone is no crash', async () => {
    const { env } = play('busy')
    const child = spawn(
      '/bin/sh',
      [
        '-c',
        '"$NODE" "$WORKER" busy 2>&1 >/dev/null | true; sleep 1; "$NODE" "$WORKER" busy 2>"$RESULT.err" || echo crashed',
      ],
      {
        env: { ...env, NODE, WORKER: worker },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    child.stdout.setEncoding('utf8')
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    await new Promise((done) => child.on('close', done))
    expect(out).not.toContain('crashed')
    const closed = spawn(NODE, [worker, 'busy'], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    closed.stderr.destroy()
    expect(await new Promise((done) => closed.on('exit', (code, signal) => done(code ?? signal)))).toBe(0)
  })
})

test('a line that comes while something is asked stands above the prompt', async () => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  const stderr = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true })
  const terminal = createNodeTerminal({ stdin, stderr, interactive: true })
  const asked = terminal.readSecret('Paste it:')
  terminal.warn('refused')
  stdin.write('typed\r')
  expect(await asked).toBe('typed')
  terminal.say('thanks')
  const shown = String(stderr.read()).replaceAll(/\u001b\[\?2004./g, '')
  expect(shown).toBe('Paste it:\n! refused\nPaste it:\nthanks\n')
})

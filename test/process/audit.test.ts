/** The record of who asked for which credential: complete, without a secret, and in nobody's way. */
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type AuditEntry, MAX_AUDIT_SIZE } from '../../src/audit/append.ts'
import type { BearerCredential } from '../../src/core/types.ts'
import { change, copyOf, left, loggedIn, logIn, withKeys } from '../cli/story.ts'
import { CLI, type Sandbox } from '../kit/cli.ts'
import { needs } from '../kit/needs.ts'
import { skipLoudly } from '../vault/support.ts'

const { server, base } = await loggedIn()

/** Nothing was handed out there yet. */
function box(): Sandbox {
  const one = copyOf(base)
  rmSync(fileOf(one), { force: true })
  return one
}

const fileOf = ({ daypassHome }: Sandbox) => join(daypassHome, 'audit.jsonl')
const read = (path: string): AuditEntry[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    : []
const lines = (one: Sandbox) => read(fileOf(one))

describe('a line', () => {
  test.each([
    ['token', ['token'], undefined],
    ['token', ['token', '-v'], undefined],
    ['env', ['env', '--format', 'json'], undefined],
    ['exec', ['exec', '--', 'true', 'an argument'], 'true'],
    ['fetch', ['fetch', server.endpoints.resource], new URL(server.issuer).host],
  ])('is written by %s: %j', async (verb, args, audience) => {
    const one = box()
    const began = Date.now()
    const run = one.start(args)
    expect((await run.ended).code).toBe(0)
    expect(lines(one)).toEqual([
      {
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        verb,
        identity: 'work',
        ...(audience && { audience }),
        pid: run.pid,
        ppid: process.pid,
        ...(process.platform === 'linux' && { parent: process.execPath }),
        cwd: one.home,
      },
    ])
    expect(Date.parse(lines(one)[0]!.at)).toBeGreaterThanOrEqual(began - 1000)
    expect(Date.parse(lines(one)[0]!.at)).toBeLessThanOrEqual(Date.now())
    expect(statSync(fileOf(one)).mode & 0o777).toBe(0o600)
  })

  test('is written by credential-process, the quick way and the slow one', async () => {
    const one = box()
    await withKeys(one, 'work')
    for (const args of [['credential-process'], ['credential-process', '-v']]) await one.run(args)
    expect(lines(one).map(({ verb, identity }) => `${verb} ${identity}`)).toEqual(
      Array(2).fill('credential-process work'),
    )
  })

  test('is written by the helpers of other programs, where they hand out', async () => {
    const one = box()
    writeFileSync(
      join(one.daypassHome, 'config.yaml'),
      'auth: {identities: {work: {kind: oidc/user, hosts: ["127.0.0.1:9999"]}}}\n',
    )
    const asked = (host: string) => `protocol=http\nhost=${host}\n\n`
    const runs = [
      [['git-credential', 'get'], asked('127.0.0.1:9999')],
      [['docker-credential', 'get'], 'http://127.0.0.1:9999'],
      [['kube-credential'], ''],
      // For whom there is nothing.
      [['fetch', 'http://127.0.0.1:9998/'], ''],
      [['git-credential', 'get'], asked('127.0.0.1:9998')],
      [['docker-credential', 'get'], 'http://127.0.0.1:9998'],
      [['git-credential', 'store'], asked('127.0.0.1:9999')],
      [['docker-credential', 'list'], ''],
    ] as const
    for (const [args, input] of runs) await one.run(args, { input })
    // It cannot be shown to them.
    await change(one, 'work', ({ header, grant }) => {
      const credential = { ...grant!.credential, tokenType: 'dpop' } as BearerCredential
      return { header, grant: { ...grant!, credential } }
    })
    for (const [args, input] of runs.slice(0, 2)) expect((await one.run(args, { input })).code).not.toBe(0)
    expect(lines(one).map(({ verb, identity, audience }) => [verb, identity, audience])).toEqual([
      ['git-credential', 'work', '127.0.0.1:9999'],
      ['docker-credential', 'work', '127.0.0.1:9999'],
      ['kube-credential', 'work', undefined],
    ])
  })

  test('is written for a token of the environment, and for one that was renewed', async () => {
    const one = box()
    await logIn(one, server, 'renewed')
    await left(one, 'renewed', -1000)
    await one.run(['token', 'renewed'])
    await one.run(['use', '--unset'])
    await one.run(['token', 'github'], { env: { GITHUB_TOKEN: 'ghp_x' } })
    expect(lines(one).map(({ identity }) => identity)).toEqual(['renewed', '(environment)'])
  })

  test('is not written where nothing is handed out, nor where that was asked for', async () => {
    const one = box()
    for (const args of [['list'], ['status'], ['whoami'], ['token', 'nobody'], ['audit'], ['env', '--unset']])
      await one.run(args)
    await one.run(['credential-process'])
    for (const off of ['off', 'OFF']) await one.run(['token'], { env: { DAYPASS_AUDIT: off } })
    await one.run(['token', '-v'], { env: { DAYPASS_AUDIT: 'off' } })
    expect(existsSync(fileOf(one))).toBe(false)
  })

  test('is whole, whatever the folder is called', async () => {
    const one = box()
    const cwd = join(one.home, 'a\n"{"at":"x"}\\ b')
    mkdirSync(cwd)
    await one.run(['token', 'work'], { cwd })
    expect(lines(one).map((line) => line.cwd)).toEqual([cwd])
  })

  test('lies in a folder of its own where there is no home for all', async () => {
    const one = box()
    const env = { DAYPASS_HOME: undefined, XDG_STATE_HOME: join(one.home, 'not/yet'), GITHUB_TOKEN: 'ghp_x' }
    expect((await one.run(['token'], { env })).code).toBe(0)
    expect(read(join(one.home, 'not/yet/daypass/audit.jsonl'))).toHaveLength(1)
    expect(statSync(join(one.home, 'not/yet/daypass')).mode & 0o777).toBe(0o700)
  })
})

test('a hundred processes at once lose no line and mix none', async () => {
  const one = box()
  const pids = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const run = one.start(index % 4 ? ['token'] : ['token', '-v'])
      expect((await run.ended).code).toBe(0)
      return run.pid
    }),
  )
  expect(
    lines(one)
      .map(({ pid }) => pid)
      .sort(),
  ).toEqual(pids.sort())
})

const filler = JSON.stringify({ at: '2026-01-02T03:04:05Z', verb: 'token', identity: 'old', pid: 1, ppid: 1 })
const fillers = Math.floor(MAX_AUDIT_SIZE / (filler.length + 1))

test('a file that is too long becomes the older one, once, and no line is lost on the way', async () => {
  const one = box()
  writeFileSync(fileOf(one), `${filler}\n`.repeat(fillers), { mode: 0o600 })
  const runs = Array.from({ length: 40 }, (_, index) => one.run(index % 4 ? ['token'] : ['token', '-v']))
  expect((await Promise.all(runs)).map(({ code }) => code)).toEqual(Array(40).fill(0))
  const [older, younger] = [read(`${fileOf(one)}.1`), lines(one)]
  expect(older.length).toBeGreaterThan(fillers)
  expect(older.length + younger.length).toBe(fillers + 40)
  expect(statSync(fileOf(one)).size).toBeLessThan(MAX_AUDIT_SIZE)
  expect(statSync(`${fileOf(one)}.1`).mode & 0o777).toBe(0o600)
})

test('the oldest goes: there are two files at most', async () => {
  const one = box()
  for (const word of ['first', 'second', 'third']) {
    appendFileSync(fileOf(one), `${filler.replace('old', word)}\n`.repeat(fillers), { mode: 0o600 })
    expect((await one.run(['token'])).code).toBe(0)
  }
  const identities = new Set(read(`${fileOf(one)}.1`).map(({ identity }) => identity))
  expect([...identities].sort()).toEqual(['third', 'work'])
})

/** Root may write wherever it likes, unless it gives that up. */
const LESS = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--inh-caps', '-dac_override']

describe('a hand-out works all the same, and says nothing, with', () => {
  const PLACES: Record<string, (path: string) => void> = {
    'a link in its place': (path) => {
      writeFileSync(`${path}-elsewhere`, '')
      symlinkSync(`${path}-elsewhere`, path)
    },
    'a folder in its place': (path) => mkdirSync(path),
    'a pipe in its place': (path) => void execFileSync('mkfifo', [path]),
    'a full device in its place': (path) => symlinkSync('/dev/full', path),
    'a file of another user in its place': (path) => {
      writeFileSync(path, '', { mode: 0o666 })
      if (process.getuid?.() === 0) chownSync(path, 65_534, 65_534)
      else chmodSync(path, 0o444)
    },
    'something in the place of the older one': (path) => {
      writeFileSync(path, `${filler}\n`.repeat(fillers + 1), { mode: 0o600 })
      mkdirSync(`${path}.1/x`, { recursive: true })
    },
  }

  test.each(Object.entries(PLACES))('%s', async (title, misplace) => {
    const one = box()
    misplace(fileOf(one))
    for (const args of [['token'], ['token', '--json', '-q'], ['exec', '--', 'true']])
      expect(await one.run(args)).toMatchObject({ code: 0, stderr: '' })
    // Nothing of ours went there.
    if (title.includes('link')) expect(readFileSync(`${fileOf(one)}-elsewhere`, 'utf8')).toBe('')
    if (title.includes('another user') && process.getuid?.() === 0)
      expect(readFileSync(fileOf(one), 'utf8')).toBe('')
  })

  test('folders that are closed to us', async (context) => {
    const one = box()
    const root = process.getuid?.() === 0
    if (root) needs(context, 'setpriv')
    const program = [...(root ? LESS : []), process.execPath, CLI]
    chmodSync(one.daypassHome, 0o500)
    for (const args of [['token'], ['token', '-v'], ['exec', '--', 'true']])
      expect(await one.run(args, { program })).toMatchObject({ code: 0, stderr: '' })
    chmodSync(one.daypassHome, 0o700)
    expect(existsSync(fileOf(one))).toBe(false)
  })

  test('a full disk, and half a line on it hides no other', async (context) => {
    const one = box()
    const run = (program: string, ...args: string[]) => {
      try {
        execFileSync(program, args, { stdio: 'pipe' })
      } catch (error) {
        skipLoudly(context, `a full disk (${String((error as { stderr?: unknown }).stderr).trim()})`)
      }
    }
    const state = join(one.home, 'state')
    mkdirSync(state)
    run('mount', '-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', state)
    try {
      const env = { DAYPASS_HOME: undefined, XDG_STATE_HOME: state, GITHUB_TOKEN: 'ghp_x' }
      await one.run(['token'], { env })
      const file = join(state, 'daypass/audit.jsonl')
      // Up to the last few bytes of its last page.
      appendFileSync(file, `${filler}\n`.repeat(20))
      const rest = 4096 - (statSync(file).size % 4096)
      appendFileSync(file, `${'x'.repeat(rest - 21)}\n`)
      expect(() => {
        for (;;) appendFileSync(join(state, 'filler'), Buffer.alloc(4096))
      }).toThrow('ENOSPC')
      for (const args of [['token'], ['token', '-v'], ['exec', '--', 'true']])
        expect((await one.run(args, { env })).code).toBe(0)
      expect(statSync(file).size % 4096).toBe(0)
      rmSync(join(state, 'filler'))
      await one.run(['env', '--format', 'json'], { env })
      const { stdout, stderr } = await one.run(['audit', '--json'], { env })
      expect(JSON.parse(stdout).entries.at(-1)).toMatchObject({ verb: 'env' })
      expect(stderr).toMatch(/^! 1 line of \S+ cannot be read\n$/)
    } finally {
      execFileSync('umount', [state])
    }
  })
})

describe('daypass audit', () => {
  const written = (one: Sandbox, ...said: Partial<AuditEntry>[]) =>
    writeFileSync(
      fileOf(one),
      said.map((each) => `${JSON.stringify({ ...JSON.parse(filler), ...each })}\n`).join(''),
      { mode: 0o600 },
    )

  test('shows who asked for what; of one identity, since a while, as JSON', async () => {
    const one = box()
    const now = Date.now()
    const ago = (hours: number) => `${new Date(now - hours * 3_600_000).toISOString().slice(0, 19)}Z`
    written(
      one,
      { at: ago(3), identity: 'work', ppid: 7, cwd: '/src' },
      {
        at: ago(2),
        identity: 'other',
        verb: 'exec',
        audience: 'terraform',
        ppid: 8,
        parent: '/usr/bin/bash',
      },
      {
        at: ago(0.5),
        identity: 'work',
        verb: 'fetch',
        audience: 'api.example.com',
        ppid: 9,
        parent: '/usr/bin/zsh',
      },
    )
    const { code, stdout, stderr } = await one.run(['audit'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.replace(/\d{4}-\S+Z/g, '{TIME}             ').replace(/ +/g, ' ')).toBe(
      `TIME VERB IDENTITY FOR ASKED BY IN
{TIME} token work process 7 /src
{TIME} exec other terraform /usr/bin/bash (8)
{TIME} fetch work api.example.com /usr/bin/zsh (9)
`,
    )
    const verbs = async (...args: string[]) =>
      JSON.parse((await one.run(['audit', '--json', ...args])).stdout).entries.map(
        ({ verb }: { verb: string }) => verb,
      )
    expect(await verbs('work')).toEqual(['token', 'fetch'])
    expect(await verbs('-i', 'other')).toEqual(['exec'])
    expect(await verbs('--since', '150m')).toEqual(['exec', 'fetch'])
    expect(await verbs('--since', '1h', 'other')).toEqual([])
    const { entries } = JSON.parse((await one.run(['audit', '--json'])).stdout)
    expect(entries[0]).toEqual({
      ...{ at: ago(3), verb: 'token', identity: 'work', audience: null },
      ...{ pid: 1, ppid: 7, parent: null, cwd: '/src' },
    })
  })

  test('reads the older file, too, and shows the last ones', async () => {
    const one = box()
    writeFileSync(`${fileOf(one)}.1`, `${filler}\n`.repeat(60), { mode: 0o600 })
    await one.run(['token'])
    const { stdout, stderr } = await one.run(['audit'])
    expect(stdout.trimEnd().split('\n')).toHaveLength(51)
    expect(stderr).toBe('The last 50; 11 came before: daypass audit --since 30d\n')
    expect((await one.run(['audit', '--since', '9000d'])).stdout.trimEnd().split('\n')).toHaveLength(62)
  })

  test('says when nothing was handed out, and when nothing is written down', async () => {
    const one = box()
    expect(await one.run(['audit'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'Nothing was handed out.\n',
    })
    expect(await one.run(['audit', '--json'])).toMatchObject({
      code: 0,
      stdout: '{"entries":[]}\n',
      stderr: '',
    })
    const off = await one.run(['audit'], { env: { DAYPASS_AUDIT: 'off' } })
    expect(off.stderr).toContain('! nothing is written down: DAYPASS_AUDIT is off\n')
    expect((await one.run(['audit', '--since', 'x'])).code).toBe(2)
  })

  test('shows what is hostile as harmless, and says what cannot be read', async () => {
    const one = box()
    written(one, { audience: '\u001b[31mred', cwd: '/a\nb' }, { parent: { toString: 1 } as never })
    appendFileSync(fileOf(one), 'half a li\n[]\n{"at":"never"}\n')
    const { stdout, stderr } = await one.run(['audit'])
    expect(stdout).not.toContain('\u001b')
    expect(stdout.trimEnd().split('\n')).toHaveLength(2)
    expect(stderr).toMatch(/^! 4 lines of \S+ cannot be read\n$/)
  })

  test('is an error where something else lies there', async () => {
    const one = box()
    symlinkSync('/etc/hosts', fileOf(one))
    const { code, stderr } = await one.run(['audit'])
    expect(code).toBe(5)
    expect(stderr).toMatch(/is refused: it is a symbolic link\n/)
  })
})

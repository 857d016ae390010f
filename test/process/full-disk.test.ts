/** File systems that are full, read-only or closed to us: what works all the same, what is said, and that nothing is spent. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { at, filesBelow, left } from '../cli/story.ts'
import { CLI, type Result, type RunOptions } from '../kit/cli.ts'
import { skipLoudly } from '../vault/support.ts'
import { type Home, home, recordOf, tokenOf } from './data-dir.ts'

interface Place {
  message: RegExp
  hint: RegExp
  /** What a logout comes to. */
  logout: 'done' | 'revoked' | 'nothing'
  /** Before anybody is logged in. */
  prepare?(folder: string, context: TestContext): void
  breaks?(folder: string): void
  mends?(folder: string): void
  /** How the program is run there. */
  options?(context: TestContext): RunOptions
  end?(folder: string): void
}

const ROOT = process.getuid?.() === 0

function run(context: TestContext, program: string, ...args: string[]): void {
  try {
    execFileSync(program, args, { stdio: 'pipe' })
  } catch (error) {
    skipLoudly(
      context,
      `${context.task.name} (${String((error as { stderr?: unknown }).stderr ?? error).trim()})`,
    )
  }
}

/** A file system of a few pages, mounted for the test. */
const small = (folder: string, context: TestContext) =>
  run(context, 'mount', '-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', folder)
const unmount = (folder: string) => void execFileSync('umount', [folder])

function fill(folder: string): void {
  try {
    for (;;) appendFileSync(join(folder, 'filler'), Buffer.alloc(4096))
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' })
  }
}

const remount = (how: string) => (folder: string) =>
  void execFileSync('mount', ['-o', `remount,${how}`, folder])

const FOLDERS = ['vault/locks', 'vault', '.']
const change = (mode: number) => (folder: string) => {
  for (const name of FOLDERS) chmodSync(join(folder, name), mode)
}

/** Root may write wherever it likes, unless it gives that up. */
const LESS = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--inh-caps', '-dac_override']
const asOrdinary = (context: TestContext): RunOptions => {
  if (!ROOT) return {}
  run(context, LESS[0]!, ...LESS.slice(1), process.execPath, '--version')
  return { program: [...LESS, process.execPath, CLI] }
}

const PLACES: Record<string, Place> = {
  'a full disk': {
    message: /the disk is full$/,
    hint: /^free some space and try again; nothing was lost$/,
    logout: 'done',
    prepare: small,
    breaks: fill,
    mends: (folder) => rmSync(join(folder, 'filler')),
    end: unmount,
  },
  'a limit on the size of files': {
    message: /files may grow no larger here$/,
    hint: /: ulimit -f unlimited$/,
    logout: 'done',
    options: () => ({ program: ['sh', '-c', 'ulimit -f 0; exec "$@"', 'sh', process.execPath, CLI] }),
  },
  'a read-only file system': {
    message: /the file system is read-only$/,
    hint: /^make it writable, or set DAYPASS_HOME/,
    logout: 'nothing',
    prepare: small,
    breaks: remount('ro'),
    mends: remount('rw'),
    end: unmount,
  },
  'a folder that is closed to us': {
    message: /permission denied$/,
    hint: /mend the permissions$/,
    logout: 'revoked',
    breaks: change(0o500),
    mends: change(0o700),
    options: asOrdinary,
  },
}

function expectTold({ code, stdout, stderr }: Result, { message, hint }: Place): void {
  expect({ code, stdout }, stderr).toEqual({ code: 5, stdout: '' })
  const [said = '', next = '', ...more] = stderr.slice(stderr.indexOf('error: ')).trimEnd().split('\n')
  expect(said).toMatch(message)
  expect(next.trim()).toMatch(hint)
  expect(more).toEqual([])
}

/** Everything that writes fails before it asks the server for anything, and everything that reads succeeds. */
async function expectReadable(made: Home, place: Place, options: RunOptions): Promise<void> {
  const { one, server } = made
  const token = await tokenOf(made, 'work')
  const before = filesBelow(join(one.daypassHome, 'vault'))
  const { requests } = server.stats()
  const writing = [
    ['token', 'stale'],
    ['refresh', 'work', '--force'],
    ['login', 'work'],
    ['login', 'oidc', 'new', ...at(server)],
    ['use', 'stale'],
  ]
  const [list, status, warm, ...failed] = await Promise.all(
    [['list'], ['status', 'work'], ['token', 'work'], ...writing].map((args) => one.run(args, options)),
  )
  for (const each of failed) expectTold(each, place)
  expect(list).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^work .* valid /m) })
  expect(status).toMatchObject({ code: 0, stderr: '' })
  expect(warm).toMatchObject({ code: 0, stderr: '', stdout: `${token}\n` })
  expect(server.stats().requests).toBe(requests)
  expect(filesBelow(join(one.daypassHome, 'vault'))).toEqual(before)
}

async function expectLogout(made: Home, place: Place, options: RunOptions): Promise<void> {
  const { one, server } = made
  const before = recordOf(made, 'gone')
  const result = await one.run(['logout', 'gone'], options)
  expect(server.stats().revocations).toBe(place.logout === 'nothing' ? 0 : 1)
  const { identities } = await made.daypass.list()
  const row = identities.find((each) => each.row.name === 'gone')?.row
  if (place.logout === 'done') {
    expect(result, result.stderr).toMatchObject({ code: 0 })
    expect(result.stderr).toContain(
      'revoked at the server and removed here.\nIt was the default; there is none now',
    )
    expect(row?.method ?? null).toBeNull()
    expect(identities.map((each) => each.row.default)).not.toContain(true)
  } else {
    expectTold(result, place)
    expect(result.stderr).toMatch(
      place.logout === 'revoked' ? /gone was revoked at the server, but could not be removed/ : /cannot lock/,
    )
    expect(recordOf(made, 'gone')).toBe(before)
  }
}

test.for(Object.entries(PLACES))(
  '%s costs nothing that is kept, and is said before anything is spent',
  { timeout: 60_000 },
  async ([, place], context) => {
    if (process.platform === 'win32') skipLoudly(context, 'file systems of other kinds')
    const made = await home()
    const { one, server, daypass } = made
    mkdirSync(one.daypassHome, { mode: 0o700 })
    place.prepare?.(one.daypassHome, context)
    try {
      const options = place.options?.(context) ?? {}
      // The first one is the default.
      for (const name of ['gone', 'work', 'stale']) await made.logIn(name)
      await left(one, 'stale', -1000)
      place.breaks?.(one.daypassHome)
      await expectReadable(made, place, options)
      await expectLogout(made, place, options)
      place.mends?.(one.daypassHome)
      for (const name of ['work', 'stale'])
        expect(await daypass.refresh(name, { force: true })).toMatchObject({ outcome: 'renewed' })
      expect(server.stats()).toMatchObject({ refreshes: 2, reuses: 0 })
    } finally {
      place.end?.(one.daypassHome)
    }
  },
)

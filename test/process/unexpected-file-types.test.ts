/** Whatever lies where a file of ours should lie hangs nobody, costs nothing, and is told where it matters. */
import {
  chmodSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { copyOf, logIn } from '../cli/story.ts'
import { BROWSER, type Sandbox, sandbox } from '../kit/cli.ts'
import { home } from './data-dir.ts'
import {
  all,
  expectTold,
  keyIn,
  LOOK,
  type Misplace,
  type Row,
  replace,
  type Thing,
  vaultOf,
  write,
} from './unexpected-file-types.ts'

let server: AuthorizationServer
let base: Sandbox
beforeAll(async () => {
  // Copies of one login renew it independently of each other.
  server = await startAuthorizationServer({ refresh: 'reusable' })
  base = sandbox()
  for (const name of ['work', 'other']) await logIn(base, server, name)
})
afterAll(async () => {
  await base.remove()
  await server.close()
})

const locks = (name: string, by: Thing) => (vault: string) => replace(vault, `locks/${name}`, by)
const STAND: Row[] = [
  [
    'no decision',
    (vault) => write(vault, 'vault.json', '{}'),
    /vault\.json is damaged/,
    /restore it.*head -1/,
  ],
  [
    'a decision that is a pipe',
    (vault) => replace(vault, 'vault.json', 'fifo'),
    /vault\.json is refused: it is not a file/,
    LOOK,
  ],
  [
    'a decision that is a link',
    (vault) => replace(vault, 'vault.json', 'link'),
    /vault\.json is refused: it is a symbolic link/,
    LOOK,
  ],
  [
    'a lock that is a folder',
    locks('work.lock', 'folder'),
    /cannot lock \S+work\.lock: a folder is in its place/,
    /move the folder/,
  ],
  [
    'a lock that is a link',
    locks('work.lock', 'link'),
    /cannot lock \S+work\.lock: it is a symbolic link/,
    /replace the link/,
  ],
  [
    'locks that are a file',
    (vault) => {
      rmSync(join(vault, 'locks'), { recursive: true })
      write(vault, 'locks', '')
    },
    /cannot make the folder \S+locks: something else is in its place/,
    /move what is in the way/,
  ],
]

test('what else a renewal needs and does not find stops it before anything is spent; a fresh token is handed out all the same', async () => {
  await all(base, STAND, async (one, row) => {
    const [token, renewal] = await Promise.all([
      one.run(['token', 'work']),
      one.run(['refresh', 'work', '--force']),
    ])
    expect(token, row[0]).toMatchObject({ code: 0, stderr: '' })
    expectTold(renewal, row)
  })
  expect(server.stats().refreshes).toBe(0)
})

const stateOf = (vault: string) => join(dirname(vault), 'state.json')
/** Beside a configuration that is not from this very moment: only of such a one a compiled copy is read. */
const compiled = (by: Thing) => (vault: string) => {
  const config = join(dirname(vault), 'config.yaml')
  writeFileSync(config, 'default: work\n')
  utimesSync(config, new Date('2026-01-02'), new Date('2026-01-02'))
  replace(dirname(vault), 'config.compiled.json', by)
}

const HARMLESS: [title: string, misplace: Misplace][] = [
  ['the note of a holder that is a pipe', locks('work.holder', 'fifo')],
  ['the note of a holder that is a folder', locks('work.holder', 'folder')],
  ['the note of a holder that is a link', locks('work.holder', 'link')],
  [
    'strangers',
    (vault) => {
      const names = ['.grant', '+.grant', 'a b.grant', 'CON.grant', 'x.grant.unreadable-1', 'notes']
      for (const name of names) write(vault, name, 'x')
    },
  ],
  ['a compiled configuration that is a pipe', compiled('fifo')],
  ['a compiled configuration that is a folder', compiled('folder')],
  [
    'a vault that is a link to one',
    (vault) => {
      renameSync(vault, join(dirname(vault), 'elsewhere'))
      symlinkSync('elsewhere', vault)
    },
  ],
]

test('an unrelated file hinders neither a token nor a renewal', async () => {
  const rows = HARMLESS.map(([title, misplace]): Row => [title, misplace, /./, /./])
  await all(base, rows, async (one, [title]) => {
    for (const args of [
      ['token', 'work'],
      ['refresh', 'work', '--force'],
    ]) {
      const result = await one.run(args)
      expect({ title, ...result }, result.stderr).toMatchObject({ title, code: 0 })
      if (args[0] === 'token') expect(result.stderr, title).toBe('')
    }
  })
})

test('a default that cannot be read hides no identity, and is told where it is needed', async () => {
  const { one } = await home('work', 'other')
  replace(one.daypassHome, 'state.json', 'folder')
  const told: Row = ['', () => undefined, /state\.json is refused: it is not a file/, LOOK]
  expectTold(await one.run(['token']), told)
  const [list, status, named, login, logout] = [
    await one.run(['list']),
    await one.run(['status']),
    await one.run(['token', 'work']),
    await one.run(['login', 'work'], { env: { BROWSER } }),
    await one.run(['logout', 'work']),
  ]
  expect(list).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^! \(default\): \S+state\.json is refused/),
  })
  expect(list.stdout.match(/^(work|other) /gm)).toHaveLength(2)
  expect(status.code).toBe(5)
  expect(named).toMatchObject({ code: 0, stderr: '' })
  expect(login, login.stderr).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('could not become the default'),
  })
  expect(logout).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/! work may still be the default.*\n.*revoked at the server/),
  })
})

test('looser permissions are mended, and said once', async () => {
  const one = copyOf(base)
  const vault = vaultOf(one)
  const loose: [path: string, mode: number, mended: number][] = [
    [join(vault, 'work.grant'), 0o644, 0o600],
    [join(vault, keyIn(vault)), 0o644, 0o600],
    [stateOf(vault), 0o640, 0o600],
    [vault, 0o755, 0o700],
  ]
  for (const [path, mode] of loose) chmodSync(path, mode)
  const token = await one.run(['token'])
  expect(token.code).toBe(0)
  for (const [path, mode] of loose.slice(0, 3))
    expect(token.stderr).toContain(`${path} could be read by others (0${mode.toString(8)})`)
  expect(token.stderr).toContain(`${vault} was open to others; it is 0700 now`)
  for (const [path, , mended] of loose) expect(statSync(path).mode & 0o777).toBe(mended)
  expect((await one.run(['token'])).stderr).toBe('')
})

test('names that differ by case are files that differ by more', async () => {
  const one = copyOf(base)
  for (const name of ['Work', 'WORK']) await logIn(one, server, name)
  const files = readdirSync(vaultOf(one), { recursive: true }).map((name) => String(name).toLowerCase())
  expect(new Set(files).size).toBe(files.length)
  const tokens = await Promise.all(['work', 'Work', 'WORK'].map((name) => one.run(['token', name])))
  expect(new Set(tokens.map(({ stdout }) => stdout)).size).toBe(3)
})

/** What holds for every verb: the `auth` prefix, `--json`, `--quiet`, streams that are closed, colours. */
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { BROWSER, CLI, type Sandbox, sandbox } from '../kit/cli.ts'
import { at, box, copyOf, left, logIn, vaultOf } from './story.ts'

let server: AuthorizationServer
let base: Sandbox
beforeAll(async () => {
  server = await startAuthorizationServer({ refresh: 'reusable' })
  base = sandbox()
  await logIn(base, server)
})
afterAll(async () => {
  await base.remove()
  await server.close()
})

const VERBS = [
  'list',
  'ls',
  'status',
  'status work',
  'whoami',
  'use work',
  'switch work',
  'refresh',
  'token',
  'env',
  'env --unset',
  'config path',
  'config show',
  'config validate',
  'logout work --dry-run',
  'help token',
]

test.each(VERBS)(
  '`daypass auth %s` is `daypass %s`, and nothing of it in a pipe holds an escape code',
  async (verb) => {
    const one = copyOf(base, { FORCE_COLOR: '1' })
    const words = verb.split(' ')
    const [plain, prefixed] = await Promise.all([one.run(words), one.run(['auth', ...words])])
    const timeless = ({ code, stdout, stderr }: typeof plain) => ({
      code,
      text: (stdout + stderr).replace(/\d+m( \d+s)?/g, ''),
    })
    expect(timeless(prefixed)).toEqual(timeless(plain))
    expect(plain.code).toBe(0)
    expect(plain.stdout + plain.stderr).not.toContain('\u001b')
  },
)

test.each([
  ...VERBS.filter((verb) => !verb.startsWith('help')),
  'use --unset',
  'use work --here',
  'refresh --all --force',
  'logout work',
  'logout --all',
  'remove work --yes',
])('`%s --json` is one line of JSON on stdout, wherever the flag stands', async (verb) => {
  const words = verb.split(' ')
  const [behind, before] = await Promise.all([
    copyOf(base).run([...words, '--json']),
    copyOf(base).run(['--json', ...words]),
  ])
  for (const { code, stdout } of [behind, before]) {
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n')).toHaveLength(1)
    expect(JSON.parse(stdout)).toBeTypeOf('object')
  }
})

test('the fields of a row are what they always were', async () => {
  const { stdout } = await copyOf(base).run(['list', '--json'])
  const [row] = JSON.parse(stdout).identities
  expect(Object.keys(row)).toEqual([
    'name',
    'kind',
    'provider',
    'account',
    'principal',
    'tenant',
    'region',
    'state',
    'method',
    'expires_at',
    'session_expires_at',
    'default',
    'active',
    'store',
    'lost_renewals',
  ])
  expect(row.expires_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  const token = await copyOf(base).run(['token', '--json'])
  expect(Object.keys(JSON.parse(token.stdout))).toEqual(['identity', 'token', 'token_type', 'expires_at'])
})

test('--quiet leaves warnings and errors, and the answer', async () => {
  const one = copyOf(base)
  expect(await one.run(['use', 'work', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
  expect(await one.run(['login', 'work', '-q'], { env: { BROWSER } })).toMatchObject({ code: 0, stdout: '' })
  expect((await one.run(['token', '-q'])).stdout).toMatch(/^at_/)
  expect((await one.run(['token', 'nobody', '-q'])).stderr).toMatch(/^error: /)
  await left(one, 'work', 30_000)
  server.failNext({ endpoint: 'refresh', status: 503 })
  expect((await one.run(['token', '-q'])).stderr).toMatch(/^! work could not be renewed/)
})

test('a server in trouble: the old token while it lives, with one warning', async () => {
  const one = copyOf(base)
  const before = await one.run(['token'])
  await left(one, 'work', 30_000)
  server.failNext({ endpoint: 'refresh', status: 503 })
  const during = await one.run(['token'])
  expect(during).toMatchObject({ code: 0, stdout: before.stdout })
  expect(during.stderr).toMatch(
    /^! work could not be renewed, using what is left of it: 127\.0\.0\.1:\d+ answered 503\n$/,
  )
})

test('a dead grant is marked and kept: nobody asks the server again', async () => {
  const one = copyOf(base)
  await left(one, 'work', -1000)
  server.failNext({
    endpoint: 'refresh',
    status: 400,
    body: '{"error":"invalid_grant"}',
    headers: { 'content-type': 'application/json' },
  })
  expect((await one.run(['token'])).code).toBe(4)
  const asked = server.stats().by.refresh
  expect((await one.run(['token'])).code).toBe(4)
  expect((await one.run(['refresh'])).code).toBe(4)
  expect((await one.run(['status'])).code).toBe(4)
  expect(server.stats().by.refresh).toBe(asked)
  expect((await vaultOf(one).read('work'))?.grant).toBeDefined()
})

test('a 400 without a readable error is not held against the grant', async () => {
  const one = copyOf(base)
  await left(one, 'work', -1000)
  server.failNext({ endpoint: 'refresh', status: 400, body: 'gateway' })
  expect((await one.run(['token'])).code).toBe(4)
  expect((await vaultOf(one).header('work'))?.loginRequired).toBeUndefined()
})

const shell = { program: ['sh', '-c'] }
const daypass = `"${process.execPath}" "${CLI}"`

test('a reader that has gone is no crash', async () => {
  const one = copyOf(base)
  const { code, stderr } = await one.run(
    [`(${daypass} list; echo "list $?" >&2) | true; (${daypass} token; echo "token $?" >&2) | true`],
    shell,
  )
  expect(code).toBe(0)
  expect(stderr.match(/(list|token) \d+/g)).toEqual(['list 0', 'token 0'])
  expect(stderr).not.toMatch(/EPIPE|^\s+at /m)
  const closed = await one.run(
    [`${daypass} list >&-; echo "$?"; ${daypass} token nobody 2>&-; echo "$?"`],
    shell,
  )
  expect(closed.stdout).toMatch(/0\n3\n$/)
})

test.each([
  ['fresh', 3_600_000],
  ['stale', -1000],
] as const)('a warning that nobody reads costs no token: %s', async (_, milliseconds) => {
  const one = box()
  await logIn(one, server)
  await left(one, 'work', milliseconds)
  chmodSync(join(one.daypassHome, 'vault/work.grant'), 0o644)
  const { stdout } = await one.run([`(${daypass} token 2>&1 >&3 | true) 3>&1`], shell)
  expect(stdout).toMatch(/^at_\S+\n$/)
})

test('a closed or empty input is no hang', async () => {
  const one = copyOf(base)
  const { stdout } = await one.run(
    [
      `${daypass} token <&- >/dev/null; echo $?; ${daypass} login oidc x ${at(server).join(' ')} --no-browser <&-; echo $?; ${daypass} remove work </dev/null; echo $?`,
    ],
    shell,
  )
  expect(stdout).toBe('0\n4\n2\n')
})

test('an unreadable record: the list says so, the others are listed, and nobody is called logged out', async () => {
  const one = copyOf(base)
  await logIn(one, server, 'other')
  writeFileSync(join(one.daypassHome, 'vault/work.grant'), 'garbage', { mode: 0o600 })
  const list = await one.run(['list'])
  expect(list).toMatchObject({ code: 0 })
  expect(list.stderr).toMatch(/^! work: the record of `work` cannot be opened/)
  expect(list.stdout).toContain('other')
  expect((await one.run(['status'])).code).toBe(5)
  await one.run(['remove', 'other', '--yes'])
  expect((await one.run(['list'])).stderr).not.toContain('Nobody')
})

test('a login to the name of an unreadable record moves it aside', async () => {
  const one = copyOf(base)
  writeFileSync(join(one.daypassHome, 'vault/work.grant'), 'garbage', { mode: 0o600 })
  const login = await logIn(one, server)
  expect(login.stderr).toMatch(/! the record of work could not be read .* it lies in \S+ now/)
  expect(
    readdirSync(join(one.daypassHome, 'vault')).some((name) => /^work\.grant\.unreadable-/.test(name)),
  ).toBe(true)
  expect((await one.run(['token'])).code).toBe(0)
})

test('DAYPASS_DEBUG shows where an error came from; without it there is no stack trace', async () => {
  const one = copyOf(base)
  expect((await one.run(['token', 'nobody'])).stderr).not.toMatch(/^\s+at /m)
  expect((await one.run(['token', 'nobody'], { env: { DAYPASS_DEBUG: '1' } })).stderr).toMatch(/^\s+at /m)
  expect((await one.run(['token', 'nobody'], { env: { DAYPASS_DEBUG: '0' } })).stderr).not.toMatch(/^\s+at /m)
})

// macOS has no device that is always full.
test.skipIf(!existsSync('/dev/full')).each(['token', 'token -v', 'list'])(
  'an answer that cannot be written is an error in one line: %s',
  async (words) => {
    const one = copyOf(base)
    const { stdout, stderr } = await one.run([`${daypass} ${words} >/dev/full; echo "exit $?"`], shell)
    expect(stdout).toBe('exit 5\n')
    expect(stderr).toMatch(/^error: the answer could not be written \(ENOSPC\)\n$/)
  },
)

test.skipIf(!existsSync('/dev/full'))(
  'nothing is written for GitHub’s next steps whose mask could not be printed',
  async () => {
    const one = copyOf(base)
    const file = join(one.home, 'github-env')
    const env = `GITHUB_ENV=${file} ${daypass} env --format github`
    const { stdout, stderr } = await one.run(
      [`${env} >/dev/full; echo "$?"; (${env}; echo "$?" >&2) | true`],
      shell,
    )
    expect(stdout).toBe('5\n')
    expect(stderr).toMatch(/\(ENOSPC\)\nerror: .*\(EPIPE\)\n5\n$/)
    expect(existsSync(file)).toBe(false)
  },
)

test('an error that cannot be written is no hang', async () => {
  const { stdout } = await box().run([`${daypass} nope 2>/dev/full; echo "exit $?"`], shell)
  expect(stdout).toBe('exit 1\n')
})

test('logout --all with a record that cannot be read ends the others, says which it left, and is not a success', async () => {
  const one = copyOf(base)
  await logIn(one, server, 'other')
  writeFileSync(join(one.daypassHome, 'vault/work.grant'), 'garbage', { mode: 0o600 })
  const { code, stdout, stderr } = await one.run(['logout', '--all', '--json'])
  expect(code).toBe(5)
  expect(JSON.parse(stdout)).toMatchObject({ identities: [{ name: 'other', revocation: 'revoked' }] })
  expect(stderr).toMatch(/^! work: .*daypass remove work/m)
})

test('status --check shows what the check found out', async () => {
  const one = copyOf(base)
  const own = await startAuthorizationServer()
  try {
    await logIn(one, own, 'checked')
    await one.run(['use', 'checked'])
    own.killFamilies()
    const { code, stdout } = await one.run(['status', '--check', '--json'])
    const { identities } = JSON.parse(stdout)
    expect(identities.find(({ name }: { name: string }) => name === 'checked').state).toBe('login_required')
    expect(code).toBe(4)
  } finally {
    await own.close()
  }
})

test('a token on standard input and two steps do not go together', async () => {
  const one = copyOf(base)
  const { code, stderr } = await one.run(['login', 'oidc', 'x', ...at(server), '--start', '--token-stdin'])
  expect(code).toBe(2)
  expect(stderr).toContain('leave out --start')
})

/** The program and a real Secret Service, in every state that the keychain of a machine gets into. */
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, type TestContext, test } from 'vitest'
import { startAuthorizationServer } from '../../src/testing/index.ts'
import { decodeClear } from '../../src/vault/header.ts'
import { at, logIn } from '../cli/story.ts'
import { BROWSER, CLI, type Result, type RunOptions, type Sandbox, sandbox } from '../kit/cli.ts'
import { KEYRING, keyringOf } from '../kit/keyring.ts'
import { needs } from '../kit/needs.ts'
import { until } from '../vault/support.ts'

const AUTO = { DAYPASS_STORE: 'auto' }
const elsewhere = ({ home }: Sandbox) => ({ DAYPASS_HOME: join(home, 'elsewhere') })

/** A home with a keychain that nobody serves yet, and a server. Several tests have theirs at a time. */
async function homeOf(context: TestContext) {
  needs(context, ...KEYRING)
  const one = sandbox({ DAYPASS_STORE: 'keychain' })
  context.onTestFinished(() => one.remove())
  const server = await startAuthorizationServer()
  context.onTestFinished(() => server.close())
  return { one, server, keyring: await keyringOf(one) }
}

/** Another vault that has the same records, sealed with the same key. */
function copyOf(one: Sandbox): { DAYPASS_HOME: string } {
  const DAYPASS_HOME = join(one.home, 'copy')
  cpSync(one.daypassHome, DAYPASS_HOME, { recursive: true })
  return { DAYPASS_HOME }
}

const vaultFiles = (one: Sandbox) => readdirSync(join(one.daypassHome, 'vault')).sort()
const record = (home: string, name: string) => readFileSync(join(home, `vault/${name}.grant`), 'utf8')
const keyOf = (home: string, name: string) => decodeClear(record(home, name), name).key

interface Timed extends Result {
  ms: number
}

async function timed(one: Sandbox, args: readonly string[], env: RunOptions['env'] = {}): Promise<Timed> {
  const began = performance.now()
  const result = await one.run(args, { env, timeout: 80_000 })
  return { ...result, ms: performance.now() - began }
}

function expectTrouble(result: Result, message: RegExp, hint: RegExp): void {
  expect(result.code, result.stderr).toBe(5)
  expect(result.stdout).toBe('')
  const [said = '', next = '', ...more] = result.stderr.trimEnd().split('\n')
  expect(said).toMatch(/^error: .*[^.]$/)
  expect(said).toMatch(message)
  expect(next).toMatch(hint)
  expect(more).toEqual([])
}

/** `list` and `status` never need the key. Gives what a program takes to start here and now, in milliseconds. */
async function expectListed(one: Sandbox): Promise<number> {
  const [list, status] = await Promise.all([timed(one, ['list']), timed(one, ['status', 'work'])])
  expect(list, list.stderr).toMatchObject({ code: 0, stderr: '' })
  expect(list.stdout).toMatch(/^work +oidc\/user +ada@example.com +valid/m)
  expect(status).toMatchObject({ code: 0, stderr: '' })
  expect(status.stdout).toContain('its key in the keychain of this system')
  return Math.max(list.ms, status.ms)
}

/** Whatever the keychain does: 4 s, beside what the program takes by itself. */
const limit = (startUp: number) => 4_000 + 3 * startUp

/** What runs with this home besides the kit's own: by and by nothing. */
async function expectNothingLeft({ home }: Sandbox): Promise<void> {
  const KIT = /^(dbus-daemon|gnome-keyring-d|gdbus|sh|sleep)$/
  const read = (id: string, file: string) => {
    try {
      return readFileSync(`/proc/${id}/${file}`, 'latin1')
    } catch {
      return ''
    }
  }
  const isOurs = (id: string) => read(id, 'environ').split('\0').includes(`HOME=${home}`)
  const names = () =>
    readdirSync('/proc')
      .filter((id) => /^\d+$/.test(id) && isOurs(id))
      .map((id) => read(id, 'comm').trim())
  await until(() => names().every((name) => KIT.test(name)))
}

describe.concurrent('the keychain of the machine', { timeout: 90_000 }, () => {
  test('a login keeps one key there, and nothing else reads or makes one', async (context) => {
    const { one, server, keyring } = await homeOf(context)
    await keyring.serve()
    const program = ['sh', '-c', 'ulimit -f 0; exec "$@"', 'sh', process.execPath, CLI]
    const full = await one.run(['login', 'oidc', 'work', ...at(server)], { program })
    expectTrouble(full, /cannot write \S+vault\.json: /, /ulimit/)
    expect(await keyring.secrets()).toEqual([])
    const { stderr } = await logIn(one, server)
    expect(stderr).toContain('kept in    the vault, its key in the keychain of this system')
    await logIn(one, server, 'other')
    expect(vaultFiles(one)).toEqual(['locks', 'other.grant', 'vault.json', 'work.grant'])
    const key = keyOf(one.daypassHome, 'work')!
    expect(keyOf(one.daypassHome, 'other')).toEqual(key)

    const item = ['service', 'daypass', 'username', `vault-${key.id}`]
    const secret = await keyring.tool(['lookup', ...item])
    expect(Buffer.from(secret, 'base64')).toHaveLength(32)
    expect(await keyring.secrets()).toEqual([secret])
    expect((await one.run(['token', 'work'])).stdout).toMatch(/^at_\S+\n$/)

    const before = record(one.daypassHome, 'work')
    await keyring.tool(['store', '--label=x', ...item], Buffer.alloc(32, 7).toString('base64'))
    expectTrouble(await one.run(['token', 'work']), /sealed with another key/, /daypass login work/)
    await keyring.tool(['clear', ...item])
    expectTrouble(await one.run(['token', 'work']), /no longer in the keychain/, /bring it back.*vault\.json/)
    expectTrouble(await one.run(['login', 'work']), /no longer in the keychain/, /bring it back.*vault\.json/)
    expect(record(one.daypassHome, 'work')).toBe(before)
    expect(await keyring.secrets()).toEqual([])
    await keyring.tool(['store', '--label=x', ...item], secret)
    expect((await one.run(['refresh', 'work', '--force'])).code).toBe(0)
    expect((await one.run(['logout', 'work'])).stderr).toContain('revoked at the server')

    // Given up, as the hint says: then a login has a key of its own, and what the old one sealed is moved aside.
    await keyring.tool(['clear', ...item])
    rmSync(join(one.daypassHome, 'vault/vault.json'))
    const anew = await one.run(['login', 'other'], { env: { BROWSER } })
    expect(anew, anew.stderr).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('other.grant.unreadable-'),
    })
    expect((await one.run(['refresh', 'other', '--force'])).code).toBe(0)
  })

  test('one that hangs is waited for once, and nothing is spent meanwhile; afterwards all is as before', async (context) => {
    const { one, server, keyring } = await homeOf(context)
    const daemon = await keyring.serve()
    for (const name of ['work', 'second', 'third']) await logIn(one, server, name)
    const copy = copyOf(one)
    daemon.kill('SIGSTOP')
    const commands = [
      ['token', 'work'],
      ['token', 'work', '-v'],
      ['refresh', 'work', '--force'],
      ['login', 'work'],
    ]
    const [startUp, logout, ...others] = await Promise.all([
      expectListed(one),
      timed(one, ['logout', '--all'], copy),
      ...commands.map((args) => timed(one, args)),
    ])
    for (const result of others) {
      expectTrouble(result, /the keychain did not answer within \d(\.\d)? s/, /window.*or restart it/)
      expect(result.ms).toBeLessThan(limit(startUp))
    }
    expect(logout.code, logout.stderr).toBe(0)
    expect(
      logout.stderr.match(/removed here, but not revoked at the server \(the keychain did not/g),
    ).toHaveLength(3)
    expect(logout.ms).toBeLessThan(limit(startUp))
    for (const name of ['work', 'second', 'third']) expect(keyOf(copy.DAYPASS_HOME, name)).toBeUndefined()
    expect(server.stats()).toMatchObject({ refreshes: 0, revocations: 0 })

    await expectNothingLeft(one)

    daemon.kill('SIGCONT')
    expect((await one.run(['refresh', '--all', '--force'])).code).toBe(0)
    expect((await one.run(['token', 'work'])).stdout).toMatch(/^at_\S+\n$/)
    expect(await keyring.secrets()).toHaveLength(1)
  })

  test('a locked one is said to be; unlocked, it opens what was sealed before', async (context) => {
    const { one, server, keyring } = await homeOf(context)
    const daemon = await keyring.serve()
    await logIn(one, server)
    await keyring.lock()
    const commands = [['token'], ['refresh', '--force'], ['login', 'work']]
    for (const args of commands) expectTrouble(await one.run(args), /the keychain is locked/, /unlock it/)
    await expectListed(one)
    const made = await one.run(['login', 'oidc', 'new', ...at(server)], {
      env: { ...AUTO, ...elsewhere(one), BROWSER },
    })
    expect(made.stderr).toContain('kept in    the vault, its key in a file beside it')
    await keyring.end(daemon)
    await keyring.serve()
    expect((await one.run(['refresh', '--force'])).code).toBe(0)
    expect(await keyring.secrets()).toHaveLength(1)
  })

  test('an unanswered unlock prompt keeps no command from ending, and Ctrl-C neither', async (context) => {
    const { one, server, keyring } = await homeOf(context)
    await keyring.serve()
    await logIn(one, server)
    const prompted = keyring.promptForever()
    await keyring.lock()
    const copy = copyOf(one)
    const waiting = one.start(['refresh', '--force'])
    await prompted()
    waiting.kill('SIGINT')
    const cancelledAt = performance.now()
    const cancelled = waiting.ended.then(({ code }) => ({ code, ms: performance.now() - cancelledAt }))
    const [startUp, made, logout, ...others] = await Promise.all([
      expectListed(one),
      timed(one, ['login', 'oidc', 'new', ...at(server)], { ...AUTO, ...elsewhere(one), BROWSER }),
      timed(one, ['logout', 'work'], copy),
      timed(one, ['token']),
      timed(one, ['refresh', '--force']),
      timed(one, ['login', 'work']),
    ])
    expect(await cancelled).toMatchObject({ code: 130 })
    expect((await cancelled).ms).toBeLessThan(limit(startUp))
    for (const result of others) {
      expectTrouble(result, /the keychain did not answer within \d(\.\d)? s/, /window/)
      expect(result.ms).toBeLessThan(limit(startUp))
    }
    expect(logout).toMatchObject({ code: 0, stderr: expect.stringContaining('not revoked at the server') })
    expect(logout.ms).toBeLessThan(limit(startUp))
    expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('its key in a file beside it') })
    expect(made.ms).toBeLessThan(limit(startUp))
    await expectNothingLeft(one)
  })

  test('one that is gone is said to be, and when it is back, all is; a new vault takes a key file meanwhile, if it may', async (context) => {
    const { one, server, keyring } = await homeOf(context)
    const login = (env: Record<string, string | undefined>) =>
      one.run(['login', 'oidc', 'new', ...at(server)], { env: { ...elsewhere(one), BROWSER, ...env } })
    expectTrouble(await login({}), /no keychain runs in this session/, /start one.*gnome-keyring/)
    expect(readdirSync(join(elsewhere(one).DAYPASS_HOME, 'vault'))).toEqual(['locks'])
    expect((await login(AUTO)).stderr).toContain('its key in a file beside it (mode 0600)')

    const daemon = await keyring.serve()
    await logIn(one, server)
    const outside = { env: { DBUS_SESSION_BUS_ADDRESS: undefined } }
    const nowhere = { env: { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' } }
    for (const where of [outside, nowhere]) {
      expectTrouble(await one.run(['token'], where), /there is no D-Bus session/, /DBUS_SESSION_BUS_ADDRESS/)
    }
    await keyring.end(daemon)
    for (const args of [['token'], ['refresh', '--force'], ['login', 'work']])
      expectTrouble(await one.run(args), /no keychain runs in this session/, /start one/)
    await expectListed(one)
    // Whatever store a new vault would have: this one's key lies where it lay.
    expectTrouble(await one.run(['token'], { env: AUTO }), /no keychain runs/, /start one/)
    expect(vaultFiles(one)).toEqual(['locks', 'vault.json', 'work.grant'])
    await keyring.serve()
    expect((await one.run(['refresh', '--force'])).code).toBe(0)
    expect(await keyring.secrets()).toHaveLength(1)
  })
})

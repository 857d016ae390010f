/** Files that are taken away, locked up or used up under the program: no login is lost that could be kept, and nobody hangs. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { logIn, vaultOf } from '../cli/story.ts'
import { CLI, type Result } from '../kit/cli.ts'
import { skipLoudly, until } from '../vault/support.ts'
import { type Home, home, recordOf, tokenOf } from './data-dir.ts'

const FORCE = ['refresh', 'work', '--force']

function expectTold({ code, stdout, stderr }: Result, message: RegExp, hint: RegExp): void {
  expect({ code, stdout }, stderr).toEqual({ code: 5, stdout: '' })
  const [said = '', next = '', ...more] = stderr.trimEnd().split('\n')
  expect(said).toMatch(message)
  expect(next).toMatch(hint)
  expect(more).toEqual([])
}

/** The same grant as ever renews it, and no token came twice. */
async function expectRenewable({ daypass, server }: Home): Promise<void> {
  expect(await daypass.refresh('work', { force: true })).toMatchObject({ outcome: 'renewed' })
  expect(server.stats()).toMatchObject({ reuses: 0, deadFamilies: 0 })
}

/** Holds the identity's lock; the result lets it go. */
function hold({ one }: Home): Promise<() => Promise<void>> {
  return new Promise((taken, failed) => {
    const holding = vaultOf(one).exclusive('work', 'holding', () => {
      return new Promise<void>((release) => {
        taken(async () => {
          release()
          await holding
        })
      })
    })
    holding.catch(failed)
  })
}

const filesOpenIn = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((handle) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${handle}`)]
    } catch {
      return []
    }
  })

test('a removed working folder stops no command', async (context) => {
  if (process.platform === 'win32') skipLoudly(context, 'a folder that is removed with a program in it')
  const { one } = await home('work')
  const there = (args: string) =>
    one.run(['-c', `mkdir gone && cd gone && rmdir ../gone && exec "${process.execPath}" "${CLI}" ${args}`], {
      program: ['sh'],
    })
  const token = await there('token')
  expect({ ...token, stdout: token.stdout.slice(0, 3) }).toMatchObject({ code: 0, stdout: 'at_', stderr: '' })
  expect(await there('exec work -- echo ran')).toMatchObject({ code: 0, stdout: 'ran\n', stderr: '' })
  expect(await there('use work --here')).toMatchObject({
    code: 3,
    stderr: 'error: the folder that this is started in is gone\n  cd\n',
  })
})

test('a lock file that is deleted while a process waits for it does not let two in', async (context) => {
  if (process.platform !== 'linux') skipLoudly(context, 'what a process has open (read from /proc)')
  const made = await home('work')
  const { one, server } = made
  const lock = join(one.daypassHome, 'vault/locks/work.lock')
  const first = await hold(made)
  const waiting = one.start(FORCE)
  await until(() => filesOpenIn(waiting.pid).includes(lock))
  rmSync(lock)
  const second = await hold(made)
  await first()
  const asked = () => server.stats().by.refresh ?? 0
  await until(() => filesOpenIn(waiting.pid).includes(lock) || asked() > 0)
  expect(asked()).toBe(0)
  await second()
  expect(await waiting.ended).toMatchObject({ code: 0 })
  expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0 })
})

test('a file system without locks renews nothing; what is fresh is handed out', async () => {
  const made = await home('work')
  const { one, server } = made
  const preloaded = join(import.meta.dirname, '../kit/no-locks.cjs')
  const options = { program: [process.execPath, '--require', preloaded, CLI] }
  const [token, renewal, logout] = await Promise.all(
    [['token'], FORCE, ['logout', 'work']].map((args) => one.run(args, options)),
  )
  expect(token).toMatchObject({ code: 0, stderr: '' })
  for (const result of [renewal!, logout!])
    expectTold(
      result,
      /work\.lock cannot be locked: the system said ENOLCK$/,
      /DAYPASS_HOME to a folder on a local disk/,
    )
  expect(server.stats()).toMatchObject({ refreshes: 0, revocations: 0 })
  await expectRenewable(made)
})

test('a vault that is deleted during a renewal leaves nothing that keeps anyone from logging in again', async () => {
  const made = await home('work')
  const { one, server } = made
  const asked = new Promise<void>((resolve) => {
    server.on((event) => event.type === 'request' && event.endpoint === 'refresh' && resolve())
  })
  server.failNext({ endpoint: 'refresh', delay: 500 })
  const renewal = one.start(FORCE)
  await asked
  rmSync(join(one.daypassHome, 'vault'), { recursive: true })
  expect([0, 5]).toContain((await renewal.ended).code)
  expect((await one.run(['token'])).code).not.toBe(1)
  await logIn(one, server)
  expect(await tokenOf(made)).toMatch(/^at_/)
})

test('a record that cannot be replaced is told before anything is spent', async (context) => {
  const made = await home('work')
  const { one, server } = made
  const record = join(one.daypassHome, 'vault/work.grant')
  try {
    execFileSync('chattr', ['+i', record], { stdio: 'pipe' })
  } catch (error) {
    skipLoudly(
      context,
      `an immutable record (${String((error as { stderr?: unknown }).stderr ?? error).trim()})`,
    )
  }
  try {
    const before = recordOf(made, 'work')
    expect(await one.run(['token'])).toMatchObject({ code: 0, stderr: '' })
    expectTold(
      await one.run(FORCE),
      /cannot write \S+work\.grant: permission denied$/,
      /mend the permissions/,
    )
    expect(server.stats().by.refresh).toBeUndefined()
    expect(recordOf(made, 'work')).toBe(before)
  } finally {
    execFileSync('chattr', ['-i', record])
  }
  await expectRenewable(made)
})

test('a process that may open hardly a file loses no login', async (context) => {
  if (process.platform === 'win32') skipLoudly(context, 'a limit on open files')
  const made = await home('work')
  const { one, server } = made
  for (const limit of [18, 19, 20, 21, 22, 23]) {
    const program = ['sh', '-c', `ulimit -n ${limit}; exec "$@"`, 'sh', process.execPath, CLI]
    const { code, stderr } = await one.run(FORCE, { program })
    // With fewer than it needs itself, Node does not start, and says other things.
    if (stderr.startsWith('error: ')) expect(code).toBe(5)
    expect(server.stats()).toMatchObject({ reuses: 0, deadFamilies: 0 })
  }
  await expectRenewable(made)
})

/** Homes that are missing, closed, or called what nobody thought of. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { at, box } from '../cli/story.ts'
import { CLI, type Result, type RunOptions } from '../kit/cli.ts'
import { skipLoudly } from '../vault/support.ts'
import { home } from './data-dir.ts'

const NOBODY = {
  token: { code: 4, stderr: 'error: nobody is logged in\n  daypass login\n' },
  list: { code: 0, stderr: 'Nobody is logged in. To begin: daypass login\n' },
  status: { code: 4, stderr: 'Nobody is logged in. To begin: daypass login\n' },
}

/** Neither a folder of ours nor one of the system: nothing but HOME says where home is. */
const atHome = (HOME: string | undefined): RunOptions => ({ env: { HOME, DAYPASS_HOME: undefined } })

function expectTold({ code, stderr }: Result, exit: number, message: RegExp, hint: RegExp): void {
  expect(code, stderr).toBe(exit)
  const [said = '', next = '', ...more] = stderr.trimEnd().split('\n')
  expect(said).toMatch(message)
  expect(next).toMatch(hint)
  expect(more).toEqual([])
}

test('a home that is not there and cannot be made: there is no login, none is possible, and no command hangs', async (context) => {
  if (process.platform !== 'linux') skipLoudly(context, 'a folder that takes no other (/proc)')
  const { one, server } = await home()
  const nowhere = atHome('/proc/nobody')
  for (const [verb, told] of Object.entries(NOBODY))
    expect(await one.run([verb], nowhere)).toMatchObject(told)
  const login = await one.run(['login', 'oidc', 'work', ...at(server)], nowhere)
  expectTold(
    login,
    5,
    /cannot make the folder \/proc\/nobody\/\S+: its folder is not there/,
    /set DAYPASS_HOME/,
  )
  const fromOutside = { env: { ...nowhere.env, GITHUB_TOKEN: 'of-the-environment' } }
  expect(await one.run(['token'], fromOutside)).toMatchObject({ code: 0, stdout: 'of-the-environment\n' })
})

test('a home that is a file, or too long a path, is a mistake of the call', async () => {
  const one = box()
  const file = process.execPath
  expectTold(await one.run(['list'], atHome(file)), 2, /cannot be read \(ENOTDIR\)$/, /DAYPASS_HOME/)
  const long = join(one.home, 'x'.repeat(300))
  expectTold(await one.run(['token'], atHome(long)), 2, /cannot be read \(ENAMETOOLONG\)$/, /DAYPASS_HOME/)
})

test('a user whom the system does not know, and no HOME, has to say where', async (context) => {
  if (process.getuid?.() !== 0)
    skipLoudly(context, 'a user whom the system does not know (only root can become one)')
  const as = ['setpriv', '--reuid=54321', '--regid=54321', '--clear-groups', process.execPath]
  try {
    execFileSync(as[0]!, [...as.slice(1), CLI, '--version'], { stdio: 'pipe', cwd: '/' })
  } catch (error) {
    skipLoudly(
      context,
      `a user whom the system does not know (${String((error as { stderr?: unknown }).stderr ?? error)})`,
    )
  }
  const one = box()
  const options = { ...atHome(undefined), program: [...as, CLI], cwd: '/' }
  expectTold(await one.run(['list'], options), 2, /no home folder: HOME is not set/, /set DAYPASS_HOME/)
})

test.each(['with space ü 漢字', 'new\nline', `-"quo'ted`])(
  'a home called %j is one like any other',
  async (name) => {
    const { one } = await home('work')
    const DAYPASS_HOME = join(one.home, name)
    renameSync(one.daypassHome, DAYPASS_HOME)
    const options = { env: { DAYPASS_HOME } }
    const token = await one.run(['token'], options)
    expect(token).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^at_\S+\n$/) })
    // Relative to where the program is called.
    const relative = { env: { DAYPASS_HOME: `./${name}` } }
    expect((await one.run(['refresh', '--force'], relative)).code).toBe(0)
    expect((await one.run(['token'], options)).stdout).not.toBe(token.stdout)
    rmSync(join(DAYPASS_HOME, 'vault/work.grant'))
    mkdirSync(join(DAYPASS_HOME, 'vault/work.grant'))
    const refused = (await one.run(['token', 'work'], options)).stderr
    expect(refused).toMatch(/^error: .*work\.grant is refused: it is not a file\n {2}look at it/)
  },
)

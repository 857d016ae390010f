/** `setup aws`: the profile that AWS' own tools start us by, what they get of it, and what stays of what was there. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Result } from '../../kit/cli.ts'
import { needs } from '../../kit/needs.ts'
import { ADA, type Cloud, cloud, keyIn, keyOf, sharing } from '../cloud.ts'

const pathOf = (program: string) =>
  spawnSync('sh', ['-c', 'command -v "$0"', program]).stdout.toString().trim()

/** Debian's, and another one that comes first on the path. */
const PROGRAMS = [...new Set(['/usr/bin/aws', pathOf('aws') || '/usr/bin/aws'])]

const LOGGED_OUT = 'error: work needs a login: it was logged out; next: daypass login work'

const ROLE = (name: string) => `arn:aws:iam::111122223333:role/${name}`

const HAND_MADE = `# by hand, of long ago
[default]
region=us-east-1 ; here
s3 =
  max_concurrent_requests = 4

[profile old]  # mine
output   =  json`

async function setUp(env: Record<string, string> = {}): Promise<Cloud> {
  const w = await cloud({}, env)
  await w.logIn()
  w.put('.aws/config', HAND_MADE)
  await expectDone(w.run('setup', 'aws', 'work'))
  return w
}

async function expectDone(running: Promise<Result>): Promise<Result> {
  const result = await running
  expect(result, result.stderr).toMatchObject({ code: 0 })
  return result
}

/** AWS' command line asks the stand-in who it is. */
const whoAmI = ({ one, aws }: Cloud, program: string, profile: string) =>
  one.run(['--profile', profile, '--endpoint-url', aws.url, 'sts', 'get-caller-identity'], {
    program: [program],
  })

/** Three roles, each assumed by the one before. */
async function withChain(): Promise<Cloud> {
  const trusting = (name: string, ...trust: string[]) => ({ arn: ROLE(name), trust })
  const w = await cloud({
    roles: [
      trusting('A', 'arn:aws:iam::111122223333:root'),
      trusting('B', ROLE('A')),
      trusting('C', ROLE('B')),
    ],
  })
  await w.logIn()
  const role = (name: string, via: string) =>
    `    ${name.toLowerCase()}: { kind: aws/assume-role, via: { identity: ${via} }, principal: { role_arn: '${ROLE(name)}' } }\n`
  const chain = role('A', 'work') + role('B', 'a') + role('C', 'b')
  writeFileSync(join(w.one.daypassHome, 'config.yaml'), `auth:\n  identities:\n${chain}`)
  return w
}

describe('AWS’ own tools', () => {
  test('the SDK has its keys from us, by the profile’s name and by its own chain', async () => {
    const w = await setUp()
    const key = await keyOf(w)
    const byName = await w.sdkProcess('work')
    expect(keyIn(byName)).toBe(key)
    expect(keyIn(await w.sdkProcess(undefined, { env: { AWS_PROFILE: 'work' } }))).toBe(key)
    const { expiration } = JSON.parse(byName.stdout)
    expect(Date.parse(expiration)).toBeGreaterThan(Date.now() + 600_000)
  })

  test.for(PROGRAMS)('%s asks STS who it is', { timeout: 60_000 }, async (program, context) => {
    needs(context, program)
    const w = await setUp()
    const { stdout } = await expectDone(whoAmI(w, program, 'work'))
    expect(JSON.parse(stdout)).toMatchObject({ Arn: ADA, Account: '111122223333' })
  })

  test('three roles in a row, the last of which is what the SDK is', async () => {
    const w = await withChain()
    await expectDone(w.run('setup', 'aws', 'c'))
    expect(keyIn(await w.sdk('c'))).toBe(await keyOf(w, 'c'))
  })

  test.for(PROGRAMS)(
    'three roles in a row, the last of which %s is',
    { timeout: 60_000 },
    async (program, context) => {
      needs(context, program)
      const w = await withChain()
      await expectDone(w.run('setup', 'aws', 'c'))
      const { stdout } = await expectDone(whoAmI(w, program, 'c'))
      expect(JSON.parse(stdout).Arn).toMatch(/^arn:aws:sts::111122223333:assumed-role\/C\//)
    },
  )

  test('a login that is over is exit 4 and one line, which the SDK shows', async () => {
    const w = await setUp()
    await w.run('logout', 'work')
    expect(await w.run('credential-process', 'work')).toMatchObject({
      code: 4,
      stdout: '',
      stderr: `${LOGGED_OUT}\n`,
    })
    expect((await w.sdk('work')).stderr).toContain(LOGGED_OUT)
  })

  test.for(PROGRAMS)(
    '%s shows the line of a login that is over',
    { timeout: 60_000 },
    async (program, context) => {
      needs(context, program)
      const w = await setUp()
      await w.run('logout', 'work')
      expect((await whoAmI(w, program, 'work')).stderr).toContain(LOGGED_OUT)
    },
  )
})

describe('the profile', () => {
  test('is added behind what was there, which stays as it is, and is gone without a trace', async () => {
    const w = await setUp()
    expect(w.read('.aws/config')).toMatch(
      /\n\n\[profile work\]\ncredential_process = \S*node\S* \S+cli\.cjs credential-process work\nregion = us-east-1\n$/,
    )
    expect(w.read('.aws/config').startsWith(`${HAND_MADE}\n\n[profile work]`)).toBe(true)
    const undone = await expectDone(w.run('setup', 'aws', 'work', '--undo'))
    expect(undone.stderr).toContain('.aws/config is as it was before')
    expect(w.read('.aws/config')).toBe(HAND_MADE)
    expect((await w.run('setup', 'aws', 'work', '--undo')).stderr).toContain('nothing that setup has written')
  })

  test('is taken out of a file that others have changed since', async () => {
    const w = await setUp()
    w.put('.aws/config', `# new\n${w.read('.aws/config')}output = text\n[profile late]\nregion = x\n`)
    await expectDone(w.run('setup', 'aws', '--undo'))
    const left = `# new\n${HAND_MADE}\n\n[profile work]\noutput = text\n[profile late]\nregion = x\n`
    expect(w.read('.aws/config')).toBe(left)
  })

  test('written twice is written once', async () => {
    const w = await setUp()
    const text = w.read('.aws/config')
    expect((await expectDone(w.run('setup', 'aws', 'work'))).stderr).toContain('was there already')
    expect(w.read('.aws/config')).toBe(text)
  })

  test('has the name that is asked for, and no name of another profile without force', async () => {
    const w = await setUp()
    const before = w.read('.aws/config')
    const refused = await w.run('setup', 'aws', 'work', '--as', 'old')
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(/there is a profile "old" .*\n {2}daypass setup aws work --as old --force/)
    expect(w.read('.aws/config')).toBe(before)
    await expectDone(w.run('setup', 'aws', 'work', '--as', 'old', '--force'))
    expect(keyIn(await w.sdk('old'))).toBe(await keyOf(w))
    expect(w.read('.aws/config')).toContain('[profile old]  # mine\noutput   =  json\ncredential_process')
    await expectDone(w.run('setup', 'aws', '--undo', '--as', 'old'))
    expect(w.read('.aws/config')).toBe(before)
  })

  test('is only shown by a dry run', async () => {
    const w = await cloud()
    await w.logIn()
    const plain = await expectDone(w.run('setup', 'aws', 'work', '--dry-run'))
    expect(plain.stdout).toMatch(
      /^--- .*\n\+\+\+ .*\n@@ .*\n\+\[profile work\]\n\+credential_process = .*\n\+region = us-east-1\n$/,
    )
    const shared = await expectDone(w.run('setup', 'aws', 'work', '--dry-run', '--login-session'))
    expect(shared.stdout).toContain(`+login_session = ${ADA}\n`)
    expect([existsSync(w.path('.aws')), readdirSync(w.one.daypassHome).includes('setup.json')]).toEqual([
      false,
      false,
    ])
    expect((await w.daypass().status('work')).row.store).toBe('file')
    await expectDone(w.run('setup', 'aws', 'work'))
    const again = await expectDone(w.run('setup', 'aws', 'work', '--dry-run'))
    expect(again).toMatchObject({ stdout: '', stderr: expect.stringContaining('Nothing would change') })
  })

  test('never has both forms: what a person wrote of the other one is not touched, force or no', async () => {
    const w = await cloud()
    await w.logIn()
    const theirs = `[profile work]\nlogin_session = ${ADA}\n`
    w.put('.aws/config', theirs)
    const refused = await w.run('setup', 'aws', 'work', '--force')
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--as work-daypass') })
    w.put('.aws/config', '[profile work]\ncredential_process = /bin/theirs\n')
    expect(await w.run('setup', 'aws', 'work', '--force', '--login-session')).toMatchObject({ code: 2 })
    expect([w.read('.aws/config'), w.cache.there()]).toEqual([
      '[profile work]\ncredential_process = /bin/theirs\n',
      false,
    ])
  })
})

test('a vault that only variables lead to is told in one line', async () => {
  const w = await setUp()
  const said = (await w.run('setup', 'aws', 'work')).stderr
  expect(said).toContain(
    '! tools find this identity only with the same DAYPASS_HOME and DAYPASS_STORE as here\n',
  )
  const plain = { env: { DAYPASS_HOME: undefined, DAYPASS_STORE: undefined } }
  const { stderr } = await w.one.run(['setup', 'aws', 'work'], plain)
  expect(stderr).not.toContain('only where')
})

describe('what cannot be shared says why, and what to type', () => {
  const expectRefused = async (w: Cloud, name: string, code: number, said: string) => {
    const { stderr, ...result } = await w.run('setup', 'aws', name, '--login-session')
    expect({ ...result, stderr }).toMatchObject({ code, stdout: '' })
    expect(stderr).toMatch(/^error: [^\n]+\n {2}daypass [^\n]+\n$/)
    expect(stderr).toContain(said)
    expect(existsSync(w.path('.aws'))).toBe(false)
  }

  test('a role', async () => {
    const w = await withChain()
    await expectRefused(
      w,
      'b',
      2,
      'b has no session to share: it is made from a\n  daypass setup aws b, without',
    )
    await keyOf(w, 'b')
    await expectRefused(w, 'b', 2, 'it is made from a')
  })

  test('static keys', async () => {
    const w = await cloud()
    const keys =
      '{"access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}'
    await expectDone(w.one.run(['login', 'aws', 'work', '--method', 'keys'], { input: keys }))
    await expectRefused(w, 'work', 2, 'it has keys, not a login\n  daypass setup aws work, without')
    await expectDone(w.run('setup', 'aws', 'work'))
    expect(keyIn(await w.sdk('work'))).toBe('AKIAIOSFODNN7EXAMPLE')
  })

  test('an identity that is not logged in, or not any more', async () => {
    const w = await cloud()
    await w.logIn()
    await w.run('logout', 'work')
    await expectRefused(w, 'work', 4, 'it was logged out\n  daypass login work\n')
    await w.logIn()
    w.aws.endSessions()
    expect(await w.run('refresh', 'work', '--force')).toMatchObject({ code: 4 })
    await expectRefused(w, 'work', 4, 'the AWS session is over')
  })

  test('no identity at all, and the keys of the environment', async () => {
    const w = await cloud()
    const env = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'hush' }
    const { code, stderr } = await w.one.run(['setup', 'aws'], { env })
    expect([code, stderr]).toEqual([2, expect.stringContaining('are read by the AWS tools themselves')])
    expect(await w.run('setup', 'aws')).toMatchObject({ code: 4 })
    expect(await w.run('setup', 'aws', 'nobody')).toMatchObject({ code: 3 })
    expect(await w.run('setup', 'nothing')).toMatchObject({ code: 2 })
  })
})

test('where the profile cannot be written, the session stays in the vault', async () => {
  const w = await cloud()
  await w.logIn()
  w.put('.aws/config', '[profile a]\nthis is nothing\n')
  expect(await w.run('setup', 'aws', 'work', '--login-session')).toMatchObject({ code: 2 })
  expect([w.cache.there(), (await w.daypass().status('work')).row.store]).toEqual([false, 'file'])
})

test('with --json the answer is one object', async () => {
  const w = await sharing()
  const { stdout } = await expectDone(w.run('setup', 'aws', 'work', '--login-session', '--json'))
  const file = w.path('.aws/config')
  expect(JSON.parse(stdout)).toEqual({ profile: 'work', file, changed: false, warnings: [] })
  const undone = JSON.parse((await expectDone(w.run('setup', 'aws', '--undo', '--json'))).stdout)
  expect(undone).toMatchObject({ undone: [{ place: 'work', file, outcome: 'restored' }] })
})

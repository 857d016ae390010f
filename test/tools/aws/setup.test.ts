import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { fromIni } from '@aws-sdk/credential-providers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { getAwsProfile, readAwsRegion, resolveAwsPaths } from '../../../src/tools/aws/paths.ts'
import type { AwsSetup } from '../../../src/tools/aws/setup.ts'
import { formatCommandLine } from '../../../src/tools/files/command-line.ts'
import { readLedger } from '../../../src/tools/files/ledger.ts'
import { runExclusively } from '../../../src/vault/lock.ts'
import { runs } from '../../fuzz.ts'
import { needs } from '../../kit/needs.ts'
import { failure } from '../../vault/support.ts'
import { type AwsHome, aws, awsHome, credentialProgram, previewAws, put, setUpAws, undoAws } from './cli.ts'

const ARN = 'arn:aws:sts::012345678910:assumed-role/Admin/admin'
const LOGIN = {
  profile: 'dev',
  identity: 'work',
  form: 'login-session',
  loginSession: ARN,
  region: 'eu-central-1',
} as const
const PROCESS = {
  profile: 'dev',
  identity: 'work',
  form: 'credential-process',
  command: ['/usr/bin/node', '/opt/daypass/cli.cjs', 'credential-process', 'work'],
  region: 'eu-central-1',
} as const
const HAND_MADE =
  '# mine\n[default]\nregion=us-east-1 ; here\ns3 =\n  max_concurrent_requests = 4\n\n[profile old]\noutput = json'

const read = (places: AwsHome) => fs.readFileSync(places.paths.config, 'utf8')
const mode = (path: string) => fs.statSync(path).mode & 0o777

describe('set up', () => {
  test('a file that was not there is 0600 in a folder that is 0700, and undo leaves none', async (context) => {
    const places = awsHome(context)
    await setUpAws(PROCESS, places)
    expect(read(places)).toBe(
      '[profile dev]\ncredential_process = /usr/bin/node /opt/daypass/cli.cjs credential-process work\nregion = eu-central-1\n',
    )
    expect(mode(places.paths.config)).toBe(0o600)
    expect(mode(join(places.home, '.aws'))).toBe(0o700)
    expect(mode(places.ledger)).toBe(0o600)
    expect(await undoAws(places)).toMatchObject([{ place: 'dev', identity: 'work', outcome: 'restored' }])
    expect(fs.existsSync(places.paths.config)).toBe(false)
    expect(await undoAws(places)).toEqual([])
  })

  test('a file that a person wrote keeps its bytes, its mode and its link', async (context) => {
    const places = awsHome(context)
    const real = join(places.home, 'dotfiles', 'aws-config')
    put(real, HAND_MADE)
    fs.chmodSync(real, 0o640)
    fs.mkdirSync(join(places.home, '.aws'))
    fs.symlinkSync('../dotfiles/aws-config', places.paths.config)
    await setUpAws(LOGIN, places)
    expect(read(places)).toBe(
      `${HAND_MADE}\n\n[profile dev]\nlogin_session = ${ARN}\nregion = eu-central-1\n`,
    )
    expect(fs.lstatSync(places.paths.config).isSymbolicLink()).toBe(true)
    expect(mode(real)).toBe(0o640)
    await undoAws(places, { place: 'dev' })
    expect(fs.readFileSync(real, 'utf8')).toBe(HAND_MADE)
    expect(mode(real)).toBe(0o640)
  })

  test('a link to a file that is not there yet makes that file', async (context) => {
    const places = awsHome(context)
    fs.mkdirSync(join(places.home, '.aws'))
    fs.symlinkSync(join(places.home, 'real'), places.paths.config)
    await setUpAws(LOGIN, places)
    expect(fs.readFileSync(join(places.home, 'real'), 'utf8')).toContain(ARN)
    expect(fs.lstatSync(places.paths.config).isSymbolicLink()).toBe(true)
  })

  test('a dry run says what would change and changes nothing', (context) => {
    const places = awsHome(context)
    put(places.paths.config, HAND_MADE)
    const plan = previewAws(LOGIN, places)
    expect(plan.diff.split('\n').slice(2)).toEqual([
      '@@ -8,1 +8,5 @@',
      ' output = json',
      '+',
      '+[profile dev]',
      `+login_session = ${ARN}`,
      '+region = eu-central-1',
      '',
    ])
    expect(read(places)).toBe(HAND_MADE)
    expect(fs.existsSync(join(places.home, 'state'))).toBe(false)
  })

  test('done twice is done once', async (context) => {
    const places = awsHome(context)
    await setUpAws(LOGIN, places)
    const plan = await setUpAws(LOGIN, places)
    expect([plan.edits, plan.diff, readLedger(places.ledger).length]).toEqual([[], '', 1])
  })

  test('what is ours changes without force, to the other form too, and undo goes back to the start', async (context) => {
    const places = awsHome(context)
    put(places.paths.config, HAND_MADE)
    await setUpAws(PROCESS, places)
    await setUpAws({ ...PROCESS, command: ['/new/node', 'credential-process', 'work'] }, places)
    await setUpAws(LOGIN, places)
    expect(read(places)).not.toContain('credential_process')
    expect((await undoAws(places)).map(({ outcome }) => outcome)).toEqual([
      'restored',
      'restored',
      'restored',
    ])
    expect(read(places)).toBe(HAND_MADE)
  })

  test('a region that is there stays, and one that the login is not of is warned of', async (context) => {
    const places = awsHome(context)
    put(places.paths.config, '[profile dev]\nregion = us-west-2\n')
    const plan = await setUpAws({ ...LOGIN, force: true }, places)
    expect(read(places)).toBe(`[profile dev]\nregion = us-west-2\nlogin_session = ${ARN}\n`)
    expect(plan.warnings).toEqual([expect.stringContaining('us-west-2')])
  })
})

describe('refused', () => {
  const refusal = async (places: AwsHome, request: AwsSetup) => {
    const before = fs.existsSync(places.paths.config) ? read(places) : undefined
    const error = await failure(() => setUpAws(request, places), 'usage')
    if (before !== undefined) expect(read(places)).toBe(before)
    expect(readLedger(places.ledger)).toEqual([])
    return error
  }

  test('a profile that is there, without force', async (context) => {
    const places = awsHome(context)
    put(places.paths.config, '[profile dev]\noutput = json\n')
    expect((await refusal(places, LOGIN)).hint).toContain('--force')
    await setUpAws({ ...LOGIN, force: true }, places)
    await undoAws(places)
    expect(read(places)).toBe('[profile dev]\noutput = json\n')
  })

  test.each([
    ['config', '[profile dev]\nlogin_session = arn\n', PROCESS],
    ['config', '[profile dev]\ncredential_process = x\n', LOGIN],
    ['credentials', '[dev]\nlogin_session = arn\n', PROCESS],
    ['credentials', '[dev]\ncredential_process = x\n', LOGIN],
  ] as const)('a login and a process in one profile, with force too: %s %j', async (file, text, request) => {
    const places = awsHome({ onTestFinished: (await import('vitest')).onTestFinished })
    put(places.paths[file], text)
    await refusal(places, { ...request, force: true })
  })

  test.each(['', 'x y', 'a]b', 'a\nb', '__proto__', 'ä', '"'])('the name %j', async (profile) => {
    const places = awsHome({ onTestFinished: (await import('vitest')).onTestFinished })
    await refusal(places, { ...LOGIN, profile })
  })

  test('values that would be something else in the file', async (context) => {
    const places = awsHome(context)
    await refusal(places, { ...LOGIN, loginSession: 'arn\n[default]' })
    await refusal(places, { ...LOGIN, region: 'x #' })
    await refusal(places, { ...PROCESS, command: ['/bin/a\nb'] })
  })

  test('static keys that win are warned of', async (context) => {
    const places = awsHome(context)
    put(places.paths.credentials, '[dev]\naws_access_key_id = AKIA\naws_secret_access_key = hush\n')
    expect((await setUpAws(LOGIN, places)).warnings).toEqual([expect.stringContaining('static keys')])
  })

  test('what cannot be read or written is said in words that help', async (context) => {
    const places = awsHome(context)
    put(places.paths.config, '')
    fs.writeFileSync(places.paths.config, Buffer.from([0x5b, 0xff, 0x5d]))
    expect((await failure(() => setUpAws(LOGIN, places), 'vault')).message).toContain('UTF-8')
    fs.rmSync(places.paths.config)
    fs.mkdirSync(places.paths.config)
    expect((await failure(() => setUpAws(LOGIN, places), 'vault')).message).toContain('folder')
    fs.rmdirSync(places.paths.config)
    fs.symlinkSync('config', places.paths.config)
    expect((await failure(() => setUpAws(LOGIN, places), 'vault')).message).toContain('circle')
    const nowhere = { ...places, paths: { ...places.paths, config: '/dev/null' } }
    expect((await failure(() => setUpAws(LOGIN, nowhere), 'vault')).message).toContain('/dev/null')
    expect(readLedger(places.ledger)).toEqual([])
  })

  test('a damaged ledger is said, and nothing is written', async (context) => {
    const places = awsHome(context)
    put(places.ledger, '{"v":1,"entries":[{}]}')
    expect((await failure(() => setUpAws(LOGIN, places), 'vault')).message).toContain('damaged')
    expect(fs.existsSync(places.paths.config)).toBe(false)
  })
})

describe('undo', () => {
  test('takes away only ours where others have written since', async (context) => {
    const places = awsHome(context)
    put(places.paths.config, HAND_MADE)
    await setUpAws(LOGIN, places)
    fs.appendFileSync(places.paths.config, 'output = text\n\n[profile new]\nregion = x\n')
    expect(await undoAws(places)).toMatchObject([{ outcome: 'removed' }])
    expect(read(places)).toBe(`${HAND_MADE}\n\n[profile dev]\noutput = text\n\n[profile new]\nregion = x\n`)
  })

  test('of one of two profiles leaves the other, in either order', async (context) => {
    for (const order of [
      ['dev', 'two'],
      ['two', 'dev'],
    ]) {
      const places = awsHome(context)
      put(places.paths.config, HAND_MADE)
      await setUpAws(LOGIN, places)
      await setUpAws({ ...PROCESS, profile: 'two', identity: 'other' }, places)
      await undoAws(places, { place: order[0] })
      expect(read(places)).toContain(`[profile ${order[1]}]`)
      expect(read(places)).not.toContain(`[profile ${order[0]}]`)
      await undoAws(places, { place: order[1] })
      expect(read(places).replace(/\n+$/, '')).toBe(HAND_MADE)
    }
  })

  test('of what was taken away already says so', async (context) => {
    const places = awsHome(context)
    await setUpAws(LOGIN, places)
    fs.rmSync(places.paths.config)
    expect(await undoAws(places, { identity: 'other' })).toEqual([])
    expect(await undoAws(places, { identity: 'work' })).toMatchObject([{ outcome: 'gone' }])
    expect(await undoAws(places)).toEqual([])
  })
})

test('many at once all arrive', async (context) => {
  const places = awsHome(context)
  const names = Array.from({ length: 8 }, (_, index) => `p${index}`)
  await Promise.all(names.map((profile) => setUpAws({ ...LOGIN, profile }, places)))
  for (const name of names) expect(read(places)).toContain(`[profile ${name}]`)
  expect(await undoAws(places)).toHaveLength(8)
  expect(fs.existsSync(places.paths.config)).toBe(false)
})

test('a second daypass waits for the first, and reads the file afterwards', async (context) => {
  const places = awsHome(context)
  let done: Promise<unknown> | undefined
  await runExclusively(join(places.home, 'state', 'tools.lock'), 'test', async () => {
    done = setUpAws(LOGIN, places)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(fs.existsSync(places.paths.config)).toBe(false)
    put(places.paths.config, HAND_MADE)
  })
  await done
  expect(read(places).startsWith(HAND_MADE)).toBe(true)
})

describe('read by others', () => {
  test('the SDK runs the program that the profile names, odd letters and all', async (context) => {
    const places = awsHome(context)
    put(places.paths.config, HAND_MADE)
    await setUpAws({ ...PROCESS, command: credentialProgram(places.home) }, places)
    const credentials = await fromIni({
      profile: 'dev',
      configFilepath: places.paths.config,
      filepath: places.paths.credentials,
      ignoreCache: true,
    })()
    expect(credentials).toMatchObject({
      accessKeyId: 'ASIAwork',
      secretAccessKey: 'hush',
      sessionToken: 'token',
    })
  })

  test('the AWS command line does so too, and reads the other profiles as before', async (context) => {
    needs(context, 'aws')
    const places = awsHome(context)
    put(places.paths.config, HAND_MADE)
    const before = await aws(places.env, 'configure', 'list', '--profile', 'old')
    await setUpAws({ ...PROCESS, command: credentialProgram(places.home) }, places)
    const list = await aws(places.env, 'configure', 'list', '--profile', 'dev')
    expect(list).toMatch(/access_key +\**work +custom-process/)
    expect(list).toMatch(/region +eu-central-1 +config-file/)
    expect(await aws(places.env, 'configure', 'list', '--profile', 'old')).toBe(before)
    await setUpAws({ ...LOGIN, profile: 'session' }, places)
    expect(await aws(places.env, 'configure', 'get', 'login_session', '--profile', 'session')).toBe(
      `${ARN}\n`,
    )
    expect(await aws(places.env, 'configure', 'get', 'default.s3.max_concurrent_requests')).toBe('4\n')
  }, 60_000)

  test('any command line is the same words to a shell and to Python', (context) => {
    needs(context, 'python3', 'sh')
    const word = fc.oneof(
      fc.string({ unit: fc.constantFrom(...' \'"\\$`#;%&|<>()*?[]!~ab/=-é'), minLength: 1 }),
      fc.constantFrom('/usr/bin/node', "it's", 'a #b', "' #"),
    )
    const lines = fc
      .sample(fc.array(word, { minLength: 1, maxLength: 5 }), runs(300))
      .map((words) => ({ words, line: formatCommandLine(words, 'linux') }))
    const input = JSON.stringify(lines.map(({ line }) => line))
    const python =
      'import json,shlex,sys; print(json.dumps([shlex.split(line) for line in json.load(sys.stdin)]))'
    const split = JSON.parse(
      execFileSync('python3', ['-c', python], { input, encoding: 'utf8' }),
    ) as string[][]
    expect(split).toEqual(lines.map(({ words }) => words))
    const script = lines.map(({ line }) => `printf '%s\\0' ${line}; printf '\\n\\0'`).join('\n')
    const said = execFileSync('sh', ['-s'], { input: script, encoding: 'utf8' })
    expect(said).toBe(lines.map(({ words }) => [...words, '\n', ''].join('\0')).join(''))
    for (const { line } of lines) expect(line).not.toMatch(/(^|\s)[#;]/)
  })

  test('a command line for Windows has double quotes, and what cannot be quoted is refused', async () => {
    expect(
      formatCommandLine(['C:\\Program Files\\nodejs\\node.exe', 'C:\\d\\cli.cjs', 'work'], 'win32'),
    ).toBe('"C:\\Program Files\\nodejs\\node.exe" C:\\d\\cli.cjs work')
    for (const word of ['a"b', '%PATH%', 'a #b', 'a b\\'])
      await failure(() => formatCommandLine([word], 'win32'), 'usage')
  })
})

describe('where they lie', () => {
  test('by the variables, else in the home folder', () => {
    expect(resolveAwsPaths({ HOME: '/h' }, 'linux')).toEqual({
      config: '/h/.aws/config',
      credentials: '/h/.aws/credentials',
      loginCache: '/h/.aws/login/cache',
    })
    expect(resolveAwsPaths({ USERPROFILE: 'C:\\me', HOME: '/h' }, 'win32').config).toBe(
      'C:\\me\\.aws\\config',
    )
    expect(
      resolveAwsPaths({ HOME: '/h', AWS_CONFIG_FILE: '~/x', AWS_LOGIN_CACHE_DIRECTORY: '/c' }, 'linux'),
    ).toMatchObject({
      config: '/h/x',
      loginCache: '/c',
    })
  })

  test('the region is that of the profile in use', (context) => {
    const { env, paths } = awsHome(context)
    expect(readAwsRegion(env, 'linux')).toBe(undefined)
    put(paths.config, '[default]\nregion = eu-west-1\n[profile a]\nregion = us-east-1\n[profile b]\n')
    const regions = [
      {},
      { AWS_PROFILE: 'a' },
      { AWS_DEFAULT_PROFILE: 'a' },
      { AWS_PROFILE: 'b' },
      { AWS_PROFILE: 'c' },
    ]
    expect(regions.map((more) => readAwsRegion({ ...env, ...more }, 'linux'))).toEqual([
      'eu-west-1',
      'us-east-1',
      'us-east-1',
      undefined,
      undefined,
    ])
    expect(getAwsProfile({ AWS_PROFILE: '' })).toBe('default')
    expect(readAwsRegion({ ...env, AWS_CONFIG_FILE: '/dev' }, 'linux')).toBe(undefined)
  })
})

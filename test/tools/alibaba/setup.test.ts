import { execFile } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { resolveAliyunConfigPath } from '../../../src/tools/alibaba/config-file.ts'
import type { AliyunSetup } from '../../../src/tools/alibaba/setup.ts'
import { readLedger } from '../../../src/tools/files/ledger.ts'
import { failure, skipLoudly } from '../../vault/support.ts'
import { type AliyunHome, aliyunHome, COMMAND, HAND_MADE, LINE } from './aliyun.ts'

const mode = (path: string) => fs.statSync(path).mode & 0o777
const OURS = { name: 'work', mode: 'External', process_command: LINE, region_id: 'cn-hangzhou' }

const SDK = join(import.meta.dirname, '../../kit/alibaba-sdk.cjs')

/** A program in the place of `daypass credential-process`. */
function program({ home }: AliyunHome, folder: string): string[] {
  const script = join(home, folder, 'main.cjs')
  fs.mkdirSync(join(home, folder))
  fs.writeFileSync(
    script,
    `console.log(JSON.stringify({ mode: 'StsToken', access_key_id: 'STS.' + process.argv[3], access_key_secret: 'hush-ours',
      sts_token: 'hush-token', expiration: new Date(Date.now() + 3600e3).toISOString().replace(/[.]\\d+/, '') }))`,
  )
  return [process.execPath, script, 'credential-process', 'work']
}

/** As an SDK does it: all of the file, in another layout, with what our program gave it. */
function sdkWrites(home: AliyunHome, name = 'work'): void {
  const said = home.json()
  Object.assign(said.profiles.find((each) => each.name === name)!, {
    access_key_id: 'STS.ours',
    access_key_secret: 'hush-ours',
    sts_token: 'hush-token',
    sts_expiration: 1_800_000_000,
  })
  home.put(JSON.stringify(said, null, 4))
}

describe('set up', () => {
  test('a file that was not there is as aliyun writes it, 0600 in a folder that is 0700, and undo leaves none', async (context) => {
    const home = aliyunHome(context)
    await home.setUp()
    expect(home.text()).toBe(
      `{\n\t"current": "work",\n\t"profiles": [\n\t\t{\n\t\t\t"name": "work",\n\t\t\t"mode": "External",\n\t\t\t"process_command": "${LINE}",\n\t\t\t"region_id": "cn-hangzhou"\n\t\t}\n\t]\n}\n`,
    )
    expect([mode(home.path), mode(join(home.home, '.aliyun')), mode(home.ledger)]).toEqual([
      0o600, 0o700, 0o600,
    ])
    expect(await home.undo()).toMatchObject([{ place: 'work', identity: 'work', outcome: 'restored' }])
    expect(fs.existsSync(home.path)).toBe(false)
    expect(await home.undo()).toEqual([])
  })

  test('what was there keeps its order, its numbers, its spelling and its layout', async (context) => {
    const home = aliyunHome(context)
    home.put(HAND_MADE, 0o640)
    await home.setUp()
    const profile = `,\n\t\t{\n\t\t\t"name": "work",\n\t\t\t"mode": "External",\n\t\t\t"process_command": "${LINE}",\n\t\t\t"region_id": "cn-hangzhou"\n\t\t}`
    expect(home.text()).toBe(HAND_MADE.replace('0\n\t\t}', `0\n\t\t}${profile}`))
    expect(mode(home.path)).toBe(0o640)
    await home.undo({ place: 'work' })
    expect(home.text()).toBe(HAND_MADE)
    expect(mode(home.path)).toBe(0o640)
  })

  test.each([
    '{}',
    '{\n}',
    ' \n',
    '{"current":"","profiles":null,"meta_path":""}',
    '{"profiles":[],"current":""}',
    '{\n  "meta_path": ""\n}\n',
    '{"profiles": [ {"name":"a"} , {"name":"b"}\n   ] , "current":"a" }',
    '{\r\n  "current": "a",\r\n  "profiles": [\r\n    { "name": "a" }\r\n  ]\r\n}\r\n',
    '{"current":"gone","profiles":[7,{"x":1},{"name":"a","more":{"profiles":[]}}]}',
  ])('becomes current only where nothing is, and undo is byte for byte: %j', async (text) => {
    const home = aliyunHome({ onTestFinished: (await import('vitest')).onTestFinished })
    home.put(text)
    const before = JSON.parse(text.trim() || '{}')
    await home.setUp()
    expect(home.json()).toEqual({
      ...before,
      current: before.current || 'work',
      profiles: [...(before.profiles ?? []), OURS],
    })
    await home.undo()
    expect(home.text()).toBe(text)
  })

  test('a link stays one, and the file it leads to keeps its owner', async (context) => {
    const home = aliyunHome(context)
    const real = join(home.home, 'dotfiles.json')
    fs.writeFileSync(real, HAND_MADE)
    fs.mkdirSync(join(home.home, '.aliyun'))
    fs.symlinkSync('../dotfiles.json', home.path)
    if (process.getuid?.() === 0) fs.chownSync(real, 12345, 12345)
    await home.setUp()
    expect(fs.lstatSync(home.path).isSymbolicLink()).toBe(true)
    expect(fs.readFileSync(real, 'utf8')).toContain(LINE)
    if (process.getuid?.() !== 0) skipLoudly(context, 'a file of another user (only root can make one)')
    expect(fs.statSync(real).uid).toBe(12345)
  })

  test('done twice is done once, also when an SDK has written its keys there', async (context) => {
    const home = aliyunHome(context)
    await home.setUp()
    sdkWrites(home)
    const text = home.text()
    const { edits, diff } = await home.setUp()
    expect([edits, diff, readLedger(home.ledger).length, home.text()]).toEqual([[], '', 1, text])
  })

  test('what is ours changes without force, and undo goes back to the start', async (context) => {
    const home = aliyunHome(context)
    home.put(HAND_MADE)
    await home.setUp()
    await home.setUp({ identity: 'other', command: ['/new/node', 'credential-process', 'other'] })
    expect(home.json().profiles[1]).toEqual({
      ...OURS,
      process_command: '/new/node credential-process other',
    })
    expect((await home.undo()).map(({ outcome }) => outcome)).toEqual(['restored', 'restored'])
    expect(home.text()).toBe(HAND_MADE)
  })

  test('what an SDK has written into a profile of ours is nothing that we remember', async (context) => {
    const home = aliyunHome(context)
    home.put(HAND_MADE)
    const before = home.json()
    await home.setUp()
    sdkWrites(home)
    await home.setUp({ command: ['/new/node', 'credential-process', 'work'] })
    expect(fs.readFileSync(home.ledger, 'utf8')).not.toContain('hush')
    expect(home.json().profiles[1]).toMatchObject({
      access_key_secret: 'hush-ours',
      region_id: 'cn-hangzhou',
    })
    home.put(`${home.text()}\n`)
    expect((await home.undo()).map(({ outcome }) => outcome)).toEqual(['removed', 'removed'])
    expect(home.json()).toEqual(before)
  })

  test('a dry run shows whole lines, no secret of anybody, and changes nothing', (context) => {
    const home = aliyunHome(context)
    home.put(HAND_MADE)
    expect(home.preview().diff.split('\n').slice(2)).toEqual([
      '@@ -13,2 +13,8 @@',
      ' \t\t\t"retry_timeout": 0',
      '-\t\t}',
      '+\t\t},',
      '+\t\t{',
      '+\t\t\t"name": "work",',
      '+\t\t\t"mode": "External",',
      `+\t\t\t"process_command": "${LINE}",`,
      '+\t\t\t"region_id": "cn-hangzhou"',
      '+\t\t}',
      '',
    ])
    const forced = home.preview({ profile: 'default', force: true }).diff
    expect(forced).toContain('-\t\t\t"access_key_secret": "…",')
    home.put(JSON.stringify({ ...home.json(), x_token: 'hush"hush', process_command: '/x --password hush' }))
    const compact = home.preview().diff
    expect(compact).toContain(`"process_command":"${LINE}"`)
    expect(forced + compact).not.toContain('hush')
    expect(fs.existsSync(join(home.home, 'state'))).toBe(false)
  })
})

describe('a profile that a person wrote', () => {
  test('is refused without force, and is theirs again after undo', async (context) => {
    const home = aliyunHome(context)
    home.put(HAND_MADE)
    const error = await failure(() => home.setUp({ profile: 'default' }), 'usage')
    expect(error.message).toBe(`there is a profile "default" in ${home.path} already`)
    expect(error.hint).toContain('daypass setup alibaba work --as default --force')
    expect(home.text()).toBe(HAND_MADE)
    const { warnings } = await home.setUp({ profile: 'default', force: true })
    expect(warnings).toEqual([expect.stringContaining('had keys of its own')])
    expect(home.json().profiles[0]).toEqual({
      ...OURS,
      name: 'default',
      region_id: 'cn-beijing',
      output_format: 'json',
      language: '中',
      unknown: [1, Number('12345678901234567890'), {}],
      retry_timeout: 0,
    })
    // What is not ours is spelt as before.
    expect(home.text()).toContain('"language": "\\u4e2d",\n\t\t\t"unknown": [1.0, 12345678901234567890, {}]')
    await home.undo()
    expect(home.text()).toBe(HAND_MADE)
  })

  test('has its own keys again, not those of an SDK, and what was changed since', async (context) => {
    const home = aliyunHome(context)
    home.put(HAND_MADE)
    const before = home.json()
    await home.setUp({ profile: 'default', force: true })
    sdkWrites(home, 'default')
    const changed = home.json()
    changed.profiles[0]!.region_id = 'cn-shanghai'
    home.put(JSON.stringify({ ...changed, late: 1 }))
    expect(await home.undo()).toMatchObject([{ outcome: 'removed' }])
    expect(home.json()).toEqual({
      ...before,
      late: 1,
      profiles: [{ ...before.profiles[0], region_id: 'cn-shanghai' }],
    })
  })
})

describe('undo in a file that has changed', () => {
  test('takes our profile with the keys that SDKs wrote into it, and leaves the rest', async (context) => {
    const home = aliyunHome(context)
    home.put(HAND_MADE)
    const before = home.json()
    await home.setUp()
    sdkWrites(home)
    expect(await home.undo()).toMatchObject([{ outcome: 'removed' }])
    expect(home.json()).toEqual(before)
    expect(home.text()).not.toMatch(/hush-ours|hush-token/)
  })

  test('leaves a current profile that is there: without one aliyun does nothing at all', async (context) => {
    const home = aliyunHome(context)
    home.put(HAND_MADE)
    await home.setUp()
    home.put(home.text().replace('"current": "default"', '"current": "work"'))
    expect(await home.undo()).toMatchObject([
      { outcome: 'removed', notes: [expect.stringContaining('current profile of aliyun is "default" now')] },
    ])
    expect(home.text()).toBe(HAND_MADE)
  })

  test('leaves no file that says nothing, where there was none', async (context) => {
    const home = aliyunHome(context)
    await home.setUp()
    sdkWrites(home)
    expect(await home.undo()).toMatchObject([{ outcome: 'removed' }])
    expect(fs.existsSync(home.path)).toBe(false)
  })

  test('leaves a profile that runs something else now', async (context) => {
    const home = aliyunHome(context)
    await home.setUp()
    const theirs = home.text().replace(LINE, '/bin/theirs')
    home.put(theirs)
    expect(await home.undo()).toMatchObject([{ outcome: 'gone' }])
    expect(home.text()).toBe(theirs)
  })

  test('of one of two leaves the other, in either order', async (context) => {
    for (const [first, second] of [
      ['work', 'two'],
      ['two', 'work'],
    ] as const) {
      const home = aliyunHome(context)
      home.put(HAND_MADE)
      await home.setUp()
      await home.setUp({ profile: 'two', command: [...COMMAND.slice(0, 3), 'two'] })
      await home.undo({ place: first })
      expect(home.json().profiles.map(({ name }) => name)).toEqual(['default', second])
      await home.undo({ place: second })
      expect(home.text()).toBe(HAND_MADE)
    }
  })
})

describe('refused, and nothing is written', () => {
  const refusal = async (
    home: AliyunHome,
    code: 'usage' | 'configuration' | 'vault',
    request: Partial<AliyunSetup> = {},
  ) => {
    const before = fs.existsSync(home.path) && fs.statSync(home.path).isFile() ? home.text() : undefined
    const error = await failure(() => home.setUp({ force: true, ...request }), code)
    if (before !== undefined) expect(home.text()).toBe(before)
    expect(readLedger(home.ledger)).toEqual([])
    expect(`${error.message}${error.hint}`).not.toContain('hush')
    expect(error.cause).toBe(undefined)
    return error.message
  }

  test.each([
    ['{"current": "hush", "profiles": [}', 'it is no JSON'],
    [`\ufeff${HAND_MADE}`, 'it is no JSON'],
    ['// mine\n{"profiles": []}', 'it is no JSON'],
    ['[]', 'it is no JSON object'],
    ['"hush"', 'it is no JSON object'],
    ['{"current": 7}', '"current" is no text'],
    ['{"profiles": {"a": "hush"}}', '"profiles" is no list'],
    ['{"profiles": [],\n"profiles": []}', '"profiles" stands twice'],
    ['{"current": "a", "current": "b", "profiles": []}', '"current" stands twice'],
    ['{"current": "a", "profiles": [{"name": "work"}, {"name": "work"}]}', 'profile "work" stands twice'],
    ['{"current": "a", "profiles": [{"name": "work", "mode": "AK", "mode": "AK"}]}', '"mode" stands twice'],
  ])('%j', async (text, said) => {
    const home = aliyunHome({ onTestFinished: (await import('vitest')).onTestFinished })
    home.put(text)
    expect(await refusal(home, 'configuration')).toContain(said)
  })

  test('what is no file, too large, not UTF-8 or a circle', async (context) => {
    const home = aliyunHome(context)
    home.put(`{"x": "${'y'.repeat(1024 * 1024)}"}`)
    expect(await refusal(home, 'vault')).toContain('larger')
    fs.writeFileSync(home.path, Buffer.from([0x7b, 0xff, 0x7d]))
    expect((await failure(() => home.setUp(), 'vault')).message).toContain('UTF-8')
    fs.rmSync(home.path)
    fs.mkdirSync(home.path)
    expect(await refusal(home, 'vault')).toContain('folder')
    fs.rmdirSync(home.path)
    fs.symlinkSync('config.json', home.path)
    expect((await failure(() => home.setUp(), 'vault')).message).toContain('circle')
  })

  test.each(['', 'a\nb', ' a', 'a\u202eb'])('the name %j', async (profile) => {
    const home = aliyunHome({ onTestFinished: (await import('vitest')).onTestFinished })
    await refusal(home, 'usage', { profile })
  })

  test('a command that no reader would split as it was written', async (context) => {
    await refusal(aliyunHome(context), 'usage', { command: ['/bin/a\nb'] })
  })
})

test('a path with a space is quoted, and said', async (context) => {
  const home = aliyunHome(context)
  const { warnings } = await home.setUp({ command: ['/opt/my node', '/x.cjs', 'credential-process', 'work'] })
  expect(home.json().profiles[0]!.process_command).toBe("'/opt/my node' /x.cjs credential-process work")
  expect(warnings).toEqual([expect.stringContaining('needs quotes')])
  const plain = aliyunHome(context)
  expect((await plain.setUp({ region: undefined })).warnings).toEqual([expect.stringContaining('no region')])
})

describe('read by Alibaba Cloud’s own SDK', () => {
  /** The SDK, in a process of its own, by the profile that we wrote. */
  async function read({ home }: AliyunHome, profile?: string) {
    const env = { HOME: home, PATH: process.env.PATH, ...(profile && { ALIBABA_CLOUD_PROFILE: profile }) }
    const { stdout } = await promisify(execFile)(process.execPath, [SDK], { env })
    return JSON.parse(stdout) as Record<string, string>
  }

  test('it starts our program, odd letters in its path and all, and has its keys from there', async (context) => {
    const home = aliyunHome(context)
    home.put(HAND_MADE)
    await home.setUp({ command: program(home, "it's a \\ $HOME `program`") })
    expect(await read(home, 'work')).toMatchObject({
      accessKeyId: 'STS.work',
      accessKeySecret: 'hush-ours',
      securityToken: 'hush-token',
      providerName: 'default/cli_profile',
    })
    // It keeps them in clear, as setup says; what it leaves is undone.
    expect(home.json().profiles[1]).toMatchObject({ access_key_secret: 'hush-ours', mode: 'External' })
    expect(await read(home)).toMatchObject({ accessKeyId: 'LTAI5tOld' })
    const before = JSON.parse(HAND_MADE)
    await home.undo()
    expect(home.json()).toEqual(before)
  })

  test('of a machine that had none it is the current profile', async (context) => {
    const home = aliyunHome(context)
    await home.setUp({ command: program(home, 'bin') })
    expect(await read(home)).toMatchObject({ accessKeyId: 'STS.work' })
  })
})

test('many at once all arrive', async (context) => {
  const home = aliyunHome(context)
  const names = Array.from({ length: 8 }, (_, index) => `p${index}`)
  await Promise.all(
    names.map((profile) => home.setUp({ profile, command: [...COMMAND.slice(0, 3), profile] })),
  )
  expect(new Set(home.json().profiles.map(({ name }) => name))).toEqual(new Set(names))
  expect(await home.undo()).toHaveLength(8)
  expect(fs.existsSync(home.path)).toBe(false)
})

test('where it lies', () => {
  expect(resolveAliyunConfigPath({ HOME: '/h', ALIBABA_CLOUD_CONFIG_FILE: '/x' }, 'linux')).toBe(
    '/h/.aliyun/config.json',
  )
  const windows = { HOMEDRIVE: 'C:', HOMEPATH: '\\me', USERPROFILE: 'D:\\you' }
  expect(resolveAliyunConfigPath(windows, 'win32')).toBe('C:\\me\\.aliyun\\config.json')
  expect(resolveAliyunConfigPath({ USERPROFILE: 'D:\\you' }, 'win32')).toBe('D:\\you\\.aliyun\\config.json')
})

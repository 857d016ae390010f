import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  findFolderFile,
  parseFolderFile,
  parseFolderLine,
  writeFolderFile,
} from '../../src/config/folder-file.ts'
import { parseFolderYaml } from '../../src/config/folder-yaml.ts'
import { isIdentityName } from '../../src/core/names.ts'
import { runs } from '../fuzz.ts'
import { documents } from './documents.ts'

const uid = process.getuid?.()
let top: string
let deep: string
beforeEach(() => {
  top = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'daypass-folder-')))
  deep = join(top, 'a', 'b')
  fs.mkdirSync(deep, { recursive: true })
})
afterEach(() => fs.rmSync(top, { recursive: true }))
const put = (text: string, ...at: string[]) => {
  const file = join(top, ...at, '.daypass.yaml')
  fs.writeFileSync(file, text)
  return file
}

describe('what it says', () => {
  test.each([
    'identity: work',
    'identity:  work  \n',
    '\ufeffidentity: work\n',
    '# ours\n\nidentity: work # since May\r\n',
    'identity: "work"\n',
    "identity: 'work'\n",
    '---\nidentity: work\n',
    '{ identity: work }\n',
  ])('%j', async (text) => {
    expect(await parseFolderFile(text, '/x/.daypass.yaml')).toEqual({ identity: 'work' })
  })

  const wrong: [string, string][] = [
    ['identity: [a]\n', '1:11: expected the name of an identity'],
    ['identity: a b\n', '1:11: expected the name of an identity'],
    ['identity: true\n', '1:11: expected the name of an identity'],
    ['identity: !env NAME\n', '1:16: expected the name of an identity'],
    ['identiy: work\n', '1:1: unknown key "identiy", did you mean "identity"'],
    [
      'identity: work\nissuer: https://evil.com\n',
      '2:1: unknown key "issuer", only "identity" is read from a folder',
    ],
    ['wJalr/7: x\n', '1:1: unknown key, only "identity" is read from a folder'],
    ['', '1:1: missing key "identity"'],
    ['- work\n', '1:1: expected identity: NAME'],
    ['identity: a\nidentity: b\n', '2:1: the same key stands here twice'],
  ]
  test.each(wrong)('%j is wrong', async (text, message) => {
    const error = await parseFolderFile(text, '/x/.daypass.yaml').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'configuration',
      message: `.daypass.yaml:${message}`,
      hint: expect.any(String),
    })
  })

  test('the quick way says what the parser says, or nothing', () => {
    const part = fc.constantFrom(
      'identity',
      ': ',
      ':',
      'work',
      '1e3',
      'null',
      '~',
      '"',
      "'",
      ' ',
      '\n',
      '\r\n',
      '#',
      ' # x',
      '\t',
      '-',
      'a@b.c',
      '---',
      '&a ',
      '|',
    )
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 8 }).map((parts) => `identity: ${parts.join('')}`),
        (text) => {
          const quick = parseFolderLine(text)
          if (quick !== undefined) expect(parseFolderYaml(text, 'f')).toEqual({ identity: quick })
        },
      ),
      runs(5000),
    )
  })
})

test('anything at all in a folder file is the name of an identity, or a mistake with its place', async () => {
  const part = fc.oneof(
    fc.constantFrom(
      'identity',
      ': ',
      'work',
      '\n',
      '{',
      '}',
      '[',
      '"',
      '!env A',
      '&a ',
      '*a',
      '- ',
      '\ufeff',
      '# ',
    ),
    fc.string({ maxLength: 5, unit: 'binary' }),
  )
  const text = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''))
  await fc.assert(
    fc.asyncProperty(fc.oneof(text, documents), async (given) => {
      try {
        expect(isIdentityName((await parseFolderFile(given, '/x/.daypass.yaml')).identity)).toBe(true)
      } catch (error) {
        expect(error).toMatchObject({ name: 'DaypassError', code: 'configuration' })
        expect((error as Error).message).toMatch(/^\.daypass\.yaml:\d+:\d+: /)
        expect((error as Error).message).not.toContain('marker')
      }
    }),
    runs(1_000),
  )
})

describe('which one', () => {
  test('the nearest wins', () => {
    const outer = put('identity: outer\n')
    expect(findFolderFile(deep, uid)).toEqual({
      found: { file: outer, text: 'identity: outer\n' },
      warnings: [],
    })
    const inner = put('identity: inner\n', 'a')
    expect(findFolderFile(deep, uid).found?.file).toBe(inner)
  })

  test.runIf(uid === 0)('one of another user is passed over, with a warning', () => {
    const outer = put('identity: outer\n')
    const inner = put('identity: inner\n', 'a')
    fs.chownSync(inner, 12345, 12345)
    expect(findFolderFile(deep, uid)).toMatchObject({
      found: { file: outer },
      warnings: [`${inner} is ignored: it belongs to another user`],
    })
    // To whom it belongs, it is theirs; the folder, being root's, is not.
    expect(findFolderFile(join(top, 'a'), 12345).warnings[0]).toBe(
      `${inner} is ignored: its folder belongs to another user`,
    )
  })

  test.runIf(uid === 0)('so is one in a folder of another user', () => {
    const inner = put('identity: inner\n', 'a')
    fs.chownSync(join(top, 'a'), 12345, 12345)
    expect(findFolderFile(deep, uid)).toEqual({
      warnings: [`${inner} is ignored: its folder belongs to another user`],
    })
  })

  test('so is a link, and what is no file', () => {
    fs.writeFileSync(join(top, 'elsewhere'), 'identity: x\n')
    fs.symlinkSync(join(top, 'elsewhere'), join(deep, '.daypass.yaml'))
    fs.mkdirSync(join(top, 'a', '.daypass.yaml'))
    expect(findFolderFile(deep, uid)).toEqual({
      warnings: [deep, join(top, 'a')].map(
        (at) => `${join(at, '.daypass.yaml')} is ignored: it is not a regular file`,
      ),
    })
  })

  test('none at all', () => {
    expect(findFolderFile(deep, uid)).toEqual({ warnings: [] })
  })

  test('one too large is an error', () => {
    put('#'.repeat(17_000), 'a')
    expect(() => findFolderFile(deep, uid)).toThrow(expect.objectContaining({ code: 'configuration' }))
  })
})

describe('writing', () => {
  test('a new one is 0600 and read again', async () => {
    const file = writeFolderFile(deep, 'work')
    expect(fs.readFileSync(file, 'utf8')).toBe('identity: work\n')
    expect(fs.statSync(file).mode & 0o777).toBe(0o600)
    expect(fs.readdirSync(deep)).toEqual(['.daypass.yaml'])
  })

  test('comments stay', () => {
    const file = put('# for the shop\nidentity: "old"  # until June\r\n', 'a', 'b')
    writeFolderFile(deep, 'new')
    expect(fs.readFileSync(file, 'utf8')).toBe('# for the shop\nidentity: new  # until June\r\n')
  })

  test('a name that YAML takes for something else is quoted', async () => {
    const file = writeFolderFile(deep, 'null')
    expect(await parseFolderFile(fs.readFileSync(file, 'utf8'), file)).toEqual({ identity: 'null' })
  })

  test('a link is not followed, and a name is checked', () => {
    fs.writeFileSync(join(top, 'elsewhere'), 'mine\n')
    fs.symlinkSync(join(top, 'elsewhere'), join(deep, '.daypass.yaml'))
    expect(() => writeFolderFile(deep, 'work')).toThrow(expect.objectContaining({ code: 'configuration' }))
    expect(fs.readFileSync(join(top, 'elsewhere'), 'utf8')).toBe('mine\n')
    expect(() => writeFolderFile(top, 'a\nb')).toThrow(expect.objectContaining({ code: 'usage' }))
  })
})

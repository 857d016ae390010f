/** What `daypass env` prints, read by those for whom it is written. */
import { parseEnv } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DaypassError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import {
  applyEnvChanges,
  detectEnvFormat,
  ENV_FORMATS,
  type EnvFormat,
  formatEnv,
  formatGithubEnv,
  formatUnset,
} from '../../src/formats/env.ts'
import type { EnvChanges } from '../../src/formats/variables.ts'
import { runs } from '../fuzz.ts'
import { needs } from '../kit/needs.ts'
import { SHELLS, shellRunner } from './shells.ts'

/** What some shell, file or log gives a meaning to. */
const SPECIAL = [
  ...`'"\`\\$!%#=&|;<>(){}[]*?~^:, \t\u007f\u001b\u0001‘’‚‛“”„é😀\u0085\u2028\u00a0`,
  ...['$(touch pwned)', '$'.concat('{HOME}'), '%PATH%', '\\n', "''", "'\\''", '\\', '::', '<<', 'EOF', ' #'],
]
const NEWLINES = ['\n', '\r', '\r\n']
const plain = fc.stringMatching(/^[\w+/=.-]{0,12}$/)
const text = (...more: string[]) =>
  fc
    .array(fc.oneof(plain, fc.constantFrom(...SPECIAL, ...more), fc.string({ unit: 'grapheme' })))
    .map((parts) => parts.join('').replaceAll('\0', ''))

const one = (value: string, name = 'NAME'): EnvChanges => ({
  set: [{ name, value: new Secret(value) }],
  clear: [],
})
const many = (values: readonly string[]): EnvChanges => ({
  set: values.map((value, index) => ({ name: `NAME_${index}`, value: new Secret(value) })),
  clear: [],
})

/** `undefined`: the format has no words for it, and says so. */
function words(value: string, format: Exclude<EnvFormat, 'github'>): string | undefined {
  try {
    return formatEnv(one(value), format)
  } catch (error) {
    expect(error).toMatchObject({ code: 'usage', message: `${format} cannot carry the value of NAME` })
    return undefined
  }
}

describe('whatever the value is, the programs of a shell have it as it is', () => {
  const run = shellRunner()

  for (const [title, shell] of Object.entries(SHELLS))
    test(title, (context) => {
      needs(context, shell.program)
      const carried = text(...NEWLINES).filter((value) => words(value, shell.format) !== undefined)
      fc.assert(
        fc.property(fc.array(carried, { minLength: 20, maxLength: 40 }), (values) => {
          const environment = run(shell, formatEnv(many(values), shell.format))
          expect(values.map((_, index) => environment[`NAME_${index}`])).toEqual(values)
        }),
        runs(10),
      )
    })

  for (const [title, shell] of Object.entries(SHELLS))
    test(`${title}: what would win over it is gone, and --unset takes it away again`, (context) => {
      needs(context, shell.program)
      const changes = { ...one('value'), clear: ['RIVAL', 'NOT_THERE'] }
      const first = run(shell, formatEnv(changes, shell.format), { RIVAL: 'x', OTHER: 'y' })
      expect(first).toMatchObject({ NAME: 'value', OTHER: 'y' })
      expect(first).not.toHaveProperty('RIVAL')
      const after = run(shell, formatUnset(['NAME', 'NOT_THERE'], shell.format), first)
      expect(after).toMatchObject({ OTHER: 'y' })
      expect(after).not.toHaveProperty('NAME')
    })
})

describe('shells that are not at hand, by their own rules', () => {
  test('powershell: a quote that is doubled is one, and any of five kinds ends the text', () => {
    const read = (line: string) => {
      const [, inner = ''] = /^\$Env:NAME = '(.*)'$/su.exec(line)!
      const single = /['\u2018-\u201b]/
      expect(inner.replace(/(['\u2018-\u201b])['\u2018-\u201b]/g, '')).not.toMatch(single)
      return inner.replace(/(['\u2018-\u201b])['\u2018-\u201b]/g, '$1')
    }
    fc.assert(
      fc.property(text(), (value) => {
        const line = words(value, 'powershell')
        if (line === undefined) expect(value).toMatch(/^$|[\r\n]/)
        else expect(read(line)).toBe(value)
      }),
      runs(1000),
    )
  })

  test('nu: escapes in double quotes', () => {
    const read = (line: string) => {
      const [, inner = ''] = /^\$env\.NAME = "(.*)"$/su.exec(line)!
      expect(inner.replace(/\\./gsu, '')).not.toMatch(/["\p{Cc}]/u)
      return inner.replace(/\\(?:u\{(\w+)\}|(["\\]))/g, (_, code, same) =>
        code === undefined ? same : String.fromCodePoint(Number.parseInt(code, 16)),
      )
    }
    fc.assert(
      fc.property(text(...NEWLINES), (value) => {
        expect(read(words(value, 'nu')!)).toBe(value)
      }),
      runs(1000),
    )
  })

  test('cmd: quotes hold everything but what it replaces first', () => {
    fc.assert(
      fc.property(text(...NEWLINES), (value) => {
        const carried = value !== '' && !/["%!\r\n]/.test(value)
        expect(words(value, 'cmd')).toBe(carried ? `set "NAME=${value}"` : undefined)
      }),
      runs(1000),
    )
    expect(formatEnv(many(['a', 'b']), 'cmd')).toBe('set "NAME_0=a"\r\nset "NAME_1=b"')
  })
})

describe('a dotenv file', () => {
  const carried = text().filter((value) => words(value, 'dotenv') !== undefined)
  /** The package `dotenv`, from its own source. */
  const LINE =
    /^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$/gm
  const likeDotenv = (file: string) =>
    Object.fromEntries(
      [...file.matchAll(LINE)].map(([, name, raw = '']) => [
        name,
        raw.trim().replace(/^(['"`])([\s\S]*)\1$/gm, '$2'),
      ]),
    )

  test.each([
    ['Node', (file: string) => ({ ...parseEnv(file) })],
    ['dotenv', likeDotenv],
  ])('is read by %s as it was meant', (_, read) => {
    fc.assert(
      fc.property(fc.array(carried), (values) => {
        const expected = Object.fromEntries(values.map((value, index) => [`NAME_${index}`, value]))
        expect(read(formatEnv(many(values), 'dotenv'))).toEqual(expected)
      }),
      runs(500),
    )
  })

  test('is as bare as it can be: docker takes quotes for a part of the value', () => {
    expect(formatEnv(one('aB3/x+y=='), 'dotenv')).toBe('NAME=aB3/x+y==')
    expect(formatEnv(one('a b'), 'dotenv')).toBe(`NAME='a b'`)
    expect(formatEnv(one(`it's`), 'dotenv')).toBe(`NAME="it's"`)
  })

  test.each([['two\nlines'], ['one\r'], [`it's "so"`], [`it's $HOME`], [`it's \\n`]])(
    'has no words for %j',
    (value) => expect(words(value, 'dotenv')).toBeUndefined(),
  )
})

test('JSON carries everything', () => {
  fc.assert(
    fc.property(text(...NEWLINES), (value) => {
      expect(JSON.parse(formatEnv(one(value), 'json'))).toEqual({ NAME: value })
    }),
  )
})

describe('GitHub Actions', () => {
  /** As the runner reads the file: `NAME<<DELIMITER`, then lines until the delimiter stands alone on one. */
  function read(file: string): Record<string, string> {
    const found: Record<string, string> = {}
    for (let rest = file; rest !== ''; ) {
      const [head, name, delimiter] = /^(\w+)<<(.+)\n/.exec(rest)!
      const end = rest.indexOf(`\n${delimiter}\n`, head.length - 1)
      found[name!] = rest.slice(head.length, end)
      rest = rest.slice(end + delimiter!.length + 2)
    }
    return found
  }

  test('the file says what was meant, whatever the values are', () => {
    fc.assert(
      fc.property(fc.array(text(...NEWLINES)), (values) => {
        const expected = Object.fromEntries(values.map((value, index) => [`NAME_${index}`, value]))
        expect(read(formatGithubEnv(many(values), 'daypass_x').file)).toEqual(expected)
      }),
    )
  })

  test('a value with the delimiter in it is refused: it could set variables of its own', () => {
    expect(() => formatGithubEnv(one('a\ndaypass_x\nPATH=/tmp'), 'daypass_x')).toThrow(DaypassError)
  })

  test('every secret is masked, each on one line, and what is none is not', () => {
    const secret = new Secret('100%\r\nsure')
    const set = [
      { name: 'KEY', value: 'AKIA' },
      { name: 'SECRET', value: secret },
      { name: 'SAME', value: secret },
    ]
    expect(formatGithubEnv({ set, clear: [] }, 'daypass_x').masks).toBe('::add-mask::100%25%0D%0Asure')
  })

  test('hides the secrets that a value is made of, each by itself', () => {
    const holds = [new Secret('the-token')]
    const set = [{ name: 'URL', value: new Secret('x://acme?token=the-token'), holds }]
    expect(formatGithubEnv({ set, clear: [] }, 'daypass_x').masks).toBe(
      '::add-mask::x://acme?token=the-token\n::add-mask::the-token',
    )
  })
})

test.each(ENV_FORMATS)('%s: NUL and half a character are refused, and the value is not told', (format) => {
  for (const value of ['the-secret\0', 'the-secret\ud800']) {
    const write = () =>
      format === 'github' ? formatGithubEnv(one(value), 'daypass_x') : formatEnv(one(value), format)
    expect(write).toThrow(`${format} cannot carry the value of NAME`)
    expect(write).not.toThrow(/the-secret/)
  }
})

describe('the environment of a program', () => {
  const changes = { ...one('new', 'TOKEN'), clear: ['RIVAL'] }

  test('is ours, with the credential, and without what would win over it', () => {
    const env = { HOME: '/h', TOKEN: 'old', RIVAL: 'x', rival: 'y', GONE: undefined }
    expect(applyEnvChanges(changes, env)).toEqual({ HOME: '/h', TOKEN: 'new', rival: 'y' })
  })

  test('Windows does not tell small letters from capitals', () => {
    const env = { Token: 'old', rival: 'y', Path: 'p' }
    expect(applyEnvChanges(changes, env, 'win32')).toEqual({ Path: 'p', TOKEN: 'new' })
  })

  test('cannot have a NUL', () => {
    expect(() => applyEnvChanges(one('a\0'))).toThrow('an environment cannot carry the value of NAME')
  })
})

test.each([
  ['/bin/bash', 'linux', 'bash'],
  ['/usr/bin/zsh', 'darwin', 'bash'],
  ['/opt/homebrew/bin/fish', 'darwin', 'fish'],
  ['/usr/bin/nu', 'linux', 'nu'],
  ['/usr/bin/pwsh', 'linux', 'powershell'],
  [undefined, 'linux', 'bash'],
  [undefined, 'win32', 'powershell'],
  ['C:\\Program Files\\Git\\usr\\bin\\bash.exe', 'win32', 'bash'],
  ['', 'win32', 'powershell'],
] as const)('SHELL=%s on %s reads %s', (shell, platform, format) => {
  expect(detectEnvFormat(shell, platform)).toBe(format)
})

test.each(['dotenv', 'github'] as const)('%s cannot take a variable away, and says what can', (format) => {
  expect(() => formatUnset(['NAME'], format)).toThrow(`${format} has no words to take a variable away`)
})

test('JSON says null of what is to be taken away', () => {
  expect(formatUnset(['A', 'B'], 'json')).toBe('{"A":null,"B":null}')
})

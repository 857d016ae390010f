import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AwsFile, parseProfiles } from '../../../src/tools/aws/ini.ts'
import { editProfile, undoIniEdits } from '../../../src/tools/aws/ini-edit.ts'
import { applyEdits, formatDiff, invertEdits } from '../../../src/tools/files/edits.ts'
import { runs } from '../../fuzz.ts'
import { needs } from '../../kit/needs.ts'
import { failure } from '../../vault/support.ts'

const plain = (text: string, file: AwsFile = 'config') =>
  Object.fromEntries([...parseProfiles(text, file)].map(([name, keys]) => [name, Object.fromEntries(keys)]))

const edited = (text: string, profile: string, keys: Record<string, string | undefined>) =>
  applyEdits(text, editProfile(text, 'config', profile, keys))

describe('read', () => {
  test('a config file: headers, comments, nested keys, quoted names', () => {
    const text = `; top
[default]
region = eu-central-1 # mine
s3 =
  max_concurrent_requests = 20
  region = not-this
output=json

[profile dev]
REGION: us-east-1
login_session = arn:aws:iam::1:user/a#b
[profile "x y"]
region = eu-west-1
[sso-session corp]
sso_region = us-east-1
[stray]
region = no
`
    expect(plain(text)).toEqual({
      default: { region: 'eu-central-1', output: 'json' },
      dev: { region: 'us-east-1', login_session: 'arn:aws:iam::1:user/a#b' },
      'x y': { region: 'eu-west-1' },
    })
  })

  test('a credentials file: the header is the name', () => {
    expect(plain('[dev]\naws_access_key_id=AKIA\n[profile dev]\nx=1\n', 'credentials')).toEqual({
      dev: { aws_access_key_id: 'AKIA' },
      'profile dev': { x: '1' },
    })
  })

  test('a byte order mark and CRLF are no part of anything', () => {
    expect(plain('\ufeff[profile a]\r\nregion = x\r\n')).toEqual({ a: { region: 'x' } })
    expect(plain('\ufeff[profile a]\nregion = x')).toEqual({ a: { region: 'x' } })
  })

  test('what is no INI at all has no profiles', () => {
    for (const text of ['', '\ufeff', 'region = x', '[', '[]', '= 1\n[a', '\u0000'])
      expect(plain(text)).toEqual({})
  })
})

describe('edit', () => {
  test.each([
    ['', '[profile dev]\nregion = x\n'],
    ['[default]\nregion = y\n', '[default]\nregion = y\n\n[profile dev]\nregion = x\n'],
    ['[default]\nregion = y', '[default]\nregion = y\n\n[profile dev]\nregion = x\n'],
    ['[default]\n\n', '[default]\n\n[profile dev]\nregion = x\n'],
    ['[default]\r\nregion = y\r\n', '[default]\r\nregion = y\r\n\r\n[profile dev]\r\nregion = x\r\n'],
  ])('a new profile is added at the end of %j', (text, after) => {
    expect(edited(text, 'dev', { region: 'x' })).toBe(after)
  })

  test('the default profile has a header of its own', () => {
    expect(edited('', 'default', { region: 'x' })).toBe('[default]\nregion = x\n')
  })

  test('a key is replaced where it stands, a new one joins the plain keys, and nothing else moves', () => {
    const text = '[profile dev] # mine\n  # the place\n  region=a ; b\n  s3 =\n    x = 1\n; end\n[default]\n'
    expect(edited(text, 'dev', { region: 'b', login_session: 'arn' })).toBe(
      '[profile dev] # mine\n  # the place\n  region = b\n  login_session = arn\n  s3 =\n    x = 1\n; end\n[default]\n',
    )
  })

  test('a profile that stands there twice, or has a key twice, is not touched', async () => {
    const error = await failure(
      () => edited('[profile a]\n[profile b]\n[profile "a"]\n', 'a', { region: 'x' }),
      'configuration',
    )
    expect(error.message).toContain('lines 1 and 3')
    const key = await failure(
      () => edited('[default]\nregion = a\nRegion = b\n', 'default', { region: 'x' }),
      'configuration',
    )
    expect(key.message).toContain('lines 2 and 3')
  })

  test('a diff says what changes and masks what is secret beside it', () => {
    const text = '[default]\naws_secret_access_key = hush\n'
    const edits = editProfile(text, 'config', 'default', { region: 'eu-west-1' })
    expect(formatDiff('config', text, edits)).toBe(
      '--- config\n+++ config\n@@ -2,1 +2,2 @@\n aws_secret_access_key = …\n+region = eu-west-1\n',
    )
  })
})

test.each(['rubbish', 'region = x', '[profile a]\n= 3', '[profile a\n'])(
  'a file that the AWS command line cannot read is not touched: %j',
  async (text) => {
    const error = await failure(() => edited(text, 'dev', { region: 'x' }), 'configuration')
    expect(error.message).toMatch(/^line \d/)
  },
)

test('a key that goes on in the next line is not touched, by undo neither', async () => {
  const text = '[profile dev]\nregion = x\n  [profile b]\n'
  await failure(() => edited(text, 'dev', { region: 'y' }), 'configuration')
  await failure(() => edited(text, 'dev', { login_session: 'y' }), 'configuration')
  const edits = editProfile('[profile dev]\n', 'config', 'dev', { region: 'x' })
  expect(undoIniEdits(text, 'config', 'dev', edits)).toBe(text)
})

describe('undo, in a text that changed since', () => {
  const KEYS = { credential_process: '/bin/x', region: 'eu-west-1' }
  const edits = editProfile('[default]\n', 'config', 'dev', KEYS)
  const after = applyEdits('[default]\n', edits)
  const back = (text: string) => undoIniEdits(text, 'config', 'dev', edits)

  test.each([
    ['something stands behind it', `${after}[profile b]\nregion=z\n`, '[default]\n[profile b]\nregion=z\n'],
    ['something stands before it', `# hi\n${after}`, '# hi\n[default]\n'],
    ['a key was added', `${after}output = json\n`, '[default]\n\n[profile dev]\noutput = json\n'],
    [
      'a comment was added',
      after.replace('region', '# mine\nregion'),
      '[default]\n\n[profile dev]\n# mine\n',
    ],
    ['a value is another', after.replace('eu-west-1', 'x'), '[default]\n\n[profile dev]\nregion = x\n'],
    [
      'the order is another',
      '[profile dev]\nregion=eu-west-1\ncredential_process=/bin/x\n[default]\n',
      '[default]\n',
    ],
    ['it is gone', '[default]\n', '[default]\n'],
    ['everything is gone', '', ''],
  ])('%s', (_, text, expected) => {
    expect(back(text)).toBe(expected)
  })

  test('what stood there before comes back as it was written', () => {
    const text = '[profile dev]\nregion=old ; why\noutput = json\nlogin_session = arn\n'
    const edits = editProfile(text, 'config', 'dev', { region: 'new', login_session: undefined })
    const after = applyEdits(text, edits)
    expect(undoIniEdits(`${after}[default]\n`, 'config', 'dev', edits)).toBe(
      '[profile dev]\nregion=old ; why\noutput = json\nlogin_session = arn\n[default]\n',
    )
    expect(undoIniEdits(after.replace('= new', '= newer'), 'config', 'dev', edits)).toContain(
      'region = newer',
    )
  })

  test('two lines do not become one', () => {
    const edits = editProfile('[default]', 'config', 'dev', KEYS)
    const after = applyEdits('[default]', edits)
    expect(undoIniEdits(`${after}[profile b]\n`, 'config', 'dev', edits)).toBe('[default]\n[profile b]\n')
  })
})

const LINES = [
  '[default]',
  '[profile a]',
  ' [profile a]',
  '[profile "a"]',
  '[profile b] ; c',
  '[profile dev]',
  '[services s]',
  'region = x',
  'REGION=y # z',
  '  region = indented',
  '\tlogin_session: arn',
  's3 =',
  's3=',
  '    nested = 1',
  '# comment',
  '; [profile hidden]',
  '',
  '  ',
  'aws_secret_access_key = a#b ;c',
]
const texts = fc
  .tuple(
    fc.constantFrom('', '\ufeff'),
    fc.array(
      fc.tuple(
        fc.oneof({ arbitrary: fc.constantFrom(...LINES), weight: 40 }, fc.string()),
        fc.constantFrom('\n', '\n', '\r\n'),
      ),
    ),
    fc.constantFrom('', '[profile dev]', 'region = last', '# last'),
  )
  .map(([mark, lines, last]) => mark + lines.map(([line, end]) => line + end).join('') + last)
const profiles = fc.constantFrom('dev', 'default', 'a', 'b')
const values = fc.constantFrom('x', 'arn:aws:iam::1:user/a', "'a b' c", undefined)
const keys = fc.record({ region: values, login_session: values })

/** `undefined`: refused, because the file is none that all tools read alike. */
function attempt(text: string, profile: string, keys: Record<string, string | undefined>) {
  try {
    return editProfile(text, 'config', profile, keys)
  } catch {
    return undefined
  }
}

describe('for any text', () => {
  test('what was written reads back, and every other profile reads as before', () => {
    fc.assert(
      fc.property(texts, profiles, keys, (text, profile, keys) => {
        const edits = attempt(text, profile, keys)
        if (edits === undefined) return
        const [before, after] = [plain(text), plain(applyEdits(text, edits))]
        const wanted = Object.entries(keys).filter(([, value]) => value !== undefined)
        expect(after[profile] ?? {}).toMatchObject(Object.fromEntries(wanted))
        for (const key of ['region', 'login_session'] as const)
          if (keys[key] === undefined) expect(after[profile]?.[key]).toBe(undefined)
        delete before[profile]
        delete after[profile]
        expect(after).toEqual(before)
      }),
      runs(2000),
    )
  })

  test('undone, it is the very text', () => {
    fc.assert(
      fc.property(texts, profiles, keys, (text, profile, keys) => {
        const edits = attempt(text, profile, keys) ?? []
        expect(applyEdits(applyEdits(text, edits), invertEdits(edits))).toBe(text)
      }),
      runs(2000),
    )
  })

  test('a new block that is taken back by sense leaves the very text, too', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const edits = attempt(text, 'fresh', { region: 'x', credential_process: 'y' }) ?? []
        expect(undoIniEdits(applyEdits(text, edits), 'config', 'fresh', edits)).toBe(text)
      }),
      runs(2000),
    )
  })

  test('taken back after others were added, the others read as before', () => {
    fc.assert(
      fc.property(texts, profiles, keys, (text, profile, keys) => {
        const first = attempt(text, profile, keys)
        if (first === undefined) return
        const mine = applyEdits(text, first)
        const both = applyEdits(mine, editProfile(mine, 'config', 'fresh', { region: 'z' }))
        const left = plain(undoIniEdits(both, 'config', profile, first))
        const before = plain(text)
        expect(left).toEqual({
          ...before,
          ...(profile in left ? { [profile]: left[profile] } : {}),
          fresh: { region: 'z' },
        })
        expect(left[profile] ?? {}).toEqual(before[profile] ?? {})
      }),
      runs(2000),
    )
  })

  test('Python, as the AWS command line uses it, reads what we read and finds what we wrote', (context) => {
    needs(context, 'python3')
    const cases = fc.sample(texts, runs(2000)).flatMap((text) => {
      const edits = attempt(text, 'dev', { region: 'ours', login_session: 'arn' })
      return edits === undefined ? [] : [{ text, after: applyEdits(text, edits) }]
    })
    const all = cases.flatMap(({ text, after }) => [text, after]).map((text) => text.replace(/^\ufeff/, ''))
    const said = execFileSync('python3', ['-c', PYTHON], {
      input: JSON.stringify(all),
      encoding: 'utf8',
      maxBuffer: 1e9,
    })
    const read = JSON.parse(said) as (Record<string, Record<string, string>> | null)[]
    let seen = 0
    cases.forEach(({ text }, index) => {
      const [before, then] = [read[2 * index], read[2 * index + 1]]
      // A header or a key that stands there twice: it refuses those.
      if (before === null) return
      seen++
      expect(plain(text)).toEqual(before)
      expect(then).toEqual({ ...before, dev: { ...before!.dev, region: 'ours', login_session: 'arn' } })
    })
    expect(seen).toBeGreaterThan(cases.length / 4)
  })
})

/** The first lines of values, without comments behind them; a profile under two spellings as the SDKs have it. */
const PYTHON = `
import configparser, io, json, re, shlex, sys
def name(header):
    words = shlex.split(header) if header.startswith('profile') else [header]
    return words[1] if len(words) == 2 else 'default' if header == 'default' else None
def read(text):
    parser = configparser.RawConfigParser()
    try: parser.read_file(io.StringIO(text, newline=None))
    except configparser.Error: return None
    found = {}
    for section in parser.sections():
        if name(section) is None: continue
        lines = [(key, re.sub(r'(^|\\s)[#;].*$', '', value.split('\\n')[0]).strip()) for key, value in parser.items(section)]
        found.setdefault(name(section), {}).update((key, value) for key, value in lines if value != '')
    return found
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
`

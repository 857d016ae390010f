import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgePaste, parsePaste } from '../../src/login/paste.ts'
import { checkPasted, createAttempt } from '../../src/oauth/authorize.ts'
import { buildServer } from '../../src/oauth/server.ts'
import { runs } from '../fuzz.ts'

function read(text: string) {
  const pasted = parsePaste(text)
  return 'problem' in pasted
    ? pasted
    : { ...Object.fromEntries(pasted.params), stateGiven: pasted.stateGiven }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('what a person may paste', () => {
  const whole = { code: 'c0de', state: 'st4te', stateGiven: true }
  test.each([
    ['the whole address', 'http://127.0.0.1:8765/callback?code=c0de&state=st4te'],
    ['an address with a fragment behind', 'https://id.example/cb?code=c0de&state=st4te#_=_'],
    ['an address that answers in its fragment', 'https://id.example/cb#code=c0de&state=st4te'],
    ['an address without its scheme', '127.0.0.1:8765/callback?code=c0de&state=st4te'],
    ['an out-of-band address', 'urn:ietf:wg:oauth:2.0:oob?code=c0de&state=st4te'],
    ['a query with ?', '?code=c0de&state=st4te'],
    ['a query without ?', 'state=st4te&code=c0de'],
    ['code#state', 'c0de#st4te'],
    ['AWS’s blob', base64('state=st4te&code=c0de')],
    ['the blob, url-safe and unpadded', Buffer.from('state=st4te&code=c0de').toString('base64url')],
    ['wrapped over lines', 'http://127.0.0.1:8765/call\r\n   back?code=c0\n  de&state=st\n4te\n'],
    ['in quotes', '"http://127.0.0.1:8765/callback?code=c0de&state=st4te"'],
    ['in angle brackets', '  <http://127.0.0.1:8765/callback?code=c0de&state=st4te>  '],
    ['in a mail program’s quotes', '“c0de#st4te”'],
    ['with invisible characters', '\ufeffc0de\u200b#st4te\u00a0'],
  ])('%s', (_, text) => {
    expect(read(text)).toEqual(whole)
  })

  test('a bare code has no state', () => {
    expect(read(' 4/0AeaYSHA-_.~+/=\n')).toEqual({ code: '4/0AeaYSHA-_.~+/=', stateGiven: false })
  })

  test('a code that happens to be base64 of something else stays as it is', () => {
    expect(read(base64('hello there'))).toEqual({ code: base64('hello there'), stateGiven: false })
  })

  test('a plus in a blob is itself', () => {
    expect(read(base64('state=s+1&code=a+b/c='))).toMatchObject({ code: 'a+b/c=', state: 's+1' })
  })

  test('an error is a callback too, and its state is there to be checked', () => {
    expect(read('http://localhost:1/cb?error=access_denied&error_description=No+way&state=s')).toEqual({
      error: 'access_denied',
      error_description: 'No way',
      state: 's',
      stateGiven: true,
    })
  })

  test('the issuer comes along', () => {
    expect(read('?code=c&state=s&iss=https%3A%2F%2Fid.example')).toMatchObject({ iss: 'https://id.example' })
  })
})

describe('what is no answer', () => {
  test.each([
    ['nothing', '', /nothing/],
    ['blank lines', ' \n\t\n', /nothing/],
    ['empty quotes', '""', /nothing/],
    ['an address without a code', 'http://127.0.0.1:8765/callback', /no code/],
    ['an address with other parameters', 'https://example.com/?q=SECRET', /no code/],
    ['a state alone', 'state=SECRET', /no code/],
    ['an empty code', 'https://h/cb?code=&state=SECRET', /no code/],
    [
      'the address that was to be opened',
      'https://h/authorize?response_type=code&state=SECRET',
      /address to open/,
    ],
    ['two codes', '?code=SECRET&code=SECRET2&state=s', /code more than once/],
    ['two states', '?code=c&state=SECRET&state=b', /state more than once/],
    ['several hashes', 'SECRET#b#c', /no code/],
    ['letters that no code has', 'SECRETé', /no code/],
    ['a novel', 'SECRET'.repeat(40_000), /too long/],
  ])('%s', (_, text, problem) => {
    const pasted = read(text)
    expect(pasted).toEqual({ problem: expect.stringMatching(problem) })
    expect(JSON.stringify(pasted)).not.toContain('SECRET')
  })
})

test('it answers any text, and a problem never repeats it', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc.base64String(),
    fc.stringMatching(/^[?#&=a-z%+/.:-]*(code|state|error)=[?#&=a-z%+/.:-]*$/),
  )
  fc.assert(
    fc.property(text, (given) => {
      const pasted = parsePaste(given)
      if ('problem' in pasted) {
        const own = ['nothing was pasted', 'too long', 'no code', 'more than once', 'address to open']
        return own.some((words) => pasted.problem.includes(words))
      }
      return Boolean(pasted.params.get('code') || pasted.params.get('error'))
    }),
    runs(3_000),
  )
})

test('a long row of quotes takes no time', () => {
  // Tried at each of its places it would be minutes.
  for (let round = 0; round < 50; round++) expect(read(`a${'"'.repeat(65_000)}a`)).toHaveProperty('problem')
})

/** One answer in every form that a person may be shown. */
const forms = (code: string, state: string) => [
  `http://127.0.0.1:8765/callback?code=${code}&state=${state}`,
  `https://id.example/cb#state=${state}&code=${code}`,
  `127.0.0.1:8765/callback?state=${state}&code=${code}#_=_`,
  `?state=${state}&code=${code}`,
  `${code}#${state}`,
  base64(`state=${state}&code=${code}`),
]
const word = fc.stringMatching(/^[A-Za-z0-9._~-]{8,60}$/)
/** What programs put around it and into it. */
const dressed = (form: string) => {
  const wrap = fc.constantFrom('\n', '\r\n', ' \n  ', '\u00a0', '\u200b', '\t', '\u2028', '')
  const quotes = fc.constantFrom('""', "''", '``', '<>', '()', '[]', '“”', '‘’', '«»', '„“', '  ')
  return fc
    .tuple(fc.array(fc.tuple(fc.nat(form.length), wrap)), fc.array(quotes, { maxLength: 3 }), wrap)
    .map(([wraps, around, end]) => {
      const inner = wraps.reduce((text, [at, space]) => text.slice(0, at) + space + text.slice(at), form)
      return around.reduce((text, [open, close]) => `${open}${text}${close}`, inner) + end
    })
}
const answer = fc.tuple(word, word).chain(([code, state]) =>
  fc
    .constantFrom(...forms(code, state))
    .chain(dressed)
    .map((text) => ({ code, state, text })),
)

test('whatever form it takes, the same code and state come out', () => {
  fc.assert(
    fc.property(answer, ({ code, state, text }) => {
      expect(read(text)).toMatchObject({ code, state })
    }),
    runs(1_000),
  )
})

test('an answer of another login is never taken, whatever form it takes, and nothing that bears a wrong state', () => {
  const mine = createAttempt('http://127.0.0.1:8765/callback', [])
  const server = buildServer({ authorization: 'https://id.example/auth', token: 'https://id.example/token' })
  const judge = (text: string) =>
    judgePaste(text, (pasted) => checkPasted(server, { id: 'cli' }, mine, pasted))
  const ofMine = forms('c0de-of-mine', mine.state)
  const broken = fc
    .tuple(
      fc.constantFrom(...ofMine.slice(0, -1)),
      fc.nat(),
      fc.constantFrom('x', '-', '&state=y', '%20', '#'),
    )
    .map(([form, at, more]) => {
      const inState = form.indexOf(mine.state) + (at % mine.state.length)
      return form.slice(0, inState) + more + form.slice(inState)
    })
  fc.assert(
    fc.property(
      fc.oneof(
        answer.map(({ text }) => text),
        broken,
      ),
      (text) => {
        expect(Object.keys(judge(text))).toEqual(['ignored'])
      },
    ),
    runs(1_000),
  )
  for (const form of ofMine) expect(judge(form)).toHaveProperty('code')
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePaste } from '../../src/flows/paste.ts'

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
    { numRuns: 3_000 },
  )
})

test('whatever form it takes, the same code and state come out', () => {
  const word = fc.stringMatching(/^[A-Za-z0-9._~-]{8,60}$/)
  const forms = (code: string, state: string) => [
    `http://127.0.0.1:8765/callback?code=${code}&state=${state}`,
    `?state=${state}&code=${code}`,
    `${code}#${state}`,
    base64(`state=${state}&code=${code}`),
  ]
  fc.assert(
    fc.property(word, word, fc.nat(200), fc.constantFrom('\n', '\r\n', ' \n  '), (code, state, at, wrap) => {
      for (const form of forms(code, state)) {
        const wrapped = form.slice(0, at) + wrap + form.slice(at)
        expect(read(wrapped)).toMatchObject({ code, state })
      }
    }),
  )
})

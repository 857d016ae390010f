import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import type { BearerCredential } from '../../src/core/types.ts'
import { formatGitCredential, parseAttributes } from '../../src/formats/git-credential.ts'
import { failure } from '../vault/support.ts'

const PLAIN = { user: 'oauth2', isFixed: false }
const NOW = 1_700_000_000_000
const TOKEN: BearerCredential = {
  kind: 'bearer',
  token: new Secret('the-token'),
  tokenType: 'bearer',
  issuedAt: NOW,
  expiresAt: NOW + 3_600_999,
}

/** Any text but what ends a line, or a text. */
const value = fc.string({ unit: 'binary' }).filter((text) => !/[\n\r\0]/.test(text))
const name = value.filter((text) => text !== '' && !text.includes('='))

describe('what git asks', () => {
  test.each([
    ['with an empty line at its end', 'protocol=https\nhost=example.com\n\n'],
    ['that ends with its last line', 'protocol=https\nhost=example.com\n'],
    ['that ends in the middle of it', 'protocol=https\nhost=example.com'],
    ['with something behind the empty line', 'protocol=https\nhost=example.com\n\nhost=evil.test\nwhat\r'],
  ])('%s', (_, text) => {
    expect([...parseAttributes(text)]).toEqual([
      ['protocol', ['https']],
      ['host', ['example.com']],
    ])
  })

  test('names and values of any kind are read as they were written', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value, { noNullPrototype: false }), (said) => {
        const one = Object.entries(said).map(([each, text]) => [each.replace(/\[\]$/, ''), text] as const)
        const unique = [...new Map(one.filter(([each]) => each !== ''))]
        const text = unique.map(([each, what]) => `${each}=${what}\n`).join('')
        expect([...parseAttributes(text)]).toEqual(unique.map(([each, what]) => [each, [what]]))
      }),
    )
  })

  test('several values keep their order, and an empty one begins anew', () => {
    const text =
      'wwwauth[]=Basic\nwwwauth[]=Bearer a=b\ncapability[]=x\ncapability[]=\ncapability[]=authtype\n'
    expect([...parseAttributes(text)]).toEqual([
      ['wwwauth[]', ['Basic', 'Bearer a=b']],
      ['capability[]', ['authtype']],
    ])
  })

  test.each([
    ['a carriage return in a value', 'protocol=https\nhost=github.com\rhost=evil.test\n'],
    ['a carriage return at the end of a line', 'protocol=https\r\nhost=github.com\r\n'],
    ['a carriage return in a name', 'host\r=github.com\n'],
    ['a NUL in a value', 'host=github.com\0.evil.test\n'],
    ['a NUL in a name', 'ho\0st=github.com\n'],
    ['a line without =', 'protocol=https\nhost\n'],
    ['a line without a name', '=github.com\n'],
    ['the same name twice', 'host=github.com\nhost=evil.test\n'],
    ['an = and nothing else', '=\n'],
  ])('refused: %s', async (_, text) => {
    const error = await failure(() => parseAttributes(text), 'usage')
    // It may be a password.
    expect(error.message).not.toMatch(/github|evil/)
  })

  test('whatever it is, it is read or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        try {
          for (const [each, values] of parseAttributes(text)) {
            expect(each + values.join('')).not.toMatch(/[\n\r\0]/)
            expect(each).not.toBe('')
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'usage' })
        }
      }),
    )
  })
})

describe('what git is answered', () => {
  const asked = (...lines: string[]) => parseAttributes(lines.map((line) => `${line}\n`).join(''))
  const authtype = 'capability[]=authtype'

  test('a user, the token, and when it is over by the caller’s own clock', () => {
    expect(
      formatGitCredential(TOKEN, {
        user: 'x-access-token',
        isFixed: true,
        asked: asked(authtype),
        clockOffset: 10_000,
      }),
    ).toBe('username=x-access-token\npassword=the-token\npassword_expiry_utc=1700003590')
  })

  test('without an end, none is told', () => {
    const { expiresAt: _, ...endless } = TOKEN
    expect(formatGitCredential(endless, { ...PLAIN, asked: asked() })).toBe(
      'username=oauth2\npassword=the-token',
    )
  })

  test('a bearer token, where git can send one and the server wants nothing else', () => {
    expect(
      formatGitCredential(TOKEN, { ...PLAIN, asked: asked(authtype, 'wwwauth[]=Bearer realm="git"') }),
    ).toBe(
      'capability[]=authtype\nauthtype=Bearer\ncredential=the-token\nephemeral=1\npassword_expiry_utc=1700003600',
    )
  })

  test.each([
    ['git is too old for it', ['wwwauth[]=Bearer']],
    ['the server says nothing', [authtype]],
    ['the server takes a password, too', [authtype, 'wwwauth[]=Bearer', 'wwwauth[]=Basic realm="x"']],
    ['the server says both in one line', [authtype, 'wwwauth[]=Bearer realm="x", Basic realm="x"']],
    ['the server wants something else', [authtype, 'wwwauth[]=Negotiate', 'wwwauth[]=Bearerish']],
  ])('as a password, where %s', (_, lines) => {
    expect(formatGitCredential(TOKEN, { ...PLAIN, asked: asked(...lines) })).toMatch(
      /^username=oauth2\npassword=the-token\n/,
    )
  })

  test('as a password, where the provider says as whose', () => {
    const lines = asked(authtype, 'wwwauth[]=Bearer')
    expect(formatGitCredential(TOKEN, { user: 'oauth2', isFixed: true, asked: lines })).toMatch(
      /^username=oauth2\npassword=/,
    )
  })

  test.each(['a\nhost=evil.test', 'a\r', 'a\0'])(
    'a token that would be two lines is none: %j',
    async (text) => {
      const token = new Secret(text)
      const error = await failure(
        () => formatGitCredential({ ...TOKEN, token }, { ...PLAIN, asked: asked() }),
        'refused',
      )
      expect(error.message).not.toContain(text)
    },
  )

  test('a token that is bound to a key is of no use to git', async () => {
    await failure(
      () => formatGitCredential({ ...TOKEN, tokenType: 'dpop' }, { ...PLAIN, asked: asked() }),
      'usage',
    )
  })
})

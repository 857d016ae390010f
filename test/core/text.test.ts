import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hidePasswords, sanitize } from '../../src/core/text.ts'
import { runs } from '../fuzz.ts'

describe('text of a stranger', () => {
  const HARMFUL = /[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cs}]/u

  test('is sanitize without control, bidirectional or invisible characters, and never longer than 200', () => {
    const nasty = fc.constantFrom(
      '\u001b[2J',
      '\u009b31m',
      '\u202e',
      '\u061c',
      '\u2066',
      '\u00ad',
      '\u{e0041}',
      '\r\n',
      // The halves of an invisible character.
      '\udb40',
      '\udc41',
    )
    const text = fc.array(fc.oneof(nasty, fc.string({ unit: 'binary' })), { maxLength: 60 })
    fc.assert(
      fc.property(text, (parts) => {
        const out = sanitize(parts.join(''))
        expect(out).not.toMatch(HARMFUL)
        expect([...out].length).toBeLessThanOrEqual(200)
        expect(sanitize(out)).toBe(out)
      }),
      runs(500),
    )
  })

  test('is sanitize whatever a server sent in its place', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (value) => typeof sanitize(value) === 'string'),
      runs(500),
    )
    for (const odd of [{ toString: 1, valueOf: 1 }, [[{ toString: 1 }]]])
      expect(sanitize(odd)).toBe('[object]')
  })

  test('is left as it is where it is harmless', () => {
    for (const text of ['', 'Käse, 学, 🎫', 'a\tb']) expect(sanitize(text)).toBe(text.replace('\t', ' '))
    expect(sanitize('x'.repeat(201))).toBe(`${'x'.repeat(199)}…`)
    for (const odd of [undefined, null, 5, {}, []]) expect(typeof sanitize(odd)).toBe('string')
  })
})

test('an address is shown without the name and the password that it holds', () => {
  expect(hidePasswords('a https://me:pw@x.example/p, b HTTP://:pw@y')).toBe(
    'a https://x.example/p, b HTTP://y',
  )
  for (const text of [
    'https://x.example/?a=b:c@d',
    'https://git@x.example',
    'ada@x.example: hi',
    'cloudinary://KEY:SECRET@CLOUD',
  ])
    expect(hidePasswords(text)).toBe(text)
})

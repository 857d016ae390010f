import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSecretInput } from '../../src/platform/secret-input.ts'

function feed(...chunks: string[]) {
  const input = createSecretInput()
  const state = chunks.map((chunk) => input.feed(chunk)).at(-1)
  return [state, input.text()]
}

describe('keys', () => {
  test.each<[string, string[], string, string]>([
    ['Enter', ['abc\r'], 'maybe', 'abc'],
    ['more after a line', ['abc\r', 'd'], 'more', 'abc\nd'],
    ['backspace takes a whole character', ['ab😀\u007f\b'], 'more', 'a'],
    ['Ctrl-U takes everything', ['abc\u0015d'], 'more', 'd'],
    ['Ctrl-C', ['abc\u0003'], 'cancel', 'abc'],
    ['Ctrl-C in a paste that never ended', ['\u001b[200~abc\u0003'], 'cancel', 'abc'],
    ['Ctrl-C after a lone escape', ['\u001b\u0003'], 'cancel', ''],
    ['Ctrl-D', ['abc\u0004'], 'end', 'abc'],
    ['arrows and function keys are nothing', ['a\u001b[A\u001b[1;5D\u001bOP\u001b[[Ab'], 'more', 'ab'],
    ['other control characters are nothing', ['a\u0000\u0007\u001ab'], 'more', 'ab'],
  ])('%s', (_, chunks, state, text) => {
    expect(feed(...chunks)).toEqual([state, text])
  })

  test('a paste is over when it says so, and a newline in it is not Enter', () => {
    expect(feed('\u001b[200~a\r')).toEqual(['more', 'a'])
    expect(feed('\u001b[200~a\r\u001b[201~')).toEqual(['maybe', 'a'])
    expect(feed('\u001b[200~a\rb\u001b[201~')).toEqual(['more', 'a\nb'])
  })
})

test('however the bytes are cut, the same text comes out', () => {
  const key = fc.constantFrom(
    'a',
    'é',
    '😀',
    '\r',
    '\n',
    '\t',
    '\u001b[200~',
    '\u001b[201~',
    '\u001b[A',
    '\u001bOP',
    '\u007f',
  )
  fc.assert(
    fc.property(fc.array(key), fc.array(fc.nat(60)), (keys, cuts) => {
      const characters = Array.from(keys.join(''))
      const places = [...new Set([0, ...cuts, characters.length])]
        .filter((at) => at <= characters.length)
        .sort((a, b) => a - b)
      const chunks = places.map((at, index) => characters.slice(at, places[index + 1]).join(''))
      expect(feed(...chunks, '')[1]).toBe(feed(characters.join(''), '')[1])
    }),
  )
})

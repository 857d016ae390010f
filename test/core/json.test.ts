import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatJson, parseAnswer } from '../../src/core/json.ts'
import { runs } from '../fuzz.ts'

describe('JSON that is printed', () => {
  test('has no character that a terminal would obey or not show, and the same value', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(
        fc.array(fc.oneof(text, fc.constantFrom('\u009b', '\u202e', '\u200b', '\u{e0041}'))),
        (value) => {
          const out = formatJson(value)
          expect(out).not.toMatch(/[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u)
          expect(JSON.parse(out)).toEqual(value)
        },
      ),
      runs(500),
    )
  })

  test('escapes all that is named as harmful', () => {
    const codes = [
      ...Array.from({ length: 0x20 }, (_, code) => code),
      ...Array.from({ length: 0x21 }, (_, index) => 0x7f + index),
      ...[0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0xfeff],
      ...[0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069],
    ]
    const text = String.fromCharCode(...codes)
    expect(formatJson(text)).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(formatJson(text))).toBe(text)
  })
})

test('an answer that is nested without end is a passing failure, and brackets in texts do not count', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const nested = (depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`
    expect(parseAnswer(nested(100))).toBeTypeOf('object')
    expect(() => parseAnswer(nested(101))).toThrow(expect.objectContaining({ code: 'network' }))
  }
  expect(() => parseAnswer('['.repeat(1 << 20))).toThrow(expect.objectContaining({ code: 'network' }))
  const text = JSON.stringify({ a: `\\"${'['.repeat(200)}` })
  expect(parseAnswer(text)).toEqual(JSON.parse(text))
})

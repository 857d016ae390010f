import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatDuration, formatTime, parseDuration } from '../../src/core/duration.ts'

describe('a length of time', () => {
  test('is read as it was written', () => {
    const unit = fc.constantFrom(['s', 1e3], ['m', 6e4], ['h', 36e5], ['d', 864e5]) as fc.Arbitrary<
      [string, number]
    >
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9999), unit), { minLength: 1, maxLength: 4 }), (parts) => {
        const text = parts.map(([count, [name]]) => `${count}${name}`).join('')
        const sum = parts.reduce((total, [count, [, size]]) => total + count * size, 0)
        expect(parseDuration(text)).toBe(sum)
      }),
    )
  })

  test('that is shown can be read again, and is never more than it was', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9e12 }), (milliseconds) => {
        const again = parseDuration(formatDuration(milliseconds).replaceAll(' ', ''))
        expect(again).toBeLessThanOrEqual(milliseconds)
        expect(milliseconds - again).toBeLessThan(Math.max(1000, milliseconds / 24))
      }),
    )
  })

  test.each(['', ' ', '10', '1h30m', '90s'].slice(2))('%s is one', (text) => {
    expect(parseDuration(text)).toBeGreaterThan(0)
  })

  test.each(['', ' ', '-5m', '5 m', '5x', 'm5', '1.5h', '1h 30m', 'infinity', '0x10', '1e3'])(
    '%j is none, and is said with a hint',
    (text) => {
      expect(() => parseDuration(text)).toThrow(
        expect.objectContaining({ code: 'usage', hint: expect.any(String) }),
      )
    },
  )

  test('every moment has a name, those that no Date can hold included', () => {
    expect(formatTime(1_800_000_000_123)).toBe('2027-01-15T08:00:00Z')
    for (const time of [1e300, -1e300, Number.POSITIVE_INFINITY]) expect(formatTime(time)).toMatch(/Z$/)
  })
})

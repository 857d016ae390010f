import { describe, expect, test } from 'vitest'
import { DaypassError, EXIT, exitCode, isDaypassError } from '../../src/core/errors.ts'

describe('errors', () => {
  test('the exits are a closed table, and nothing ends in another', () => {
    expect(EXIT).toEqual({
      unexpected: 1,
      request: 1,
      usage: 2,
      configuration: 2,
      not_found: 3,
      login_required: 4,
      network: 5,
      lock: 5,
      keychain: 5,
      vault: 5,
      port: 5,
      refused: 6,
      pending: 8,
      not_executable: 126,
      no_program: 127,
      cancelled: 130,
    })
    for (const thrown of [new Error('x'), undefined, 'x', { code: 'usage' }]) expect(exitCode(thrown)).toBe(1)
    expect(exitCode(new DaypassError('refused', 'x'))).toBe(6)
  })

  test('only what passes by itself is retryable', () => {
    const retryable = (Object.keys(EXIT) as (keyof typeof EXIT)[]).filter(
      (code) => new DaypassError(code, 'x').retryable,
    )
    expect(retryable).toEqual(['network', 'lock', 'keychain', 'port'])
    expect(isDaypassError(new DaypassError('lock', 'x'), 'lock')).toBe(true)
    expect(isDaypassError(new DaypassError('lock', 'x'), 'vault')).toBe(false)
  })
})

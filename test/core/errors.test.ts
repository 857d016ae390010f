import { describe, expect, test } from 'vitest'
import { DaypassError, EXIT, type FormatCommand, getExitCode, isDaypassError } from '../../src/core/errors.ts'

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
    for (const thrown of [new Error('x'), undefined, 'x', { code: 'usage' }])
      expect(getExitCode(thrown)).toBe(1)
    expect(getExitCode(new DaypassError('refused', 'x'))).toBe(6)
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

test('an advice is data, and the hint is its command', () => {
  const advice = { verb: 'login', args: ['aws'], identity: 'work', flags: ['--region', 'eu-west-1'] }
  const error = new DaypassError('usage', 'x', { advice })
  expect([error.advice, error.hint]).toEqual([advice, 'daypass login aws work --region eu-west-1'])
  expect(error.hintWith(({ verb }) => `our ${verb}`)).toBe('our login')
})

test('a hint that names commands has the first one as its advice', () => {
  const error = new DaypassError('usage', 'x', {
    hint: (command) => `use ${command({ verb: 'env', identity: 'work' })} or ${command({ verb: 'exec' })}`,
  })
  expect(error.advice).toEqual({ verb: 'env', identity: 'work' })
  expect(error.hint).toBe('use daypass env work or daypass exec')
  expect(error.hintWith(({ verb }) => verb)).toBe('use env or exec')
  for (const details of [{}, { hint: 'mend it' }, { hint: () => 'mend it' }])
    expect(new DaypassError('usage', 'x', details).advice).toBeUndefined()
})

test('under another code it keeps its advice, and has the hint that is given where it had none', () => {
  const advice = { verb: 'list' }
  const hint = (command: FormatCommand) => `then: ${command({ verb: 'use' })}`
  const own = new DaypassError('usage', 'x', { advice }).as('vault', hint)
  expect([own.code, own.message, own.advice, own.hint]).toEqual(['vault', 'x', advice, 'daypass list'])
  const given = new DaypassError('usage', 'x').as('vault', hint)
  expect([given.advice, given.hint]).toEqual([{ verb: 'use' }, 'then: daypass use'])
})

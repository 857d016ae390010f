import { describe, expect, test } from 'vitest'
import { assertIdentityName, isIdentityName } from '../../src/core/names.ts'

describe('names', () => {
  test.each(['work', 'a', 'A1._@-', 'x'.repeat(64)])('%s is one', (name) => {
    expect(assertIdentityName(name)).toBe(name)
  })

  test.each([
    '',
    '__login-1',
    '-x',
    '.x',
    '@x',
    'x y',
    'x/y',
    '..',
    'x\n',
    'ä',
    'x'.repeat(65),
    '(environment)',
  ])('%j is none', (name) => {
    expect(isIdentityName(name)).toBe(false)
    expect(() => assertIdentityName(name)).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  test('one that is refused is shown without what a terminal would obey', () => {
    expect(() => assertIdentityName('x\u009b31m\u202e')).toThrow(/^"x 31m" cannot/)
  })
})

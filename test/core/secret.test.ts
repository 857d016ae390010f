import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { DaypassError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'

describe('a secret', () => {
  const TEXT = 'rt-0123456789-abcdef'
  const secret = new Secret(TEXT)

  test.each<[string, () => unknown]>([
    ['String()', () => String(secret)],
    ['a template', () => `${secret}`],
    ['joining', () => [secret, secret].join()],
    ['adding', () => `x${secret as unknown as string}`],
    ['JSON', () => JSON.stringify({ secret, deep: [{ secret }] })],
    ['inspect', () => inspect({ deep: { deeper: { deepest: [secret] } } }, { depth: 9, showHidden: true })],
    ['inspect without custom', () => inspect(secret, { customInspect: false, showHidden: true, depth: 9 })],
    ['an error that it caused', () => inspect(new Error('x', { cause: { secret } }), { depth: 9 })],
    ['an error of ours', () => inspect(new DaypassError('network', 'x', { cause: secret }), { depth: 9 })],
    ['its own keys', () => JSON.stringify(Object.entries(secret))],
    ['a clone', () => inspect(structuredClone({ secret }), { depth: 9 })],
  ])('never prints by %s', (_, print) => {
    expect(String(print())).not.toContain(TEXT)
  })

  test('gives its text to `reveal` alone, and compares without', () => {
    expect(secret.reveal()).toBe(TEXT)
    expect(secret.equals(new Secret(TEXT))).toBe(true)
    expect(secret.equals(TEXT)).toBe(true)
    expect(secret.equals(undefined)).toBe(false)
    expect(secret.equals(new Secret(''))).toBe(false)
  })

  test('is masked but for four characters, and altogether when it is short', () => {
    expect(secret.masked()).toBe('****cdef')
    expect(new Secret('x'.repeat(16)).masked()).toBe('****')
    expect(new Secret('').masked()).toBe('****')
  })
})

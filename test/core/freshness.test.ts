import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assertMinTtl, computeState, computeTimeLeft, isUsable } from '../../src/core/freshness.ts'
import type { Header } from '../../src/core/types.ts'

describe('freshness', () => {
  const lived = (life: number) => ({ issuedAt: 0, expiresAt: life })

  test('the margin is the stated one, and at most a third of the lifetime', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 0, max: 1e7 }), (life, margin) => {
        const end = life - Math.min(margin, life / 3)
        expect(isUsable(lived(life), Math.ceil(end), margin)).toBe(false)
        expect(isUsable(lived(life), Math.ceil(end) - 1, margin)).toBe(true)
      }),
    )
  })

  test('a newly issued credential is usable, however short it lives', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.nat(), (life, margin) => {
        expect(isUsable(lived(life), 0, margin)).toBe(true)
      }),
    )
  })

  test('min-ttl raises the margin and never lowers it', () => {
    expect(isUsable(lived(600_000), 0, 60_000, 599_999)).toBe(true)
    expect(isUsable(lived(600_000), 0, 60_000, 600_000)).toBe(false)
    expect(isUsable(lived(600_000), 550_000, 60_000, 1)).toBe(false)
  })

  test('a min-ttl that no renewal can meet is the caller’s mistake', () => {
    expect(() => assertMinTtl(lived(600_000), 600_000)).not.toThrow()
    expect(() => assertMinTtl(lived(600_000), 600_001)).toThrow(
      expect.objectContaining({ code: 'usage', hint: expect.stringContaining('exec --endpoint') }),
    )
    expect(() => assertMinTtl({}, Number.MAX_SAFE_INTEGER)).not.toThrow()
  })

  test('what has no end is always usable; the server’s clock decides about the rest', () => {
    expect(isUsable({}, 9e15, 60_000, 9e15)).toBe(true)
    expect(computeTimeLeft({ expiresAt: 1000, clockOffset: 400 }, 500)).toBe(100)
  })

  test('the states are four', () => {
    const header = { ...lived(600_000), renewable: true, key: { id: 'k', where: 'memory' } } as Header
    expect(computeState(header, 0, 60_000)).toBe('valid')
    expect(computeState(header, 599_999, 60_000)).toBe('stale')
    expect(computeState({ ...header, renewable: false }, 600_000, 60_000)).toBe('expired')
    expect(computeState({ ...header, sessionExpiresAt: 600_000 }, 600_000, 60_000)).toBe('expired')
    expect(computeState({ ...header, loginRequired: 'revoked' }, 0, 60_000)).toBe('login_required')
    const { key: _, ...loggedOut } = header
    expect(computeState(loggedOut as Header, 0, 60_000)).toBe('login_required')
  })
})

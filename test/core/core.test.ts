import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatDuration, isoTime, parseDuration } from '../../src/core/duration.ts'
import { DaypassError, EXIT, exitCode, type FormatCommand, isDaypassError } from '../../src/core/errors.ts'
import { checkMinTtl, isUsable, stateOf, timeLeft } from '../../src/core/freshness.ts'
import { checkIdentityName, isIdentityName } from '../../src/core/names.ts'
import { Secret } from '../../src/core/secret.ts'
import { shown } from '../../src/core/text.ts'
import type { Header } from '../../src/core/types.ts'
import { runs } from '../fuzz.ts'

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

  test('gives its text to whoever reveals it, and compares without', () => {
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
    expect(isoTime(1_800_000_000_123)).toBe('2027-01-15T08:00:00Z')
    for (const time of [1e300, -1e300, Number.POSITIVE_INFINITY]) expect(isoTime(time)).toMatch(/Z$/)
  })
})

describe('text of a stranger', () => {
  const HARMFUL = /[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cs}]/u

  test('is shown without control, bidirectional or invisible characters, and never longer than 200', () => {
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
        const out = shown(parts.join(''))
        expect(out).not.toMatch(HARMFUL)
        expect([...out].length).toBeLessThanOrEqual(200)
        expect(shown(out)).toBe(out)
      }),
      runs(500),
    )
  })

  test('is shown whatever a server sent in its place', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (value) => typeof shown(value) === 'string'),
      runs(500),
    )
    for (const odd of [{ toString: 1, valueOf: 1 }, [[{ toString: 1 }]]]) expect(shown(odd)).toBe('[object]')
  })

  test('is left as it is where it is harmless', () => {
    for (const text of ['', 'Käse, 学, 🎫', 'a\tb']) expect(shown(text)).toBe(text.replace('\t', ' '))
    expect(shown('x'.repeat(201))).toBe(`${'x'.repeat(199)}…`)
    for (const odd of [undefined, null, 5, {}, []]) expect(typeof shown(odd)).toBe('string')
  })
})

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
    expect(() => checkMinTtl(lived(600_000), 600_000)).not.toThrow()
    expect(() => checkMinTtl(lived(600_000), 600_001)).toThrow(
      expect.objectContaining({ code: 'usage', hint: expect.stringContaining('exec --endpoint') }),
    )
    expect(() => checkMinTtl({}, Number.MAX_SAFE_INTEGER)).not.toThrow()
  })

  test('what has no end is always usable; the server’s clock decides about the rest', () => {
    expect(isUsable({}, 9e15, 60_000, 9e15)).toBe(true)
    expect(timeLeft({ expiresAt: 1000, clockOffset: 400 }, 500)).toBe(100)
  })

  test('the states are four', () => {
    const header = { ...lived(600_000), renewable: true, key: { id: 'k', where: 'memory' } } as Header
    expect(stateOf(header, 0, 60_000)).toBe('valid')
    expect(stateOf(header, 599_999, 60_000)).toBe('stale')
    expect(stateOf({ ...header, renewable: false }, 600_000, 60_000)).toBe('expired')
    expect(stateOf({ ...header, sessionExpiresAt: 600_000 }, 600_000, 60_000)).toBe('expired')
    expect(stateOf({ ...header, loginRequired: 'revoked' }, 0, 60_000)).toBe('login_required')
    const { key: _, ...loggedOut } = header
    expect(stateOf(loggedOut as Header, 0, 60_000)).toBe('login_required')
  })
})

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
})

describe('names', () => {
  test.each(['work', 'a', 'A1._@-', 'x'.repeat(64)])('%s is one', (name) => {
    expect(checkIdentityName(name)).toBe(name)
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
    expect(() => checkIdentityName(name)).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  test('one that is refused is shown without what a terminal would obey', () => {
    expect(() => checkIdentityName('x\u009b31m\u202e')).toThrow(/^"x 31m" cannot/)
  })
})

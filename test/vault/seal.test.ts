import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DaypassError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Header } from '../../src/core/types.ts'
import { decodeName, encodeName } from '../../src/vault/file-name.ts'
import { decodeHeader } from '../../src/vault/header.ts'
import { computeSealedLength, encodeRecord, openBody, sealRecord } from '../../src/vault/seal.ts'
import { runs } from '../fuzz.ts'
import { entryOf, headerOf } from './records.ts'
import { failure } from './support.ts'

const KEY = randomBytes(32)
const LOCATION = { id: 'abc', where: 'file' } as const
const sealed = (name: string, body: unknown, more: Partial<Header> = {}) =>
  sealRecord({ ...headerOf(name, more), key: LOCATION }, body, KEY)

/** Secrets do not compare by themselves (and must not print), so their text stands for them. */
function plain(value: unknown): unknown {
  if (value instanceof Secret) return ['secret', value.reveal()]
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value).map(([key, part]) => [key, plain(part)])
}

const hostileText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('$secret', '\n', '\u0000', '\ud800', '"}\n', '__proto__', '{"$secret":"x"}'),
)
const { body } = fc.letrec((tie) => ({
  body: fc.oneof(
    { maxDepth: 3 },
    hostileText,
    hostileText.map((text) => new Secret(text)),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('body'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(hostileText, fc.constantFrom('$secret', '$$secret', 'toJSON')), tie('body'), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  ),
}))

test('whatever is sealed comes back, secrets as secrets and look-alikes as what they are', () => {
  fc.assert(
    fc.property(body, (value) => {
      const text = sealed('work', value)
      expect(plain(openBody(text, 'work', KEY))).toEqual(plain(value))
    }),
    runs(300),
  )
})

test('the header survives any text in it, and the record is as long as was foretold', () => {
  fc.assert(
    fc.property(hostileText, hostileText, (account, issuer) => {
      const more = { account: { account }, params: { issuer } }
      const text = sealed('work', { account }, more)
      expect(text.split('\n')).toHaveLength(3)
      expect(decodeHeader(text, 'work')).toMatchObject(JSON.parse(JSON.stringify(more)))
      const foretold = computeSealedLength({ ...headerOf('work', more), key: LOCATION }, { account })
      expect(Buffer.byteLength(text)).toBe(foretold)
    }),
  )
})

test('no secret is in the text of a sealed record', () => {
  const text = sealed('work', entryOf('work').grant)
  expect(text).not.toContain('-token-of-the-test')
  expect(Buffer.from(text.split('\n')[1]!, 'base64').toString('latin1')).not.toContain('token')
})

test('any changed byte of header or body is refused', () => {
  const bytes = Buffer.from(sealed('work', entryOf('work').grant))
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [0x01, 0x20, 0x80]) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= flip
      expectRefused(() => openBody(changed.toString('utf8'), 'work', KEY))
    }
  }
})

test('one spelling of the body only: what base64 skips or ignores is refused too', () => {
  for (const length of [1, 2, 3]) {
    const [line, body = ''] = sealed('work', 'x'.repeat(length)).split('\n')
    const idle = body.replace(
      /[A-Za-z](=+)$/,
      (_, pad) => `${body.at(-pad.length - 1) === 'B' ? 'C' : 'B'}${pad}`,
    )
    for (const other of [`${body}*`, ` ${body}`, `${body}==`, body.replace(/=/g, ''), idle]) {
      if (other !== body) expectRefused(() => openBody(`${line}\n${other}\n`, 'work', KEY))
    }
  }
})

test('a record that was cut short is refused at every length, and nothing else is thrown', () => {
  const whole = sealed('work', entryOf('work').grant)
  for (let length = 0; length < whole.length; length++) {
    expectRefused(() => openBody(whole.slice(0, length), 'work', KEY))
  }
  const clear = encodeRecord(headerOf('work'))
  for (let length = 0; length < clear.length; length++) {
    expectRefused(() => decodeHeader(clear.slice(0, length), 'work'))
  }
})

test('whatever is done to its text, a record opens as it was sealed or not at all', () => {
  const one = sealed('work', entryOf('work').grant)
  const records = [
    one,
    sealed('work', entryOf('work', 'an-older-token').grant, { createdAt: 1 }),
    sealRecord({ ...headerOf('work'), key: LOCATION }, 'of another key', randomBytes(32)),
    encodeRecord(headerOf('work')),
  ]
  const edit = fc.record({
    at: fc.nat(one.length),
    cut: fc.oneof(fc.nat(5), fc.nat(one.length)),
    put: fc.oneof(fc.constant(''), hostileText),
  })
  const edited = fc
    .array(edit, { minLength: 1, maxLength: 4 })
    .map((edits) =>
      edits.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), one),
    )
  // The lines of all of them, in any order and number.
  const line = fc.constantFrom(...records.flatMap((text) => text.split('\n')))
  const shuffled = fc.array(line, { maxLength: 4 }).map((lines) => `${lines.join('\n')}\n`)
  const bytes = fc.uint8Array({ maxLength: 600 }).map((some) => Buffer.from(some).toString('utf8'))
  fc.assert(
    fc.property(fc.oneof(edited, shuffled, bytes), (text) => {
      if (records.includes(text)) return
      try {
        // What is left may be a clear header, which seals nothing.
        expect(openBody(text, 'work', KEY)).toBeUndefined()
      } catch (error) {
        expect(error).toMatchObject({ name: 'DaypassError', code: 'vault' })
      }
    }),
    runs(2_000),
  )
})

test('anything at all in place of a record is refused, and never crashes', () => {
  fc.assert(
    fc.property(fc.oneof(hostileText, fc.json()), (text) => {
      expectRefused(() => decodeHeader(text, 'work'))
      expectRefused(() => decodeHeader(`${text}\n`, 'work'))
      expectRefused(() => openBody(`${text}\n${text}\n`, 'work', KEY))
    }),
    runs(300),
  )
})

function expectRefused(deed: () => unknown): void {
  let thrown: unknown
  try {
    deed()
  } catch (error) {
    thrown = error
  }
  if (!(thrown instanceof DaypassError)) expect.fail(`not refused as ours: ${String(thrown)}`)
  expect(thrown.code).toBe('vault')
}

test('a record swapped with another identity’s is refused by its header and by its seal', async () => {
  const theirs = sealed('theirs', entryOf('theirs').grant)
  const error = await failure(() => decodeHeader(theirs, 'mine'), 'vault')
  expect(error.message).toContain('belongs to another identity')
  await failure(() => openBody(theirs, 'mine', KEY), 'vault')
  const renamed = theirs.replace('"name":"theirs"', '"name":"mine"')
  await failure(() => openBody(renamed, 'mine', KEY), 'vault')
  const [, body] = theirs.split('\n')
  const [line] = sealed('mine', entryOf('mine').grant).split('\n')
  await failure(() => openBody(`${line}\n${body}\n`, 'mine', KEY), 'vault')
})

test('another key does not open it, and the error names the way out', async () => {
  const text = sealed('work', entryOf('work').grant)
  const error = await failure(() => openBody(text, 'work', randomBytes(32)), 'vault')
  expect(error.hint).toContain('daypass login work')
})

test('a header that names its key outside the vault’s folder is refused', async () => {
  const text = encodeRecord({ ...headerOf('work'), key: { id: '../../etc/passwd', where: 'file' } })
  await failure(() => decodeHeader(text, 'work'), 'vault')
})

test('a record of a newer version says so', async () => {
  const text = encodeRecord({ ...headerOf('work'), v: 2 as 1 })
  expect((await failure(() => decodeHeader(text, 'work'), 'vault')).message).toContain('newer daypass')
})

test('a time that is no number does not cost the record', () => {
  const text = encodeRecord({ ...headerOf('work'), expiresAt: Number.NaN } as Header)
  expect(decodeHeader(text, 'work').expiresAt).toBeUndefined()
})

const anyName = fc.stringMatching(/^(__)?[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/)

test('file names lead back to their names, and no two meet on a disk that ignores case', () => {
  fc.assert(
    fc.property(anyName, anyName, (one, other) => {
      expect(decodeName(encodeName(one))).toBe(one)
      const meet = encodeName(one).toLowerCase() === encodeName(other).toLowerCase()
      expect(meet).toBe(one === other)
      expect(encodeName(one)).toBe(encodeName(one).toLowerCase())
    }),
    runs(1000),
  )
  expect(encodeName('Work')).not.toBe(encodeName('work'))
  expect(encodeName('con')).not.toBe('con')
})

test('what is no name of ours has no file', async () => {
  for (const name of ['', '.', '..', '../x', 'a/b', '.tmp-1-2', 'a b', '+a', 'é', 'x'.repeat(200)]) {
    await failure(() => encodeName(name), 'vault')
  }
  for (const file of ['+', '+A', '+1', 'A', '+_work', '..', 'x.grant/y'])
    expect(decodeName(file)).toBeUndefined()
})

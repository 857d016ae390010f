import { hkdfSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DaypassError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import type { BearerCredential, Header } from '../../src/core/types.ts'
import { decodeName, encodeName } from '../../src/vault/file-name.ts'
import { splitGrant } from '../../src/vault/grant-parts.ts'
import { decodeHeader } from '../../src/vault/header.ts'
import {
  computeSealedLength,
  deriveKeys,
  encodeRecord,
  openBody,
  openUse,
  sealRecord,
} from '../../src/vault/seal.ts'
import { runs } from '../fuzz.ts'
import { entryOf, headerOf } from './records.ts'
import { failure } from './support.ts'

const KEY = deriveKeys(randomBytes(32))
const OTHER_KEY = deriveKeys(randomBytes(32))
const USE_ONLY = { use: KEY.use }
const LOCATION = { id: 'abc', where: 'file' } as const
const seal = (name: string, use: unknown, renew: unknown, more: Partial<Header> = {}) =>
  sealRecord({ ...headerOf(name, more), key: LOCATION }, { use: { use }, renew: { renew } }, KEY)
const sealed = (name: string, more: Partial<Header> = {}, token?: string) =>
  sealRecord({ ...headerOf(name, more), key: LOCATION }, splitGrant(entryOf(name, token).grant!), KEY)

/** As it was written before records had two parts; its key is 32 times 7. */
const VERSION_1 = [
  '{"v":1,"name":"work","kind":"oidc/user","provider":"oidc","params":{"issuer":"https://id.example.com"},"method":"browser","renewable":true,"createdAt":1700000000000,"key":{"id":"abc","where":"file"}}',
  '/g1zyLWfmEVfjmKJox8rFV4dvf4wf/LTkGb+mEjeTPRcyxtpLUf7t3BfOjwwnd/0bOke96VuAwAwzJhjzdHXF0XZb+vrjtex4q3IJJERFIwY4J/oGZGVl32+w73rcv7G0kivnMDopK778MLBvKxlaa74SfxHzInRuIT19iMt+nt8QcypYofrdP4+ZzdB36F40XtfSkDRk2TVZ2jBXyQLK1ULpjpXgaknnZR/5Umq3q38EznkjLBeveEK5JM1x6AKQZq4UZwQGsqflf1BshzVyycLgSYp4CAhH2pHSEp6iuCA2M1wwEaEAc6N',
  '',
].join('\n')

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
    fc.property(body, body, (use, renew) => {
      const text = seal('work', use, renew)
      expect(plain(openBody(text, 'work', KEY))).toEqual(plain({ use, renew }))
      expect(plain(openUse(text, 'work', USE_ONLY))).toEqual(plain({ use }))
    }),
    runs(300),
  )
})

test('the header survives any text in it, and the record is as long as was foretold', () => {
  fc.assert(
    fc.property(hostileText, hostileText, (account, issuer) => {
      const more = { account: { account }, params: { issuer } }
      const text = seal('work', account, issuer, more)
      expect(text.split('\n')).toHaveLength(4)
      expect(decodeHeader(text, 'work')).toMatchObject(JSON.parse(JSON.stringify(more)))
      const parts = { use: { use: account }, renew: { renew: issuer } }
      const foretold = computeSealedLength({ ...headerOf('work', more), key: LOCATION }, parts)
      expect(Buffer.byteLength(text)).toBe(foretold)
    }),
  )
})

test('no secret is in the text of a sealed record', () => {
  const text = sealed('work')
  expect(text).not.toContain('-token-of-the-test')
  for (const part of text.split('\n').slice(1))
    expect(Buffer.from(part, 'base64').toString('latin1')).not.toContain('token')
})

/** A record is whole or refused, whichever key looks at it. */
function expectClosed(text: string, name = 'work'): void {
  expectRefused(() => openBody(text, name, KEY))
  expectRefused(() => openUse(text, name, USE_ONLY))
}

test('any changed byte of header or parts is refused', () => {
  const bytes = Buffer.from(sealed('work'))
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [0x01, 0x20, 0x80]) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= flip
      expectClosed(changed.toString('utf8'))
    }
  }
})

test('one spelling of the body only: what base64 skips or ignores is refused too', () => {
  for (const length of [1, 2, 3]) {
    const [line, body = '', renew] = seal('work', 'x'.repeat(length), '').split('\n')
    const idle = body.replace(
      /[A-Za-z](=+)$/,
      (_, pad) => `${body.at(-pad.length - 1) === 'B' ? 'C' : 'B'}${pad}`,
    )
    for (const other of [`${body}*`, ` ${body}`, `${body}==`, body.replace(/=/g, ''), idle]) {
      if (other !== body) expectClosed(`${line}\n${other}\n${renew}\n`)
    }
  }
})

test('a record that was cut short is refused at every length, and nothing else is thrown', () => {
  const whole = sealed('work')
  for (let length = 0; length < whole.length; length++) expectClosed(whole.slice(0, length))
  const clear = encodeRecord(headerOf('work'))
  for (let length = 0; length < clear.length; length++) {
    expectRefused(() => decodeHeader(clear.slice(0, length), 'work'))
  }
})

test('whatever is done to its text, a record opens as it was sealed or not at all', () => {
  const one = sealed('work')
  const records = [
    one,
    // The same header, and other parts.
    sealed('work', {}, 'a-newer-token'),
    sealed('work', { createdAt: 1 }, 'an-older-token'),
    VERSION_1,
    sealRecord({ ...headerOf('work'), key: LOCATION }, { use: {}, renew: {} }, OTHER_KEY),
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
  const shuffled = fc.array(line, { maxLength: 5 }).map((lines) => `${lines.join('\n')}\n`)
  const bytes = fc.uint8Array({ maxLength: 600 }).map((some) => Buffer.from(some).toString('utf8'))
  fc.assert(
    fc.property(fc.oneof(edited, shuffled, bytes), (text) => {
      if (records.includes(text)) return
      for (const open of [() => openBody(text, 'work', KEY), () => openUse(text, 'work', USE_ONLY)]) {
        try {
          // What is left may be a clear header, which seals nothing.
          expect(open()).toBeUndefined()
        } catch (error) {
          expect(error).toMatchObject({ name: 'DaypassError', code: 'vault' })
        }
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
      expectClosed(`${text}\n${text}\n`)
      expectClosed(`${text}\n${text}\n${text}\n`)
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
  const theirs = sealed('theirs')
  const error = await failure(() => decodeHeader(theirs, 'mine'), 'vault')
  expect(error.message).toContain('belongs to another identity')
  expectClosed(theirs, 'mine')
  expectClosed(theirs.replace('"name":"theirs"', '"name":"mine"'), 'mine')
  const [, use, renew] = theirs.split('\n')
  const [line, ownUse, ownRenew] = sealed('mine').split('\n')
  for (const parts of [
    [use, renew],
    [use, ownRenew],
    [ownUse, renew],
    [ownRenew, ownUse],
    [ownUse, ownUse],
    [ownRenew, ownRenew],
    [ownUse],
    [ownRenew],
  ])
    expectClosed(`${[line, ...parts].join('\n')}\n`, 'mine')
})

test('of two records with one header, a part of the one does not open beside a part of the other', () => {
  const [line, use, renew] = sealed('work').split('\n')
  const [same, newUse, newRenew] = sealed('work', {}, 'a-newer-token').split('\n')
  expect(same).toBe(line)
  expectClosed(`${line}\n${newUse}\n${renew}\n`)
  expectClosed(`${line}\n${use}\n${newRenew}\n`)
})

test('the use key is HKDF-SHA256 of the renew key, and opens what is used and nothing else', async () => {
  expect(KEY.use).toEqual(Buffer.from(hkdfSync('sha256', KEY.renew, '', 'daypass record use key', 32)))
  const text = sealed('work')
  expect(plain(openUse(text, 'work', USE_ONLY))).toEqual(plain(splitGrant(entryOf('work').grant!).use))
  const error = await failure(() => openBody(text, 'work', USE_ONLY), 'vault')
  expect(error.message).toBe('the key that renews `work` is not on this machine')
  expect(error.hint).not.toContain('login')
  expectRefused(() => openBody(text, 'work', { use: KEY.use, renew: KEY.use }))
})

test('what renews is sealed apart from what is used', () => {
  const keys = {
    kind: 'keys',
    cloud: 'aws',
    accessKeyId: 'A',
    secretAccessKey: new Secret('s'),
    issuedAt: 1,
  } as const
  const bearer = entryOf('work').grant!.credential as BearerCredential
  const proofKey = new Secret('{}')
  const rest = { refreshToken: new Secret('r'), longTerm: keys, source: bearer }
  expect(splitGrant({ ...rest, credential: bearer, proofKey })).toEqual({
    use: { credential: bearer, proofKey },
    renew: rest,
  })
  expect(splitGrant({ ...rest, credential: keys, proofKey })).toEqual({
    use: { credential: keys },
    renew: { ...rest, proofKey },
  })
})

test('a record of before is read with the key that renews, and takes no part of a newer one', async () => {
  const keys = deriveKeys(Buffer.alloc(32, 7))
  for (const open of [openBody, openUse])
    expect(plain(open(VERSION_1, 'work', keys))).toEqual(plain(entryOf('work').grant))
  await failure(() => openUse(VERSION_1, 'work', { use: keys.use }), 'vault')
  const { header, grant } = { header: headerOf('work'), grant: entryOf('work').grant! }
  const newer = sealRecord({ ...header, key: LOCATION }, splitGrant(grant), keys).split('\n')
  const [line, body] = VERSION_1.split('\n')
  for (const lines of [
    [line, newer[1]],
    [line, newer[2]],
    [line, body, newer[2]],
    [newer[0], body],
    [newer[0], newer[1], body],
    [newer[0], body, newer[2]],
  ])
    expectRefused(() => openUse(`${lines.join('\n')}\n`, 'work', keys))
})

test('another key does not open it, and the error names the way out', async () => {
  const text = sealed('work')
  for (const open of [openBody, openUse]) {
    const error = await failure(() => open(text, 'work', OTHER_KEY), 'vault')
    expect(error.hint).toContain('daypass login work')
  }
})

test('a header that names its key outside the vault’s folder is refused', async () => {
  const text = encodeRecord({ ...headerOf('work'), key: { id: '../../etc/passwd', where: 'file' } })
  await failure(() => decodeHeader(text, 'work'), 'vault')
})

test('a record of a newer version says so', async () => {
  const text = encodeRecord(headerOf('work')).replace('"v":2', '"v":3')
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

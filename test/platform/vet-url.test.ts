import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLoopbackHost } from '../../src/core/loopback.ts'
import { vetUrl } from '../../src/platform/vet-url.ts'
import { runs } from '../fuzz.ts'

test.each([
  'https://id.example/authorize?client_id=a&scope=openid%20email&state=x',
  'https://id.example:8443/a#b',
  'http://127.0.0.1:8080/authorize?x=1',
  'http://localhost:3000/',
  'http://[::1]:3000/',
  'https://us-east-1.signin.aws.amazon.com/v1/authorize?code_challenge_method=SHA-256&a=~!*()',
])('%s is opened as it is', (url) => {
  expect(vetUrl(url)).toBe(url)
})

test.each([
  ['plain http', 'http://id.example/authorize'],
  ['a host that only begins like loopback', 'http://127.0.0.1.evil.example/'],
  ['a host that only ends like loopback', 'http://evil-localhost/'],
  ['a file', 'file:///etc/passwd'],
  ['a script', 'javascript:alert(1)'],
  ['data', 'data:text/html,x'],
  ['another program', 'ms-settings:'],
  ['a user', 'https://ann@id.example/'],
  ['a password', 'https://ann:pw@id.example/'],
  ['CVE-2025-6514', 'https://id.example/$(calc.exe)'],
  ['a sub-expression in the query', 'https://id.example/?a=$(calc.exe)'],
  ['a backtick', 'https://id.example/?a=`id`'],
  ['a quote', `https://id.example/?a='b`],
  ['a double quote', 'https://id.example/?a="b'],
  ['a typographic quote, which PowerShell takes for one', 'https://id.example/?a=’b'],
  ['a newline', 'https://id.example/\n--flag'],
  ['a tab, which URL would drop', 'ht\ttps://id.example/'],
  ['a space', 'https://id.example/ -flag'],
  ['NUL', 'https://id.example/\0'],
  ['a backslash', 'https://id.example\\@evil.example/'],
  ['a flag', '--remote-debugging-port=1'],
  ['a wide quote, which becomes a plain one in a host', 'https://a\uff07b.example/'],
  ['a wide $(, likewise', 'https://a\uff04\uff08b.example/'],
  ['a wide backtick, likewise', 'https://a\uff40b.example/'],
  ['nothing', ''],
])('%s is not opened', (_, url) => {
  expect(vetUrl(url)).toBeUndefined()
})

test('an address that passes is one harmless word: https or loopback, without a user, and a shell expands nothing in it', () => {
  const piece = fc.constantFrom(
    "'",
    '"',
    '`',
    '$(',
    '\n',
    ' ',
    '&',
    '|',
    ';',
    '%',
    '^',
    '\\',
    '@',
    'a',
    'é',
    '’',
    '../',
  )
  const hostile = fc.array(piece).map((pieces) => pieces.join(''))
  const url = fc.oneof(
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc
      .tuple(fc.constantFrom('https://', 'http://', 'http://127.0.0.1/', 'file:', ''), hostile)
      .map((parts) => parts.join('')),
    fc.tuple(fc.webUrl(), hostile).map((parts) => parts.join('?')),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(url, (text) => {
      const href = vetUrl(text)
      if (href === undefined) return
      const parsed = new URL(href)
      expect(href).toMatch(/^[!#-&(-;=?-[\]^_a-~]+$/)
      expect(href).not.toContain('$(')
      expect(href).toMatch(/^https?:\/\//)
      expect(parsed.username + parsed.password).toBe('')
      expect(parsed.protocol === 'https:' || isLoopbackHost(parsed.hostname)).toBe(true)
      expect(vetUrl(href)).toBe(href)
    }),
    runs(3_000),
  )
})

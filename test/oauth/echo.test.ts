import { expect, test } from 'vitest'
import { redactSecrets } from '../../src/oauth/echo.ts'

const SECRET = 'rt-Zm9v/+~secret_0123456789'
const base64 = (text: string) => Buffer.from(text).toString('base64')

test.each([
  ['as it is', SECRET],
  ['with something invisible in it', SECRET.split('').join('\u200b')],
  ['in lines', SECRET.split('').join('\n')],
  ['as base64', base64(SECRET)],
  ['as base64, after one', base64(`a${SECRET}z`)],
  ['as base64, after two', base64(`ab${SECRET}zz`)],
  ['as base64url', Buffer.from(SECRET).toString('base64url')],
  ['as base64, wrapped', base64(SECRET).replace(/.{5}/g, '$&\r\n')],
  ['percent-encoded', encodeURIComponent(SECRET)],
  ['percent-encoded throughout', [...SECRET].map((one) => `%${one.charCodeAt(0).toString(16)}`).join('')],
  ['percent-encoded twice', encodeURIComponent(encodeURIComponent(SECRET))],
  ['base64, percent-encoded', encodeURIComponent(base64(SECRET))],
])('a secret that is repeated %s is taken out', (_, echo) => {
  const shown = redactSecrets(`token ${echo} expired`, ['other', SECRET])
  expect(shown).toContain('[secret]')
  expect(shown).not.toContain(echo)
})

test('words that hold none stay', () => {
  for (const text of ['the token expired', 'error 100%', 'Käse 50%25', ''])
    expect(redactSecrets(text, [SECRET, 'ab'])).toBe(text)
})

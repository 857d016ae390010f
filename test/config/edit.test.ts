import { describe, expect, test } from 'vitest'
import { addProvider, removeProvider } from '../../src/config/edit.ts'
import { parseConfig } from '../../src/config/parse.ts'

const DEFINITION = {
  issuer: 'https://id.example.com',
  client_id: 'cli',
  scopes: ['openid', 'offline_access'],
}
const COMMENTED = `# mine
auth:
  # people
  identities:
    work: # the one for work
      kind: aws/user
      credentials:
        access_key_id: !env KEY # from the vault
        secret_access_key: !env SECRET

  # services
  providers:
    old: { issuer: https://old.example.com } # goes soon
default: work # always
`

describe('add', () => {
  test('to nothing', () => {
    expect(addProvider('', 'own', DEFINITION)).toBe(
      'auth:\n  providers:\n    own:\n      issuer: https://id.example.com\n      client_id: cli\n      scopes:\n        - openid\n        - offline_access\n',
    )
  })

  test('keeps every comment, the order, and the tags', () => {
    const after = addProvider(COMMENTED, 'own', { issuer: 'https://id.example.com' })
    expect(after).toBe(
      COMMENTED.replace('# goes soon\n', '# goes soon\n    own:\n      issuer: https://id.example.com\n'),
    )
    expect(removeProvider(after, 'own')).toBe(COMMENTED)
  })

  test.each([
    '# nothing yet\n',
    'auth:\n',
    'auth:\n  providers:\n',
    'auth: {}\n',
    'auth:\n  providers:\n    # none yet\ndefault: work\n',
  ])('to %j', (text) => {
    const after = addProvider(text, 'own', DEFINITION)
    expect(parseConfig(after, 'config.yaml').auth?.providers?.own).toEqual(DEFINITION)
    for (const comment of text.match(/#.*/g) ?? []) expect(after).toContain(comment)
  })

  test('follows the indentation and the line ends of the file', () => {
    const text = 'auth:\r\n    identities:\r\n        work:\r\n            kind: aws/user\r\n'
    expect(addProvider(text, 'own', { issuer: 'https://a.b' })).toBe(
      `${text}    providers:\r\n        own:\r\n            issuer: https://a.b\r\n`,
    )
  })

  test('is refused for what is there, built in, or not right', () => {
    const refused = expect.objectContaining({ code: 'configuration', hint: expect.any(String) })
    expect(() => addProvider(COMMENTED, 'old', DEFINITION)).toThrow(refused)
    expect(() => addProvider('', 'github', DEFINITION)).toThrow(refused)
    expect(() => addProvider('', 'own', { issuer: 'http://a.b' })).toThrow(refused)
    expect(() => addProvider('', 'a b', DEFINITION)).toThrow(refused)
    expect(() => addProvider('regoin: x\n', 'own', DEFINITION)).toThrow(refused)
  })
})

describe('byte for byte', () => {
  const untidy = `auth:   # odd spaces
  providers:

    a:
        issuer:   https://a.b      # aligned
        scopes: [ x,
          y ]
    # before b
    b: {issuer: 'https://b.c'}   # after b

  # about people
  identities: {}
`
  test('adding and removing leaves what was there', () => {
    const after = addProvider(untidy, 'own', { issuer: 'https://id.example.com' })
    expect(after).toBe(
      untidy.replace('# after b\n', '# after b\n    own:\n      issuer: https://id.example.com\n'),
    )
    expect(removeProvider(after, 'own')).toBe(untidy)
  })

  test('removing takes its own lines only', () => {
    expect(removeProvider(untidy, 'a')).toBe(untidy.replace(/ {4}a:[\s\S]*y \]\n/, ''))
    expect(removeProvider(untidy, 'b')).toBe(untidy.replace(/ {4}b: .*\n/, ''))
  })

  test('comments after the last provider stay after it, or where they are', () => {
    const nested = 'auth:\n  providers:\n    a:\n      issuer: https://a.b\n'
    const after = '\n  # of auth\n\n# the end\n'
    const own = '    own:\n      issuer: https://a.b\n'
    expect(addProvider(nested + after, 'own', { issuer: 'https://a.b' })).toBe(nested + own + after)
    expect(removeProvider(nested + own + after, 'own')).toBe(nested + after)
  })

  test('a file whose last line has no end', () => {
    expect(addProvider('default: a', 'own', { issuer: 'https://a.b' })).toBe(
      'default: a\nauth:\n  providers:\n    own:\n      issuer: https://a.b\n',
    )
  })

  test('a file that is one flow', () => {
    const text = 'auth: {providers: {a: {issuer: "https://a.b"}, b: {issuer: "https://b.c"}}} # all\n'
    const after = addProvider(text, 'own', { issuer: 'https://c.d' })
    expect(Object.keys(parseConfig(after, 'config.yaml').auth!.providers!)).toEqual(['a', 'b', 'own'])
    expect(after).toContain('# all')
    expect(removeProvider(text, 'a')).not.toContain('https://a.b')
  })
})

describe('remove', () => {
  test('what is not there', () => {
    expect(removeProvider(COMMENTED, 'own')).toBeUndefined()
    expect(removeProvider('', 'own')).toBeUndefined()
  })

  test('takes the blocks that become empty along', () => {
    expect(removeProvider(addProvider('', 'own', DEFINITION), 'own')).toBe('')
    expect(removeProvider(addProvider('default: work\n', 'own', DEFINITION), 'own')).toBe('default: work\n')
  })
})

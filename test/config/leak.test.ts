import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkConfig, parseConfig } from '../../src/config/parse.ts'
import { DaypassError } from '../../src/core/errors.ts'

const FILE = 'config.yaml'
const messages = (text: string) => checkConfig(text, FILE).problems.map((problem) => problem.message)
const identity = (lines: string) =>
  `auth:\n  identities:\n    work:\n      kind: aws/user\n${lines.replace(/^/gm, '      ')}\n`

describe('no value is ever repeated', () => {
  const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
  const wrong = [
    identity(`region: [${SECRET}]`),
    identity(`region: {${SECRET}: x}`),
    identity(`${SECRET}: x`),
    identity(`credentials: {${SECRET}}`),
    identity(`credentials: ${SECRET}`),
    identity(`kube_token: ${SECRET}`),
    identity(`provider: "${SECRET}"`),
    identity(`via: {identity: ${SECRET}}`),
    identity(`api_url: https://x:${SECRET}@a.b`),
    identity(`api_url: ${SECRET}`),
    identity(`principal: {tags: {${SECRET}: [${SECRET}]}}`),
    identity(`region: !${SECRET} x`),
    identity(`region: !env ${SECRET}`),
    identity(`region: *${SECRET}`),
    identity(`region: "${SECRET}`),
    identity(`session: {duration: ${SECRET}}`),
    `auth: {identities: {${SECRET}: {kind: ${SECRET}}}}`,
    `auth: {providers: {${SECRET}: {redirect: {ports: [${SECRET}]}}}}`,
    `default: ${SECRET}\n`,
    `${SECRET}\n`,
  ]
  test.each(wrong)('%#', (text) => {
    const { problems } = checkConfig(text, FILE)
    expect(problems.length).toBeGreaterThan(0)
    expect(JSON.stringify(problems)).not.toContain('wJalr')
  })

  const MARKER = 'Zq9/marker+Zq9'
  const keys =
    'auth identities providers keyring default work own kind credentials region access_key_id via identity principal tags session duration redirect ports hosts endpoints token scopes issuer type <<'
  const part = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...keys.split(' ')) },
    {
      weight: 6,
      arbitrary: fc.constantFrom(
        ': ',
        ':\n  ',
        ':\n    ',
        ':\n      ',
        '\n',
        '\n  - ',
        ' ',
        '{',
        '}',
        '[',
        ']',
        ', ',
      ),
    },
    { weight: 3, arbitrary: fc.constant(MARKER) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        '!env ',
        '!',
        '&a ',
        '*a',
        '*',
        '"',
        "'",
        '|\n',
        '#',
        '%',
        '\t',
        '---\n',
        '@',
      ),
    },
    { weight: 1, arbitrary: fc.string({ maxLength: 6, unit: 'binary' }) },
  )
  const yamlish = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(''))
  /** Right on the outside, so that the schema is reached. */
  const nested = yamlish.map(
    (text) => `auth: {identities: {work: {kind: aws/user, region: ${MARKER}, ${text}}}}`,
  )

  test('nor is anything but a configuration error thrown', () => {
    fc.assert(
      fc.property(fc.oneof(yamlish, nested), (text) => {
        try {
          parseConfig(text, FILE)
        } catch (error) {
          expect(error).toBeInstanceOf(DaypassError)
          expect((error as DaypassError).code).toBe('configuration')
        }
        expect(JSON.stringify(checkConfig(text, FILE).problems)).not.toContain('marker')
      }),
      { numRuns: 3000 },
    )
  })

  test('nor by nesting and aliases without end', () => {
    expect(messages('['.repeat(20_000)).length).toBeGreaterThan(0)
    const bomb = `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join('\n')}`
    expect(messages(bomb)).toEqual(['config.yaml:1:1: not YAML that can be read (nesting or aliases)'])
  })
})

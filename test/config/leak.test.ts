import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileConfig } from '../../src/config/compiled.ts'
import { checkConfig, parseConfig } from '../../src/config/parse.ts'
import { DaypassError, getExitCode } from '../../src/core/errors.ts'
import { runs } from '../fuzz.ts'
import { documents, MARKER, SECRET_MARKER } from './documents.ts'

const FILE = 'config.yaml'
const messages = (text: string) => checkConfig(text, FILE).problems.map((problem) => problem.message)
const identity = (lines: string) =>
  `auth:\n  identities:\n    work:\n      kind: aws/user\n${lines.replace(/^/gm, '      ')}\n`

function failureOf(deed: () => unknown): DaypassError {
  try {
    deed()
  } catch (error) {
    if (error instanceof DaypassError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

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

  test('nor is anything but a configuration error thrown, which names a place of the file', () => {
    let right = 0
    const property = fc.property(fc.oneof(yamlish, nested, documents), (text) => {
      const { config, problems } = checkConfig(text, FILE)
      if (config) {
        right += 1
        expect(JSON.stringify(compileConfig(config))).not.toContain(SECRET_MARKER)
        return
      }
      const thrown = failureOf(() => parseConfig(text, FILE))
      expect(thrown).toMatchObject({ code: 'configuration', message: problems[0]!.message })
      expect(getExitCode(thrown)).toBe(2)
      expect(JSON.stringify([problems, thrown.hint])).not.toContain('marker')
      const lines = text.split('\n')
      for (const { line, column, message } of problems) {
        expect(message.startsWith(`config.yaml:${line}:${column}: `)).toBe(true)
        expect(column).toBeGreaterThan(0)
        expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1)
      }
    })
    fc.assert(property, runs(1500))
    expect(right).toBeGreaterThan(0)
  })

  test('nor by nesting and aliases without end', () => {
    expect(messages('['.repeat(20_000)).length).toBeGreaterThan(0)
    const bomb = `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join('\n')}`
    expect(messages(bomb)).toEqual(['config.yaml:1:1: not YAML that can be read (nesting or aliases)'])
  })
})

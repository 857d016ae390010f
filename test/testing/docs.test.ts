import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const page = read('docs/testing.md')
const options = read('src/testing/options.ts')

/** The members of an interface, by its text. */
function members(source: string, name: string): string[] {
  const body = source.split(new RegExp(`interface ${name}\\b[^{]*{\\n`))[1]!.split('\n}')[0]!
  return [...body.matchAll(/^ {2}(\w+)\??[:(]/gm)].map(([, member]) => member!)
}

/** The texts of a union type, by its text. */
function texts(name: string): string[] {
  const union = options.split(`type ${name} =`)[1]!.split('\n\n')[0]!
  return [...union.matchAll(/'([\w-]+)'/g)].map(([, text]) => text!)
}

describe('docs/testing.md', () => {
  test('shows the example that runs, word for word', () => {
    expect(page).toContain(`\`\`\`ts\n${read('test/testing/example.test.ts')}\`\`\`\n`)
  })

  test.each([
    ['option', members(options, 'AuthorizationServerOptions')],
    ['fault', members(options, 'Fault')],
    ['count', members(options, 'Stats')],
    ['door', texts('Endpoint')],
    ['answer off the specification', texts('OffSpec')],
    ['rule of renewal', texts('RefreshRule')],
    ['member of the server', members(read('src/testing/authorization-server.ts'), 'AuthorizationServer')],
    ['option of the browser', members(read('src/testing/browser.ts'), 'ScriptedBrowserOptions')],
    ['member of the terminal', members(read('src/testing/terminal.ts'), 'ScriptedTerminal')],
  ])('names every %s', (_, names) => {
    expect(names.length).toBeGreaterThan(2)
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(page))).toEqual([])
  })
})

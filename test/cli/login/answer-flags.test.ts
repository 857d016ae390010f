/** What came back from the page of a login in two steps, handed in by standard input or on the command line. */
import { expect, onTestFinished, test } from 'vitest'
import { scriptedBrowser, startAuthorizationServer } from '../../../src/testing/index.ts'
import { at, box } from '../story.ts'

const WARNING =
  /^! other users of this machine can read a code on a command line; `--(callback-url|code) -` /m

test.each([
  ['--callback-url', (callback: string) => callback],
  ['--code', (callback: string) => new URL(callback).searchParams.get('code')!],
] as const)('%s takes `-` for standard input, and warns where a value is given', async (flag, textOf) => {
  const server = await startAuthorizationServer()
  onTestFinished(() => server.close())
  const one = box()
  const finish = async (name: string, give: (text: string) => [value: string, input?: string]) => {
    const begun = await one.run([
      'login',
      'oidc',
      name,
      ...at(server),
      '--start',
      '--method',
      'browser',
      '--json',
    ])
    const { id, url } = JSON.parse(begun.stdout)
    const visit = await scriptedBrowser({ stopAtCallback: true }).visit(url)
    const [value, input] = give(textOf(visit.url))
    return one.run(['login', '--finish', id, flag, value], { ...(input !== undefined && { input }) })
  }
  // A terminal or a mail program has wrapped it.
  const wrapped = (text: string): [string, string] => ['-', `${text.slice(0, 9)}\n${text.slice(9)}\n`]
  const [piped, given, empty] = await Promise.all([
    finish('piped', wrapped),
    finish('given', (text) => [text]),
    finish('empty', () => ['-', '']),
  ])
  expect(piped, piped.stderr).toMatchObject({ code: 0 })
  expect(piped.stderr).not.toMatch(WARNING)
  expect(given, given.stderr).toMatchObject({ code: 0 })
  expect(given.stderr).toMatch(WARNING)
  expect(empty).toMatchObject({ code: 2 })
  expect(empty.stderr).toContain('nothing was pasted')
})

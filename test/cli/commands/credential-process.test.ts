/** What the tools of a cloud get from the program they start for their keys. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromProcess } from '@aws-sdk/credential-providers'
import { expect, onTestFinished, test } from 'vitest'
import { BROWSER, CLI, type Sandbox } from '../../kit/cli.ts'
import { copyOf, loggedIn, withKeys } from '../story.ts'

const { base } = await loggedIn()

/** AWS' own SDK, with a profile whose keys come from us. */
function sdk(one: Sandbox, words = '') {
  const config = join(one.home, 'aws-config')
  const command = `"${process.execPath}" "${CLI}" credential-process work ${words}`
  writeFileSync(config, `[profile ours]\ncredential_process = ${command}\n`)
  const before = process.env.DAYPASS_HOME
  process.env.DAYPASS_HOME = one.daypassHome
  onTestFinished(() => {
    if (before === undefined) delete process.env.DAYPASS_HOME
    else process.env.DAYPASS_HOME = before
  })
  return fromProcess({ profile: 'ours', configFilepath: config, filepath: config })()
}

test('AWS’ own SDK takes the keys as they are', async () => {
  const one = copyOf(base)
  const { expiresAt } = await withKeys(one, 'work')
  expect(await sdk(one)).toMatchObject({
    accessKeyId: 'ASIAEXAMPLE',
    secretAccessKey: 'secret/of+the=keys',
    sessionToken: 'session/of+the=keys',
    expiration: new Date(Math.floor(expiresAt! / 1000) * 1000),
  })
})

test('the SDK shows the whole of what we say when a login is needed', async () => {
  const one = copyOf(base)
  await one.run(['logout', 'work', '--local-only'])
  await expect(sdk(one)).rejects.toThrow(
    'error: work needs a login: it was logged out; next: daypass login work',
  )
})

test.each([
  ['nobody', ['nobody'], 3],
  ['a login is needed', ['work'], 4],
  ['a flag that there is not', ['--nope'], 2],
  ['a wrong configuration', ['work'], 2, 'defualt: work\n'],
])('what goes wrong is one line: %s', async (_, args, code, config?: string) => {
  const one = copyOf(base)
  await one.run(['logout', 'work', '--local-only'])
  if (config) writeFileSync(join(one.daypassHome, 'config.yaml'), config)
  const result = await one.run(['credential-process', ...args], { env: { BROWSER, DISPLAY: ':9' } })
  expect(result).toMatchObject({ code, stdout: '' })
  expect(result.stderr).toMatch(/^error: [^\n]+; next: [^\n]+\n$/)
})

test('with --json what goes wrong is one object', async () => {
  const { code, stderr } = await copyOf(base).run(['credential-process', '--json'])
  expect(code).toBe(2)
  expect(JSON.parse(stderr)).toEqual({
    error: { code: 'usage', message: 'work has a token, not cloud keys', hint: 'daypass token work' },
  })
})

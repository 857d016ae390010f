/** The provider that CONTRIBUTING.md adds as an example works: the text is applied to a copy of the sources. */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthorizationServer } from '../../src/testing/index.ts'
import { BROWSER, sandbox } from '../kit/cli.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const BLOCK = /^```(ts|diff)\n(?:\/\/|\+\+\+) (\S+)\n(.*?)^```$/gms

let copy: string
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'daypass-contributing-'))
  const parts = [
    'src',
    'scripts',
    'demo',
    'bench',
    'test/kit',
    'test/providers',
    'package.json',
    'tsconfig.json',
  ]
  for (const part of parts) cpSync(join(ROOT, part), join(copy, part), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'), 'junction')
  const blocks = [...readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8').matchAll(BLOCK)]
  for (const [, form, path = '', text = ''] of blocks) {
    const file = join(copy, path)
    writeFileSync(file, form === 'ts' ? text : patched(readFileSync(file, 'utf8'), text))
  }
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

/** Hunks stand apart by an empty line. */
function patched(text: string, diff: string): string {
  const side = (hunk: string, left: RegExp) =>
    hunk.split('\n').flatMap((line) => (left.test(line) ? [`${line.slice(1)}\n`] : []))
  return diff.split('\n\n').reduce((before, hunk) => {
    const [is, becomes] = [side(hunk, /^[ -]/).join(''), side(hunk, /^[ +]/).join('')]
    expect(before.split(is), `is there once: ${is}`).toHaveLength(2)
    return before.replace(is, becomes)
  }, text)
}

const node = async (args: string[]) => {
  const [program = '', ...rest] = args
  const { stdout } = await promisify(execFile)(process.execPath, [join(copy, program), ...rest], {
    cwd: copy,
  })
  return stdout
}

test('it has the right types', async () => {
  const include = ['src/providers', 'test/providers/fixture*']
  writeFileSync(join(copy, 'tsconfig.part.json'), JSON.stringify({ extends: './tsconfig.json', include }))
  expect(await node(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.part.json'])).toBe('')
})

test('the tests of providers accept it', async () => {
  const include = ['life', 'providers', 'registry'].map((name) => `test/providers/${name}.test.ts`)
  writeFileSync(
    join(copy, 'vitest.config.mjs'),
    `export default { test: { include: ${JSON.stringify(include)} } }`,
  )
  const report = await node(['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', '-t', 'acme'])
  expect(JSON.parse(report)).toMatchObject({ success: true })
  expect(JSON.parse(report).numPassedTests).toBeGreaterThanOrEqual(10)
})

test('the program logs in with it, and knows its flag and its kind', async () => {
  const server = await startAuthorizationServer({ user: { login: 'ada' } })
  const one = sandbox()
  const program = [process.execPath, join(copy, 'dist/cli.cjs')]
  try {
    await node(['scripts/build.mjs'])
    const args = ['login', 'acme', '--workspace-url', server.issuer, '--client-id', server.clientId]
    const login = await one.run(args, { program, env: { BROWSER } })
    expect(login).toMatchObject({ code: 0, stderr: expect.stringContaining('Logged in to Acme') })
    expect(await one.run(['token'], { program })).toMatchObject({ code: 0, stderr: '' })
    const help = await one.run(['login', '--help'], { program })
    expect(help.stdout).toMatch(/^ {2}--workspace-url <url> +the workspace$/m)
    const config = join(one.daypassHome, 'config.yaml')
    writeFileSync(config, 'auth: {identities: {shop: {kind: acme/user, client_id: a}}}\n')
    expect(await one.run(['config', 'validate'], { program })).toMatchObject({ code: 0 })
  } finally {
    await Promise.all([one.remove(), server.close()])
  }
})

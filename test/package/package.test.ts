/** What is published: packed as a release is, and installed into an empty folder with install scripts off. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest'
import { at, box } from '../cli/story.ts'
import { skipLoudly } from '../vault/support.ts'
import { EMBEDDER, strictly } from './embedder.ts'
import { install, lacksRegistry, pack, programIn, ROOT, run, tool } from './kit.ts'

const PATIENCE = 120_000

/** Everything that is packed and installed lies below it. */
let scratch: string
let tarball: string
/** Where it is installed. */
let place: string
/** The same without the optional native packages. */
let bare: string
let offline: boolean

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'daypass-package-'))
  tarball = await pack(scratch)
  place = await install(tarball, join(scratch, 'whole'))
  offline = await lacksRegistry(place)
  bare = await install(tarball, join(scratch, 'bare'), '--omit=optional')
}, 4 * PATIENCE)

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function needsNative(context: TestContext): void {
  if (offline) skipLoudly(context, 'npm reaches no registry to fetch the native packages from')
}

const shipped = () => join(place, 'node_modules/daypass')
const shippedText = (path: string) => readFileSync(join(shipped(), path), 'utf8')
const manifest = () => JSON.parse(shippedText('package.json'))

function filesBelow(folder: string): { path: string; size: number }[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile())
  return files.map((each) => {
    const path = join(each.parentPath, each.name)
    return { path: relative(folder, path).replaceAll(sep, '/'), size: statSync(path).size }
  })
}

test('the tarball holds what is meant, and nothing else', () => {
  const chunk = /^dist\/[a-z-]+-[\w-]{8}\.(?:mjs|d\.mts)$/
  const entries = ['index', 'aws', 'alibaba', 'errors', 'providers', 'testing', 'vault']
  const meant = [
    ...['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'schema/config.schema.json'],
    ...[
      'cli',
      'completion',
      'keychain',
      'main',
      'prompts',
      'qr',
      'rotate',
      'testing',
      'tldts',
      'undici',
      'xml',
      'yaml',
    ].map((file) => `dist/${file}.cjs`),
    ...['alibaba', 'aws', 'cloudinary', 'providers'].map((file) => `dist/${file}.cjs`),
    'dist/THIRD-PARTY.txt',
    ...['docker', 'git'].map((tool) => `dist/${tool}-credential-daypass.cjs`),
    ...entries.flatMap((entry) => [`dist/${entry}.mjs`, `dist/${entry}.d.mts`]),
  ]
  const files = filesBelow(shipped()).map(({ path }) => path)
  expect(files.filter((path) => !chunk.test(path)).sort()).toEqual(meant.sort())
})

test('no shipped file names a folder of this machine, a registry or a source map', async () => {
  const { stdout } = await run('npm', ['config', 'get', 'registry'], place)
  const folders = [ROOT, realpathSync(join(ROOT, 'node_modules')), scratch, tmpdir(), homedir()]
  const foreign = [
    ...folders.map((folder) => `${folder}/`),
    ...[new URL(stdout.trim()).host, 'sourceMappingURL='],
  ]
  for (const { path } of filesBelow(shipped())) {
    const text = shippedText(path)
    expect(
      foreign.filter((word) => text.includes(word)),
      path,
    ).toEqual([])
  }
})

test('the licence of every package whose code is shipped is shipped with it', () => {
  const code = filesBelow(shipped()).filter(({ path }) => /js$/.test(path))
  const named = code.flatMap(({ path }) => [
    ...shippedText(path).matchAll(/node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//g),
  ])
  const packages = [...new Set(named.map(([, name]) => name!))]
  expect(packages).toEqual(
    expect.arrayContaining(['@clack/core', 'oauth4webapi', 'undici', 'valibot', 'yaml']),
  )
  const licences = shippedText('dist/THIRD-PARTY.txt')
  for (const name of packages) expect(licences).toContain(`\n${name} `)
  const chapters = licences.split(/\n-{78}\n/).slice(1)
  expect(chapters.length).toBeGreaterThanOrEqual(packages.length)
  for (const chapter of chapters) expect(chapter).toMatch(/Copyright.*(WITHOUT WARRANTY|DISCLAIMS)/s)
  // Works of others within those packages.
  for (const work of ['llhttp:', 'ws:', 'Ethan Arrowood', 'Public Suffix List'])
    expect(licences).toContain(work)
})

test('it is small: 12 packages and 15 MB at most, native parts and all', (context) => {
  needsNative(context)
  const files = filesBelow(join(place, 'node_modules'))
  const lock = readFileSync(join(place, 'node_modules/.package-lock.json'), 'utf8')
  expect(Object.keys(JSON.parse(lock).packages).length).toBeLessThanOrEqual(12)
  // As disks count: in blocks.
  const bytes = files.reduce((sum, { size }) => sum + Math.ceil(size / 4096) * 4096, 0)
  expect(bytes).toBeLessThanOrEqual(15_000_000)
})

test('npx finds the program, and it tells its version and its verbs', async () => {
  const one = box()
  const { stdout } = await run('npx', ['--no-install', 'daypass', '--version'], place)
  expect(stdout).toBe(`${manifest().version}\n`)
  const help = await one.run(['--help'], { program: programIn(place) })
  expect(help).toMatchObject({ code: 0, stderr: '' })
  for (const verb of ['login', 'token', 'logout']) expect(help.stdout).toMatch(new RegExp(`^  ${verb} `, 'm'))
})

/** For `$BROWSER`: as a user of `daypass/testing` would write it. */
const BROWSER = `import { scriptedBrowser } from 'daypass/testing'
await scriptedBrowser().visit(process.argv.at(-1))
`

/** The life of a login with the program that is installed there, and the server that is installed with it. */
async function live({ onTestFinished }: TestContext, installed: string): Promise<void> {
  const testing: typeof import('../../src/testing/index.ts') = await import(
    pathToFileURL(join(installed, 'node_modules/daypass/dist/testing.mjs')).href
  )
  const server = await testing.startAuthorizationServer()
  onTestFinished(() => server.close())
  const browser = join(installed, 'browser.mjs')
  writeFileSync(browser, BROWSER)
  const one = box({ BROWSER: `"${process.execPath}" "${browser}"` })
  const daypass = (...args: string[]) => one.run(args, { program: programIn(installed) })
  const login = await daypass('login', 'oidc', 'work', ...at(server))
  expect(login.stderr).toContain('Logged in to OpenID Connect as ada@example.com')
  const first = await daypass('token')
  expect(first).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^at_\S+\n$/) })
  expect(await daypass('refresh', 'work', '--force')).toMatchObject({ code: 0 })
  expect((await daypass('token')).stdout).not.toBe(first.stdout)
  expect(await daypass('logout', 'work')).toMatchObject({ code: 0 })
  expect(await daypass('token', 'work')).toMatchObject({ code: 4, stdout: '' })
  expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0, revocations: 1 })
}

test('a login, a token, a renewal and a logout, against the server of daypass/testing', async (context) => {
  needsNative(context)
  await live(context, place)
})

test('without the native packages it starts, and locks with the SQLite of Node or says what is missing', async (context) => {
  expect(readdirSync(join(bare, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['daypass'])
  const one = box()
  const daypass = (...args: string[]) => one.run(args, { program: programIn(bare) })
  expect(await daypass('--version')).toMatchObject({ code: 0, stderr: '' })
  expect(await daypass('list', '--json')).toMatchObject({ code: 0, stdout: '{"identities":[]}\n' })
  if (process.getBuiltinModule('node:sqlite')) return live(context, bare)
  expect(
    await daypass('login', 'oidc', 'work', '--issuer', 'http://127.0.0.1:9', '--client-id', 'x'),
  ).toEqual({
    code: 5,
    signal: null,
    stdout: '',
    stderr: `error: this system has no lock that is safe to renew a session under
  npm install fs-native-extensions, or run daypass with Node 22.13 or newer
`,
  })
})

test.each(['nodenext', 'esnext'] as const)(
  'a strict program that embeds it compiles (%s) and runs',
  async (module) => {
    const folder = join(place, module)
    mkdirSync(folder)
    writeFileSync(join(folder, 'embedder.ts'), EMBEDDER)
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify(strictly(module, join(ROOT, 'node_modules/@types'))),
    )
    const compiled = await tool('typescript/bin/tsc', ['-p', folder], folder)
    expect(compiled.stdout).toBe('')
    const ran = await run(process.execPath, ['compiled/embedder.js'], folder)
    expect(ran.stdout, ran.stderr).toBe('["daypass","config.yaml of daypass","browser",200,true,true]\n')
  },
  PATIENCE,
)

test('that program imports all there is to import', () => {
  for (const path of Object.keys(manifest().exports)) expect(EMBEDDER).toContain(`'daypass${path.slice(1)}'`)
})

test(
  'publint and attw find nothing wrong with it',
  async () => {
    const publint = await tool('publint/src/cli.js', ['run', '--strict', tarball], place)
    expect(publint.stdout).toContain('All good!')
    expect(publint.code).toBe(0)
    const args = [tarball, '--profile', 'esm-only', '--no-definitely-typed', '--format', 'ascii']
    const attw = await tool('@arethetypeswrong/cli/dist/index.js', args, place)
    expect(attw.code, attw.stdout).toBe(0)
  },
  PATIENCE,
)

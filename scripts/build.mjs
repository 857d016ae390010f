/**
 * Builds what runs: the CLI (`dist/*.cjs`), the demo and the test kit's browser (`build/*.mjs`); with `--library`
 * also the library (`dist/*.mjs` and its types, by tsdown).
 *
 * The CLI is CommonJS because that starts 3 ms sooner than a module, and in several files because what is not parsed
 * costs nothing: `cli.cjs` is the fast path, `main.cjs` everything else; the others are packages that most runs
 * do without.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { thirdPartyText } from './licences.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const require = createRequire(import.meta.url)

const VERSION = JSON.parse(readFileSync(join(here, '../package.json'), 'utf8')).version

/** Loaded where they are installed; the program does without them where they are not. */
const NATIVE = ['@napi-rs/keyring', '@napi-rs/keyring-*', 'fs-native-extensions']

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  metafile: true,
  // The paths of packages stand in what is built: `node_modules/…`, wherever that folder really lies.
  preserveSymlinks: true,
  write: false,
  logLevel: 'error',
}

/** One file of the program may refer to another, which stays a file of its own: `wanted` → `./file`. */
const apart = (wanted, file) => ({
  name: `apart-${file}`,
  setup: (bundler) =>
    bundler.onResolve({ filter: wanted }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: `./${file}`, external: true },
    ),
})

/** Something that is imported at the top of a file and needed by few runs: read when something of it is used. */
const lazily = (wanted, file, names) => ({
  name: `lazily-${names[0]}`,
  setup: (bundler) => {
    bundler.onResolve({ filter: wanted }, ({ path }) => ({
      path,
      namespace: `lazily-${names[0]}`,
    }))
    bundler.onLoad({ filter: /./, namespace: `lazily-${names[0]}` }, () => {
      // Not `import()`: what that adds to the names differs from Node to Node.
      const getters = names.map((each) => `get ${each}() { return require('./${file}').${each} }`)
      return { contents: `module.exports = { ${getters} }`, resolveDir: here }
    })
    bundler.onResolve({ filter: /^\.\//, namespace: `lazily-${names[0]}` }, ({ path }) => ({
      path,
      external: true,
    }))
  },
})

/** Parts of Node that are imported at the top of files, take milliseconds to load, and are needed by some runs. */
const whenUsed = (names, what = (path) => Object.keys(require(path))) => ({
  name: 'when-used',
  setup: (bundler) => {
    bundler.onResolve({ filter: new RegExp(`^(${names.join('|')})$`) }, ({ path, namespace }) =>
      namespace === 'when-used' ? { path, external: true } : { path, namespace: 'when-used' },
    )
    bundler.onLoad({ filter: /./, namespace: 'when-used' }, ({ path }) => {
      const getters = what(path).map(
        (each) => `get ${each}() { return (loaded ??= require('${path}')).${each} }`,
      )
      return { contents: `let loaded; module.exports = { ${getters} }` }
    })
  },
})

const commonJs = {
  ...common,
  format: 'cjs',
  external: NATIVE,
  banner: { js: '#!/usr/bin/env node' },
  define: { 'import.meta.url': 'importMetaUrl', DAYPASS_VERSION: JSON.stringify(VERSION) },
  inject: [join(here, 'import-meta-url.js')],
  // `import()` becomes `require()` where it is reached: Node 20 scans a CommonJS file for 25 ms to import it.
  supported: { 'dynamic-import': false },
}

/**
 * Providers that the quick way reads only where an identity is theirs. A folder is a file of the program, all that are a
 * single file are one together. Every configured provider is made of `oidc`, so that one is always read.
 */
const LAZY_PROVIDERS = [
  ...readFileSync(join(here, '../src/providers/registry.ts'), 'utf8').matchAll(
    /^import \{ (\w+) \} from '\.\/(.+)'$/gm,
  ),
]
  .map(([, id, path]) => ({ id, path, file: path.includes('/') ? `${id}.cjs` : 'providers.cjs' }))
  .filter(({ id }) => id !== 'oidc')

const exportsOf = (file) =>
  LAZY_PROVIDERS.filter((provider) => provider.file === file)
    .map(({ id, path }) => `export { ${id} } from './src/providers/${path}'`)
    .join('\n')

/** What is a file of its own, and what is used of it. */
const PARTS = {
  ...Object.fromEntries(LAZY_PROVIDERS.map(({ file }) => [file, exportsOf(file)])),
  'undici.cjs': `export { Agent, EnvHttpProxyAgent, ProxyAgent, fetch } from 'undici'`,
  'prompts.cjs': `export { confirm, select, text } from '@clack/prompts'`,
  'yaml.cjs': `export * from 'yaml'`,
  'xml.cjs': `export { XMLParser } from 'fast-xml-parser'`,
  'completion.cjs': `module.exports = require('@bomb.sh/tab/commander').default`,
  'testing.cjs': `
    export { startAuthorizationServer } from './src/testing/authorization-server.ts'
    export { scriptedBrowser } from './src/testing/browser.ts'`,
  'qr.cjs': `export { renderUnicodeCompact } from 'uqr'`,
}

function programs(root) {
  const undici = apart(/^undici$/, 'undici.cjs')
  const crypto = whenUsed(['node:crypto'], () => ['createDecipheriv', 'createHmac'])
  // The quick way reaches none of these; esbuild would wrap whatever they import, and take longer to start.
  const unreached = apart(/^\.\/(atomic|folder-yaml|lock)\.ts$/, 'main.cjs')
  const main = apart(/^\.\/main\.(cjs|ts|js)$/, 'main.cjs')
  const rotate = apart(/^\.\.\/audit\/rotate\.ts$/, 'rotate.cjs')
  const providers = LAZY_PROVIDERS.map(({ id, path, file }) =>
    lazily(new RegExp(`^\\./${path.replace('.', '\\.')}$`), file, [id]),
  )
  const packages = [
    undici,
    apart(/^@clack\/prompts$/, 'prompts.cjs'),
    apart(/^@bomb\.sh\/tab/, 'completion.cjs'),
    apart(/^uqr$/, 'qr.cjs'),
    lazily(/^yaml$/, 'yaml.cjs', Object.keys(require('yaml'))),
    lazily(/^fast-xml-parser$/, 'xml.cjs', Object.keys(require('fast-xml-parser'))),
    apart(/\/testing\/[\w-]+\.ts$/, 'testing.cjs'),
    whenUsed(['node:crypto', 'node:child_process', 'node:net', 'node:os']),
  ]
  const entry = (file, plugins) => ({ ...commonJs, entryPoints: [join(root, file)], plugins })
  return [
    // Every byte of this one is read before anything happens.
    {
      out: 'dist/cli.cjs',
      executable: true,
      options: {
        ...entry('src/cli/fast.ts', [main, undici, rotate, crypto, unreached, ...providers]),
        minify: true,
      },
    },
    // The names under which other programs look for it.
    ...['git-credential-daypass', 'docker-credential-daypass'].map((name) => ({
      out: `dist/${name}.cjs`,
      executable: true,
      options: entry(`src/cli/${name}.ts`, [apart(/^\.\/fast\.ts$/, 'cli.cjs')]),
    })),
    { out: 'dist/rotate.cjs', options: { ...entry('src/audit/rotate.ts', []), banner: {} } },
    { out: 'dist/main.cjs', options: { ...entry('src/cli/main.ts', packages), banner: {} } },
    ...Object.entries(PARTS).map(([file, contents]) => ({
      out: `dist/${file}`,
      options: { ...commonJs, banner: {}, stdin: { contents, resolveDir: root } },
    })),
    {
      out: 'build/demo.mjs',
      own: true,
      options: {
        ...common,
        format: 'esm',
        packages: 'external',
        entryPoints: [join(root, 'demo/main.ts')],
      },
    },
    {
      out: 'build/bench.mjs',
      own: true,
      options: { ...common, format: 'esm', packages: 'external', entryPoints: [join(root, 'bench/main.ts')] },
    },
    {
      out: 'build/scripted-browser.mjs',
      own: true,
      options: { ...common, format: 'esm', entryPoints: [join(root, 'src/testing/browser.ts')] },
    },
  ]
}

/** Several suites may build at once in one checkout: nobody may run half a file. */
function put(path, contents, mode) {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}`)
  writeFileSync(temporary, contents)
  chmodSync(temporary, mode)
  renameSync(temporary, path)
}

async function bundle(root, program) {
  const source = program.options.entryPoints?.[0]
  if (source && !existsSync(source)) {
    throw new Error(`${program.out} cannot be built: ${relative(root, source)} does not exist`)
  }
  const { outputFiles, metafile } = await build({ absWorkingDir: root, ...program.options })
  put(join(root, program.out), outputFiles[0].contents, program.executable ? 0o755 : 0o644)
  return metafile
}

/** Builds every program below `root`. Throws one error that names each that could not be built. */
export async function buildCli(root) {
  const all = programs(root)
  const results = await Promise.allSettled(all.map((program) => bundle(root, program)))
  const failed = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ ...all[index], reason: result.reason }] : [],
  )
  // What could not be built must not be tested as it was built yesterday.
  for (const { out } of failed) rmSync(join(root, out), { force: true })
  if (failed.length > 0) throw new Error(failed.map(({ reason }) => reason.message).join('\n'))
  const shipped = results.filter((_, index) => !all[index].own).map(({ value }) => value)
  put(join(root, 'dist/THIRD-PARTY.txt'), thirdPartyText(root, shipped), 0o644)
}

function buildLibrary(root) {
  const tsdown = join(root, 'node_modules/tsdown/dist/run.mjs')
  const args = [tsdown, '--logLevel', 'warn']
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) throw new Error('the library cannot be built: see tsdown above')
}

async function main(args) {
  const root = resolve(here, '..')
  const library = args.includes('--library')
  const began = Date.now()
  if (library) rmSync(join(root, 'dist'), { recursive: true, force: true })
  await buildCli(root)
  if (library) buildLibrary(root)
  console.error(`built ${library ? 'the CLI and the library' : 'the CLI'} in ${Date.now() - began} ms`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(`build: ${error.message}`)
    process.exitCode = 1
  })
}

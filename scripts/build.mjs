/**
 * Builds the programs: the CLI (`dist/*.cjs`), the demo and the test kit's browser (`build/*.mjs`). With
 * `--library` also the library (`dist/*.mjs` and its types, by tsdown).
 *
 * The CLI is CommonJS because that starts 3 ms faster than a module. It has several files because code that
 * is not parsed costs nothing: `cli.cjs` is the fast path, `main.cjs` the rest. The other files are packages
 * that most runs do not need.
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

/** Loaded from where they are installed. The program also works without them. */
const NATIVE = ['@napi-rs/keyring', '@napi-rs/keyring-*', 'fs-native-extensions']

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  metafile: true,
  // The built files name packages as `node_modules/…`, even where that folder is a link.
  preserveSymlinks: true,
  write: false,
  logLevel: 'error',
}

/** Keeps an import as a file of its own: `wanted` becomes `./file`. */
const apart = (wanted, file) => ({
  name: `apart-${file}`,
  setup: (bundler) =>
    bundler.onResolve({ filter: wanted }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: `./${file}`, external: true },
    ),
})

/** Loads an import at the top of a file only when one of its names is used. Few runs need it. */
const lazily = (wanted, file, names) => ({
  name: `lazily-${names[0]}`,
  setup: (bundler) => {
    bundler.onResolve({ filter: wanted }, ({ path }) => ({
      path,
      namespace: `lazily-${names[0]}`,
    }))
    bundler.onLoad({ filter: /./, namespace: `lazily-${names[0]}` }, () => {
      // `import()` adds names to the module, and which ones depends on the Node version.
      const getters = names.map((each) => `get ${each}() { return require('./${file}').${each} }`)
      return { contents: `module.exports = { ${getters} }`, resolveDir: here }
    })
    bundler.onResolve({ filter: /^\.\//, namespace: `lazily-${names[0]}` }, ({ path }) => ({
      path,
      external: true,
    }))
  },
})

/** Loads parts of Node when they are used. They take milliseconds to load, and only some runs need them. */
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
  // `import()` becomes `require()`: Node 20 scans a CommonJS file for 25 ms to import it.
  supported: { 'dynamic-import': false },
}

/**
 * Providers that the fast path loads only for their own identities. Each folder becomes one file, and all
 * single-file providers become one file together. Configured providers are built on `oidc`, so that one is
 * always loaded.
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

/** The files that are separate, and the names used of each. */
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
  'keychain.cjs': `export { readKeychain, writeKeychain } from './src/vault/keychain.ts'`,
  'tldts.cjs': `export { getDomain } from 'tldts'`,
  'qr.cjs': `export { renderUnicodeCompact } from 'uqr'`,
}

function programs(root) {
  const undici = apart(/^undici$/, 'undici.cjs')
  const crypto = whenUsed(['node:crypto'], () => ['createDecipheriv', 'createHmac'])
  // The fast path never uses these. esbuild would wrap their imports, which makes the start slower.
  const unreached = apart(/^\.\/(atomic|folder-yaml|lock)\.ts$/, 'main.cjs')
  const main = apart(/^\.\/main\.(cjs|ts|js)$/, 'main.cjs')
  const keychain = apart(/^\.\/keychain\.ts$/, 'keychain.cjs')
  const rotate = apart(/^\.\.\/audit\/rotate\.ts$/, 'rotate.cjs')
  const providers = LAZY_PROVIDERS.map(({ id, path, file }) =>
    lazily(new RegExp(`^\\./${path.replace('.', '\\.')}$`), file, [id]),
  )
  const packages = [
    undici,
    keychain,
    apart(/^@clack\/prompts$/, 'prompts.cjs'),
    apart(/^@bomb\.sh\/tab/, 'completion.cjs'),
    apart(/^uqr$/, 'qr.cjs'),
    apart(/^tldts$/, 'tldts.cjs'),
    lazily(/^yaml$/, 'yaml.cjs', Object.keys(require('yaml'))),
    lazily(/^fast-xml-parser$/, 'xml.cjs', Object.keys(require('fast-xml-parser'))),
    apart(/\/testing\/[\w-]+\.ts$/, 'testing.cjs'),
    whenUsed(['node:crypto', 'node:child_process', 'node:net', 'node:os']),
  ]
  const entry = (file, plugins) => ({ ...commonJs, entryPoints: [join(root, file)], plugins })
  return [
    // This file is read completely at every start, so every byte counts.
    {
      out: 'dist/cli.cjs',
      executable: true,
      options: {
        ...entry('src/cli/fast.ts', [main, undici, rotate, keychain, crypto, unreached, ...providers]),
        minify: true,
      },
    },
    // Other programs look for these names.
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

/** Replaces a file at once: of several builds in one checkout, none may run half a file. */
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

/** Builds every program below `root`. Throws one error that names each program that failed. */
export async function buildCli(root) {
  const all = programs(root)
  const results = await Promise.allSettled(all.map((program) => bundle(root, program)))
  const failed = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ ...all[index], reason: result.reason }] : [],
  )
  // Removes old output, so that yesterday's build is not tested.
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

import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import type { Result } from '../kit/cli.ts'

export const ROOT = resolve(import.meta.dirname, '../..')

const NOT_COPIED = new Set(['node_modules', '.git', '.cache', 'dist', 'build', 'coverage'])

/** A program to its end. Every one here is a build, an installation or a linter. */
export function run(command: string, args: readonly string[], cwd: string): Promise<Result> {
  const env = { ...process.env, NODE_OPTIONS: '' }
  // The suite is without it, and npm may need it to reach its registry.
  const authorities = process.env.DAYPASS_TEST_CA
  if (authorities !== undefined) Object.assign(env, { NODE_EXTRA_CA_CERTS: authorities })
  const child = spawn(command, args, { cwd, env, shell: process.platform === 'win32', timeout: 150_000 })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text
    })
  }
  return new Promise((done, failed) => {
    child.on('error', failed)
    child.on('close', (code, signal) => done({ code, signal, ...said }))
  })
}

async function good(running: Promise<Result>): Promise<Result> {
  const result = await running
  if (result.code !== 0) throw new Error(`ended with ${result.code}\n${result.stdout}${result.stderr}`)
  return result
}

/** A tool of this project, run by this Node. `script` is below `node_modules`. */
export const tool = (script: string, args: readonly string[], cwd: string) =>
  run(process.execPath, [join(ROOT, 'node_modules', script), ...args], cwd)

/** Packs as a release does, build included, from a copy below `folder`: nobody meets a half-built `dist`. */
export async function pack(folder: string): Promise<string> {
  const copy = join(folder, 'copy')
  cpSync(ROOT, copy, {
    recursive: true,
    filter: (path) => !NOT_COPIED.has(relative(ROOT, path).split(sep)[0] ?? ''),
  })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'), 'junction')
  await good(run('npm', ['pack', '--silent', '--pack-destination', folder], copy))
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack made no tarball')
  rmSync(copy, { recursive: true, force: true })
  return join(folder, tarball)
}

const NPM = [
  '--no-audit',
  '--no-fund',
  '--prefer-offline',
  '--fetch-retries=1',
  '--fetch-retry-mintimeout=500',
]

/** Installs the tarball into an empty folder, as someone who trusts no install script. */
export async function install(tarball: string, into: string, ...flags: string[]): Promise<string> {
  mkdirSync(into)
  writeFileSync(join(into, 'package.json'), '{"type":"module"}')
  await good(run('npm', ['install', '--ignore-scripts', ...NPM, ...flags, tarball], into))
  return into
}

/** npm leaves out optional packages in silence, also when it merely could not ask for them. */
export async function lacksRegistry(installed: string): Promise<boolean> {
  const name = 'fs-native-extensions'
  if (existsSync(join(installed, 'node_modules', name))) return false
  return (await run('npm', ['view', name, 'version', ...NPM], installed)).code !== 0
}

/** The installed `daypass`, as `sandbox().run` takes it. */
export const programIn = (installed: string) => [
  process.execPath,
  join(installed, 'node_modules/daypass/dist/cli.cjs'),
]

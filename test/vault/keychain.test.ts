/** Against a real Secret Service: gnome-keyring on a D-Bus session of the test's own. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest'
import type { KeyLocation } from '../../src/core/types.ts'
import { bundleWorker } from './bundle.ts'
import { folderOf, skipLoudly, start } from './support.ts'

let worker = ''
beforeAll(async () => {
  worker = await bundleWorker()
})
afterAll(() => fs.rmSync(dirname(worker), { recursive: true, force: true }))

const NEEDED = ['dbus-run-session', 'gnome-keyring-daemon', 'secret-tool', 'gdbus']

function missing(): string[] {
  return NEEDED.filter((program) => {
    try {
      execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'pipe' })
      return false
    } catch {
      return true
    }
  })
}

function homeOf(context: TestContext): { vault: string; env: Record<string, string | undefined> } {
  const home = folderOf(context)
  fs.mkdirSync(join(home, 'run'), { mode: 0o700 })
  const env = {
    HOME: home,
    XDG_DATA_HOME: join(home, 'data'),
    XDG_RUNTIME_DIR: join(home, 'run'),
    DBUS_SESSION_BUS_ADDRESS: undefined,
    DISPLAY: undefined,
    WAYLAND_DISPLAY: undefined,
  }
  return { vault: join(home, 'vault'), env }
}

/** Runs `script` in a session with an unlocked keyring; `w DEED …` runs the worker, $D is the daemon. */
async function inSession(context: TestContext, script: string) {
  const lacking = missing()
  if (lacking.length > 0) skipLoudly(context, `a real keychain (missing: ${lacking.join(' ')})`)
  const { vault, env } = homeOf(context)
  const prelude = `
    printf pw | gnome-keyring-daemon --unlock --components=secrets --foreground >/dev/null 2>&1 &
    D=$!
    trap 'kill -CONT $D; kill $D' EXIT
    # Who serves the keychain now; asking for anything else would start a daemon of the session's own, which is locked.
    owner() { gdbus call --session -d org.freedesktop.DBus -o / -m org.freedesktop.DBus.GetNameOwner org.freedesktop.secrets 2>/dev/null; }
    # Waits until somebody serves it who is not the one given.
    served() { for i in $(seq 200); do O=$(owner) && [ "$O" != "$1" ] && return; sleep 0.1; done; }
    served nobody
    w() { '${process.execPath}' '${worker}' "$@"; }
    V='${vault}'
  `
  const ran = await start('dbus-run-session', ['--', 'sh', '-c', prelude + script], env).ended
  return { ...ran, lines: ran.out.trim().split('\n'), vault }
}

const parsed = (line: string | undefined) => JSON.parse(line ?? 'null')

test('the key lies in the keychain, and another process, and secret-tool, find it there', async (context) => {
  const { lines, vault } = await inSession(
    context,
    `
    export WANTED=auto
    w write $V work
    w read $V work
    ID=$(sed -n 's/.*"id":"\\([a-z0-9]*\\)".*/\\1/p' $V/vault.json)
    secret-tool lookup service daypass username vault-$ID
    `,
  )
  const key = parsed(lines[0]) as KeyLocation
  expect(key.where).toBe('keychain')
  expect(parsed(lines[1])).toBe('access-token-of-the-test')
  expect(Buffer.from(lines[2]!, 'base64')).toHaveLength(32)
  expect(parsed(fs.readFileSync(join(vault, 'vault.json'), 'utf8')).key).toEqual(key)
  expect(fs.readdirSync(vault).filter((file) => file.startsWith('key-'))).toEqual([])
})

test('a keychain that hangs, is locked, lost the key, or is gone: said within 4 s, each with its remedy, and no second key', async (context) => {
  const { lines, vault, err } = await inSession(
    context,
    `
    export WANTED=auto
    t() { B=$(date +%s%N); w "$@"; echo $(( ($(date +%s%N) - B) / 1000000 )); }
    t write $V work
    kill -STOP $D; t read $V work >$HOME/read & R=$!; t write $V other >$HOME/write; wait $R; cat $HOME/read $HOME/write; kill -CONT $D
    gdbus call --session -d org.freedesktop.secrets -o /org/freedesktop/secrets -m org.freedesktop.Secret.Service.Lock "['/org/freedesktop/secrets/collection/login']" >/dev/null
    t read $V work
    DBUS_SESSION_BUS_ADDRESS= t read $V work
    OLD=$(owner)
    printf pw | gnome-keyring-daemon --unlock --replace --components=secrets --foreground >/dev/null 2>&1 &
    D=$!
    served "$OLD"
    w read $V work
    secret-tool clear service daypass
    t read $V work
    t write $V other
    `,
  )
  expect(lines, err).toHaveLength(15)
  // What a start of the program takes here, and now.
  const startUp = Number(lines[1])
  const told = [2, 4, 6, 8, 11, 13].map((at) => [parsed(lines[at]), Number(lines[at + 1])])
  // What is lost is lost, and a login may move it aside; what is not to be had just now, it may not.
  expect(told.map(([error]) => error.code)).toEqual([...Array(4).fill('keychain'), 'vault', 'vault'])
  for (const [, ms] of told) {
    expect(ms - startUp).toBeLessThan(4_000)
  }
  const [hangs, , locked, gone, lost] = told.map(([error]) => `${error.message} | ${error.hint}`)
  expect(hangs).toMatch(/did not answer within [23](\.\d)? s \| .*restart it/)
  expect(locked).toMatch(/locked \| unlock it/)
  expect(gone).toMatch(/no D-Bus session \| .*DBUS_SESSION_BUS_ADDRESS/)
  expect(lost).toMatch(/no longer in the keychain \| .*vault\.json/)
  expect(parsed(lines[10])).toBe('access-token-of-the-test')
  expect(fs.readdirSync(vault).sort()).toEqual(['locks', 'vault.json', 'work.grant'])
})

test('without any D-Bus: auto takes a key file, a wished-for keychain is an error and nothing is made', async (context) => {
  const { vault, env } = homeOf(context)
  const run = (args: string[], wanted: string) =>
    start(process.execPath, [worker, ...args], { ...env, WANTED: wanted }).ended
  const refused = await run(['write', vault, 'work'], 'keychain')
  expect(parsed(refused.out)).toMatchObject({ code: 'keychain', message: expect.stringContaining('D-Bus') })
  expect(fs.readdirSync(vault)).toEqual(['locks'])
  expect(parsed((await run(['write', vault, 'work'], 'auto')).out).where).toBe('file')
  expect(parsed((await run(['read', vault, 'work'], 'auto')).out)).toBe('access-token-of-the-test')
})

/** A worker whose keychain library is `source`; with `undefined` none is installed. */
async function workerWith(context: TestContext, source: string | undefined): Promise<string> {
  const packages = folderOf(context)
  const native = join(packages, 'fs-native-extensions')
  fs.symlinkSync(resolve('node_modules/fs-native-extensions'), native)
  if (source !== undefined) {
    fs.mkdirSync(join(packages, '@napi-rs', 'keyring'), { recursive: true })
    fs.writeFileSync(join(packages, '@napi-rs', 'keyring', 'index.js'), source)
  }
  const bundled = await bundleWorker(packages)
  context.onTestFinished(() => fs.rmSync(dirname(bundled), { recursive: true, force: true }))
  return bundled
}

/** On Linux the library is asked where the bus is reached otherwise than by a socket. */
const OTHER_BUS = { DBUS_SESSION_BUS_ADDRESS: 'tcp:host=127.0.0.1,port=1' }

const write = (bundled: string, folder: string, env: Record<string, string>) =>
  start(process.execPath, [bundled, 'write', folder, 'work'], { ...OTHER_BUS, ...env }).ended

test('an unanswered prompt: we stop waiting after 2.5 s, or after the limit given, with a word after 2 s', async (context) => {
  const bundled = await workerWith(
    context,
    'exports.AsyncEntry = class { setPassword() { setInterval(() => {}, 1000); return new Promise(() => {}) } }',
  )
  const folder = join(folderOf(context), 'vault')
  const [short, long] = await Promise.all([
    write(bundled, join(folder, 'a'), { WANTED: 'keychain' }),
    write(bundled, join(folder, 'b'), { WANTED: 'keychain', LIMIT: '4500' }),
  ])
  expect(parsed(short.out)).toMatchObject({
    code: 'keychain',
    message: expect.stringContaining('within 2.5 s'),
  })
  expect(short.ms).toBeGreaterThan(2_400)
  expect(short.ms).toBeLessThan(4_000)
  expect(parsed(long.out)).toMatchObject({ message: expect.stringContaining('within 4.5 s') })
  expect(long.ms).toBeGreaterThan(4_400)
  expect([short.err, long.err]).toEqual(['slow\n', 'slow\n'])
})

test('a keychain that forgets at once is none', async (context) => {
  const bundled = await workerWith(
    context,
    'exports.AsyncEntry = class { async setPassword() {} async getPassword() { return null } }',
  )
  const folder = join(folderOf(context), 'vault')
  expect(parsed((await write(bundled, folder, { WANTED: 'keychain' })).out).code).toBe('keychain')
  expect(parsed((await write(bundled, folder, { WANTED: 'auto' })).out).where).toBe('file')
})

test('without the library: auto takes a key file, a wished-for keychain says what to install', async (context) => {
  const bundled = await workerWith(context, undefined)
  const folder = join(folderOf(context), 'vault')
  const refused = parsed((await write(bundled, folder, { WANTED: 'keychain' })).out)
  expect(refused).toMatchObject({
    code: 'keychain',
    hint: expect.stringContaining('npm install @napi-rs/keyring'),
  })
  expect(parsed((await write(bundled, folder, { WANTED: 'auto' })).out).where).toBe('file')
})

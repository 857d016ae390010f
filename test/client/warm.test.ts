/** The quick way of `token` and `credential-process`: what it loads, and that it never answers other than the slow way does. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { at, box, change, copyOf, left, logIn, withKeys } from '../cli/story.ts'
import { type RunOptions, type Sandbox, sandbox } from '../kit/cli.ts'
import { needs } from '../kit/needs.ts'

let server: AuthorizationServer
let base: Sandbox
let kept: string
beforeAll(async () => {
  // Copies of one login renew it independently of each other.
  server = await startAuthorizationServer({ refresh: 'reusable' })
  base = sandbox()
  await logIn(base, server)
  kept = (await base.run(['token'])).stdout.trim()
})
afterAll(async () => {
  await base.remove()
  await server.close()
})

/** Writes to $LOADED what is required that Node has not loaded by itself, and makes the network throw. */
const PRELOAD = `
const bare = new Set(process.moduleLoadList.map((line) => line.replace('NativeModule ', '')))
const Module = require('node:module'), fs = require('node:fs')
const names = []
const load = Module._load
Module._load = function (name, ...rest) { names.push(name); return load.call(this, name, ...rest) }
const builtin = process.getBuiltinModule
process.getBuiltinModule = (name) => { names.push(name); return builtin(name) }
const net = require('node:net'), dns = require('node:dns')
names.length = 0
const { connect } = net.Socket.prototype
net.Server.prototype.listen = dns.lookup = () => { throw new Error('the network was touched') }
net.Socket.prototype.connect = function (...to) {
  // The bus of the desktop is a socket of this machine, and no network.
  if (to.flat()[0]?.path === undefined) throw new Error('the network was touched')
  return connect.apply(this, to)
}
globalThis.fetch = () => { throw new Error('the network was touched') }
process.on('exit', () => fs.writeFileSync(process.env.LOADED, JSON.stringify(names.slice(1).map((name) => name.replace(/^node:/, '')).filter((name) => !bare.has(name)))))
`

async function watched(one: Sandbox, args: readonly string[], options: RunOptions = {}) {
  const [preload, loaded] = [join(one.home, 'preload.cjs'), join(one.home, 'loaded.json')]
  writeFileSync(preload, PRELOAD)
  const env = { ...options.env, NODE_OPTIONS: `--require ${preload}`, LOADED: loaded }
  const result = await one.run(args, { ...options, env })
  const names = JSON.parse(readFileSync(loaded, 'utf8')) as string[]
  return { ...result, loaded: [...new Set(names)].sort() }
}

/** A configuration that is not from this very moment: only of such a one is a compiled copy kept. */
function written(one: Sandbox, text: string): void {
  const file = join(one.daypassHome, 'config.yaml')
  writeFileSync(file, text)
  utimesSync(file, new Date('2026-01-02'), new Date('2026-01-02'))
}

const slow = (args: readonly string[]) => [...args, '-v']

test('a warm token with a key file loads crypto beyond bare Node, and nothing else, and touches no network', async () => {
  const warm = await watched(copyOf(base), ['token'])
  expect(warm).toMatchObject({ code: 0, stderr: '' })
  expect(warm.stdout).toMatch(/^at_\S+\n$/)
  expect(warm.loaded).toEqual(['crypto'])
  const cold = await watched(copyOf(base), slow(['token']))
  expect(cold.stdout).toBe(warm.stdout)
  expect(cold.loaded).toContain('./main.cjs')
})

test('it is as quick beside a config.yaml, once that was read', async () => {
  const one = copyOf(base)
  written(one, 'default: work\n')
  expect((await watched(one, ['token'])).loaded).toContain('./main.cjs')
  const warm = await watched(one, ['token'])
  expect(warm).toMatchObject({ code: 0, loaded: ['crypto'] })
})

test('what takes the slow way loads the packages that few need only where they are needed', async () => {
  const one = copyOf(base)
  expect((await watched(one, ['list'])).loaded.filter((name) => name.startsWith('./'))).toEqual([
    './main.cjs',
  ])
  written(one, 'default: work\n')
  const configured = await watched(one, ['list'])
  expect(configured.loaded.filter((name) => name.startsWith('./'))).toEqual(['./main.cjs', './yaml.cjs'])
})

test('it is as quick with a folder file, DAYPASS_IDENTITY and -i', async () => {
  const one = copyOf(base)
  await one.run(['use', 'work', '--here'])
  const plain = ['crypto']
  expect(await watched(one, ['token'])).toMatchObject({ code: 0, loaded: plain })
  expect(await watched(one, ['auth', 'token', '-i', 'work'])).toMatchObject({ code: 0, loaded: plain })
  expect(await watched(one, ['token', '--json'], { env: { DAYPASS_IDENTITY: 'work' } })).toMatchObject({
    loaded: plain,
  })
})

test('warm keys for another program are answered with crypto and their provider’s file', async () => {
  const one = copyOf(base)
  await withKeys(one, 'work')
  const answers = [['credential-process'], ['auth', 'credential-process', '-i', 'work', '--format', 'aws']]
  for (const args of answers) {
    const warm = await watched(one, args)
    expect(warm).toMatchObject({ code: 0, stderr: '', loaded: ['./aws.cjs', 'crypto'] })
    expect(JSON.parse(warm.stdout)).toMatchObject({ Version: 1, AccessKeyId: 'ASIAEXAMPLE' })
  }
  const cold = await watched(one, slow(['credential-process']))
  expect(cold.loaded).toContain('./main.cjs')
  expect(cold.stdout).toBe((await watched(one, ['credential-process'])).stdout)
})

test('with the keychain it loads the client of the desktop bus as well, and nothing else', async (context) => {
  needs(context, 'dbus-run-session', 'gnome-keyring-daemon')
  const one = box({ DAYPASS_STORE: 'keychain' })
  const preload = join(one.home, 'preload.cjs')
  writeFileSync(preload, PRELOAD)
  mkdirSync(join(one.home, 'run'), { mode: 0o700 })
  const daypass = `"${process.execPath}" "${join(import.meta.dirname, '../../dist/cli.cjs')}"`
  const script = `
    printf pw | gnome-keyring-daemon --unlock --components=secrets --foreground >/dev/null 2>&1 & D=$!
    trap 'kill $D' EXIT
    for i in $(seq 50); do
      gdbus call --session -d org.freedesktop.DBus -o / -m org.freedesktop.DBus.GetNameOwner org.freedesktop.secrets >/dev/null 2>&1 && break
      sleep 0.1
    done
    ${daypass} login oidc work ${at(server).join(' ')} >&2 &&
    NODE_OPTIONS="--require ${preload}" ${daypass} token`
  const env = {
    BROWSER: join(import.meta.dirname, '../kit/browser.mjs'),
    LOADED: join(one.home, 'loaded.json'),
    XDG_RUNTIME_DIR: join(one.home, 'run'),
    XDG_DATA_HOME: join(one.home, 'data'),
  }
  const result = await one.run(['--', 'sh', '-c', script], { program: ['dbus-run-session'], env })
  expect(result.stdout, result.stderr).toMatch(/^at_\S+\n$/)
  expect(result.stderr).toContain('in the keychain of this system')
  const names = JSON.parse(readFileSync(join(one.home, 'loaded.json'), 'utf8')) as string[]
  const others = [...new Set(names)].filter((name) => !/^(crypto|module)$/.test(name))
  expect(others.sort()).toEqual(['./keychain.cjs', 'net'])
  expect(readdirSync(join(one.daypassHome, 'vault')).filter((name) => name.startsWith('key-'))).toEqual([])
})

interface Situation {
  args?: string[]
  env?: Record<string, string>
  setup?(one: Sandbox): unknown
}

const config = (text: string) => async (one: Sandbox) => {
  written(one, text)
  await one.run(['list'])
  expect(readFileSync(join(one.daypassHome, 'config.compiled.json'), 'utf8')).not.toBe('')
}

const both =
  (...setups: NonNullable<Situation['setup']>[]) =>
  async (one: Sandbox) => {
    for (const setup of setups) await setup(one)
  }

const withoutKey = (one: Sandbox) => {
  const vault = join(one.daypassHome, 'vault')
  for (const name of readdirSync(vault)) if (name.startsWith('key-')) rmSync(join(vault, name))
}

const record = (one: Sandbox) => join(one.daypassHome, 'vault/work.grant')

/** Fixed times, so that two homes hold the same. */
const HOUR = 3_600_000
const NOW = Math.floor(Date.now() / 1000) * 1000
const keys =
  (more: Parameters<typeof withKeys>[2] = {}) =>
  (one: Sandbox) =>
    withKeys(one, 'work', { issuedAt: NOW, expiresAt: NOW + HOUR, ...more })

const ahead = (one: Sandbox) =>
  change(one, 'work', ({ header, grant }) => ({
    header: { ...header, clockOffset: 600_000 },
    ...(grant && { grant }),
  }))

const SITUATIONS: [title: string, situation: Situation][] = [
  ['nothing special', {}],
  ['--json', { args: ['token', '--json'] }],
  ['--header', { args: ['token', '--header'] }],
  ['--json and --header', { args: ['token', '--json', '--header'] }],
  ['named', { args: ['token', 'work'] }],
  ['an unknown name', { args: ['token', 'wrok'] }],
  ['a minimum that is met', { args: ['token', '--min-ttl', '10m'] }],
  [
    'a minimum longer than what is left',
    { args: ['token', '--min-ttl', '30m'], setup: (one) => left(one, 'work', 1_200_000) },
  ],
  ['a minimum that is too long', { args: ['token', '--min-ttl', '3h'] }],
  ['a minimum that is no time', { args: ['token', '--min-ttl', 'x'] }],
  ['a token of the environment beside it', { env: { GITHUB_TOKEN: 'ghp_of-the-environment' } }],
  [
    'a token of the environment stands in',
    {
      setup: config('auth: {identities: {gh: {kind: github/user}}}\n'),
      args: ['token'],
      env: { GITHUB_TOKEN: 'ghp_x', DAYPASS_IDENTITY: '' },
    },
  ],
  [
    'the environment names one that needs a login',
    { setup: config('auth: {identities: {gh: {kind: github/user}}}\n'), env: { DAYPASS_IDENTITY: 'gh' } },
  ],
  [
    'the folder names another',
    { setup: both((one) => writeFileSync(join(one.home, '.daypass.yaml'), 'identity: other\n')) },
  ],
  [
    'the folder file is wrong',
    { setup: (one) => writeFileSync(join(one.home, '.daypass.yaml'), 'identty: work\n') },
  ],
  [
    'the folder file is a picture',
    { setup: (one) => writeFileSync(join(one.home, '.daypass.yaml'), Buffer.from([0x89, 0x50, 0, 0xff])) },
  ],
  ['a stale token', { setup: (one) => left(one, 'work', 20_000) }],
  ['logged out', { setup: (one) => one.run(['logout', 'work', '--local-only']) }],
  [
    'bound to another server by its issuer',
    { setup: config('auth: {identities: {work: {kind: oidc/user, issuer: https://id.example.com}}}\n') },
  ],
  [
    'bound to another server by its endpoints',
    {
      setup: config(
        'auth: {identities: {work: {kind: oidc/user, endpoints: {token: https://id.example.com/t}}}}\n',
      ),
    },
  ],
  [
    'bound to another server by an endpoint of RFC 8414',
    {
      setup: config(
        'auth: {identities: {work: {kind: oidc/user, endpoints: {token_endpoint: https://id.example.com/t}}}}\n',
      ),
    },
  ],
  ['its name is of another kind now', { setup: config('auth: {identities: {work: {kind: github/user}}}\n') }],
  [
    'the configuration reads its issuer from the environment',
    {
      setup: config('auth: {identities: {work: {kind: oidc/user, issuer: !env ISSUER}}}\n'),
      env: { ISSUER: 'https://id.example.com' },
    },
  ],
  [
    'the configuration became wrong',
    {
      setup: both(config('default: work\n'), (one) =>
        writeFileSync(join(one.daypassHome, 'config.yaml'), 'defualt: x\n'),
      ),
    },
  ],
  [
    'the default of the configuration changed',
    {
      setup: both(
        (one) => one.run(['use', '--unset']),
        config('default: work\n'),
        (one) => writeFileSync(join(one.daypassHome, 'config.yaml'), 'default: nobody\n'),
      ),
    },
  ],
  [
    'a default flag on an identity',
    {
      setup: both(
        (one) => one.run(['use', '--unset']),
        config('auth: {identities: {work: {kind: oidc/user, default: true}}}\n'),
      ),
    },
  ],
  ['no default', { setup: (one) => one.run(['use', '--unset']) }],
  ['a memory store', { env: { DAYPASS_STORE: 'memory' } }],
  ['a store that there is not', { env: { DAYPASS_STORE: 'cloud' } }],
  ['memory in the configuration', { setup: config('auth: {keyring: {type: memory}}\n') }],
  [
    'a record cut short',
    { setup: (one) => writeFileSync(record(one), readFileSync(record(one)).subarray(0, 400)) },
  ],
  [
    'a record with another header',
    { setup: (one) => writeFileSync(record(one), readFileSync(record(one), 'utf8').replace('ada@', 'eve@')) },
  ],
  ['a record that others may read', { setup: (one) => chmodSync(record(one), 0o644) }],
  [
    'no key',
    {
      setup: withoutKey,
    },
  ],
  [
    'a clock offset',
    {
      setup: (one) =>
        change(one, 'work', ({ header, grant }) => ({
          header: { ...header, clockOffset: 3_000_000 },
          ...(grant && { grant }),
        })),
    },
  ],
  ['a damaged state', { setup: (one) => writeFileSync(join(one.daypassHome, 'state.json'), '[]') }],
  ['a home that is a file', { env: { DAYPASS_HOME: '/etc/hosts' } }],
  ['keys of a token', { args: ['credential-process'] }],
  ['keys', { args: ['credential-process'], setup: keys() }],
  ['keys, named', { args: ['credential-process', 'work'], setup: keys() }],
  ['keys of another cloud', { args: ['credential-process', '--format', 'alibaba'], setup: keys() }],
  ['keys of a cloud that there is not', { args: ['credential-process', '--format', 'ibm'], setup: keys() }],
  ['keys with a flag of token', { args: ['credential-process', '--header'], setup: keys() }],
  ['keys with a minimum', { args: ['credential-process', '--min-ttl', '1m'], setup: keys() }],
  ['keys, as JSON', { args: ['credential-process', '--json'], setup: keys() }],
  ['keys of Alibaba Cloud', { args: ['credential-process'], setup: keys({ cloud: 'alibaba' }) }],
  ['keys that are over', { args: ['credential-process'], setup: keys({ expiresAt: Date.now() - 1000 }) }],
  ['keys, logged out', { args: ['credential-process', 'work'], setup: (one) => one.run(['logout', 'work']) }],
  ['keys of nobody', { args: ['credential-process', 'nobody'] }],
  ['keys, no key', { args: ['credential-process'], setup: both(keys(), withoutKey) }],
  ['a token of keys', { args: ['token'], setup: keys() }],
  ['keys on a clock of their own', { args: ['credential-process'], setup: both(keys(), ahead) }],
]

/** `work` becomes a personal access token of a provider of one's own, which was checked at this address. */
const checkedAt = (userinfo: string) => (one: Sandbox) =>
  change(one, 'work', ({ header: { endpoints: _, ...header }, grant }) => ({
    header: {
      ...header,
      provider: 'acme',
      kind: 'acme/user',
      params: {},
      method: 'token',
      endpoints: { userinfo },
    },
    ...(grant && { grant }),
  }))

test.each(['profile', 'userinfo', 'userinfo_endpoint'])(
  'a token is not handed out once %s of its provider is on another host, by neither way',
  async (spelling) => {
    const one = copyOf(base)
    await checkedAt('https://id.example.com/me')(one)
    const at = (host: string) =>
      config(`auth: {providers: {acme: {endpoints: {${spelling}: "https://${host}/me"}}}}\n`)(one)
    await at('id.example.com')
    expect(await watched(one, ['token'])).toMatchObject({ code: 0, stdout: `${kept}\n`, loaded: ['crypto'] })
    await at('other.example.com')
    for (const args of [['token'], slow(['token'])])
      expect(await one.run(args)).toMatchObject({
        code: 4,
        stdout: '',
        stderr: expect.stringContaining(
          'work was logged in at id.example.com, and its definition says other.example.com now',
        ),
      })
  },
)

/** The server's own part is different each time: a renewed token is a token. */
const told = (
  { code, stdout, stderr }: { code: number | null; stdout: string; stderr: string },
  home: string,
) => ({
  code,
  stdout: stdout
    .replace(kept, 'the one that is kept')
    .replace(/at_[\w-]+/g, 'a new one')
    .replace(/"expires_at":"[^"]+"/, ''),
  stderr: stderr.replaceAll(home, '~').replace(/^the token of .* is used\n/m, ''),
})

test.each(SITUATIONS)(
  'the quick way answers as the slow way does: %s',
  async (_, { args = ['token'], env, setup }) => {
    const run = async (argv: string[]) => {
      const one = copyOf(base)
      await setup?.(one)
      return told(await one.run(argv, { ...(env && { env }) }), one.home)
    }
    const [quick, plain] = await Promise.all([run(args), run(slow(args))])
    expect(quick).toEqual(plain)
  },
)

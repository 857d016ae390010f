/** docker's own client, at a registry's door, with the tokens that we hand out. It needs no daemon for that. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startAuthorizationServer } from '../../../src/testing/index.ts'
import { BROWSER, CLI, type RunOptions } from '../../kit/cli.ts'
import { needs } from '../../kit/needs.ts'
import { type RegistryOptions, startRegistry } from '../../kit/registry.ts'
import { box, left } from '../story.ts'

const NAME = join(CLI, '../docker-credential-daypass.cjs')
const NOT_FOUND = 'credentials not found in native keychain\n'

/** A home that has an identity `work` for a registry, for which docker asks us. */
async function scene(auth: RegistryOptions['auth'], personalTokens: string[] = []) {
  const server = await startAuthorizationServer({ personalTokens })
  const one = box({ BROWSER })
  const registry = await startRegistry({
    auth,
    isGood: async (token) =>
      (await fetch(server.endpoints.resource, { headers: { authorization: `Bearer ${token}` } })).ok,
  })
  onTestFinished(async () => {
    await registry.close()
    await server.close()
  })
  const identity = `{ kind: oidc/user, issuer: "${server.issuer}", client_id: ${server.clientId}, hosts: ["${registry.host}"] }`
  mkdirSync(one.daypassHome, { recursive: true })
  writeFileSync(join(one.daypassHome, 'config.yaml'), `auth: { identities: { work: ${identity} } }\n`)
  const bin = join(one.home, 'bin')
  mkdirSync(bin)
  const path = `${bin}:${one.env.PATH}`
  symlinkSync(NAME, join(bin, 'docker-credential-daypass'))
  mkdirSync(join(one.home, '.docker'))
  writeFileSync(
    join(one.home, '.docker/config.json'),
    JSON.stringify({ credHelpers: { [registry.host]: 'daypass' } }),
  )
  const docker = (words: string[], env: Record<string, string> = {}) =>
    one.run(words, { program: ['docker'], env: { PATH: path, ...env } })
  const inspect = (env?: Record<string, string>) =>
    docker(['manifest', 'inspect', '--insecure', `${registry.host}/project:latest`], env)
  const login = async () => expect(await one.run(['login', 'work'])).toMatchObject({ code: 0 })
  const helper = (operation: string, input = '', more: RunOptions = {}) =>
    one.run([operation], { ...more, input, program: [process.execPath, NAME] })
  return { server, one, path, registry, docker, inspect, login, helper }
}

test.for(['basic', 'token'] as const)(
  'a registry that wants %s is shown the token, across an expiry',
  async (auth, context) => {
    needs(context, 'docker')
    const { registry, one, inspect, login, server } = await scene(auth)
    await login()
    const first = await inspect()
    expect(first, first.stderr).toMatchObject({ code: 0 })
    expect(JSON.parse(first.stdout)).toMatchObject({ schemaVersion: 2 })
    const before = registry.seen.at(-1)!
    expect(before).toMatchObject({ user: 'ada@example.com', token: expect.stringMatching(/^at_/) })
    await left(one, 'work', -1000)
    const second = await inspect()
    expect(second, second.stderr).toMatchObject({ code: 0 })
    expect(registry.seen.at(-1)!.token).not.toBe(before.token)
    expect(server.stats().refreshes).toBe(1)
  },
)

test('a token of nobody’s name is an identity token, which docker has exchanged', async (context) => {
  needs(context, 'docker')
  const { registry, one, inspect, server } = await scene('token', ['acme-token'])
  const acme = `{ issuer: "${server.issuer}", client_id: x, hosts: ["${registry.host}"], env: ACME_TOKEN }`
  writeFileSync(join(one.daypassHome, 'config.yaml'), `auth: { providers: { acme: ${acme} } }\n`)
  const { code, stderr } = await inspect({ ACME_TOKEN: 'acme-token' })
  expect(code, stderr).toBe(0)
  expect(registry.seen.at(-1)).toEqual({ user: '<token>', token: 'acme-token' })
})

test('`setup docker` is all that it takes', async (context) => {
  needs(context, 'docker')
  const { registry, one, inspect, login, path } = await scene('basic')
  await login()
  const config = join(one.home, '.docker/config.json')
  const before = '{"auths": {}, "credsStore": "none-of-ours"}'
  writeFileSync(config, before)
  const setup = await one.run(['setup', 'docker', 'work'])
  expect(setup.stderr).toContain(`✓ Helper for ${registry.host} is in ${config}\n`)
  expect(setup.stderr).toContain('! docker will look for docker-credential-daypass on its PATH')
  const again = await one.run(['setup', 'docker', 'work'], { env: { PATH: path } })
  expect(again.stderr).not.toContain('will look for')
  const { code, stderr } = await inspect()
  expect(code, stderr).toBe(0)
  expect((await one.run(['setup', 'docker', '--undo'])).code).toBe(0)
  expect(readFileSync(config, 'utf8')).toBe(before)
})

// https://github.com/docker/cli/blob/v28.2.2/cli/config/configfile/file.go, getConfiguredCredentialStore
test('docker’s own registry has the name that docker asks for', async () => {
  const { one, helper, server } = await scene('basic')
  const work = `{ kind: oidc/user, issuer: "${server.issuer}", client_id: ${server.clientId}, hosts: ["index.docker.io"] }`
  writeFileSync(join(one.daypassHome, 'config.yaml'), `auth: { identities: { work: ${work} } }\n`)
  expect((await one.run(['login', 'work'])).code).toBe(0)
  const setup = await one.run(['setup', 'docker', 'work'])
  expect(setup.stderr).toContain('Try it: docker manifest inspect docker.io/OWNER/IMAGE\n')
  const name = 'https://index.docker.io/v1/'
  expect(JSON.parse(readFileSync(join(one.home, '.docker/config.json'), 'utf8')).credHelpers).toHaveProperty([
    name,
  ])
  expect(JSON.parse((await helper('list')).stdout)).toEqual({ [name]: 'ada@example.com' })
  expect((await helper('get', name)).code).toBe(0)
  // What its own login keeps there, and would send elsewhere.
  expect(await helper('get', `${name}refresh-token`)).toMatchObject({ code: 1, stdout: NOT_FOUND })
  expect((await one.run(['setup', 'docker', '--undo'])).code).toBe(0)
})

test('a registry that nobody knows is to be said', async () => {
  const one = box()
  mkdirSync(one.daypassHome, { recursive: true })
  const own = '{ kind: gitlab/user, issuer: "https://gitlab.example.com" }'
  writeFileSync(join(one.daypassHome, 'config.yaml'), `auth: { identities: { lab: ${own} } }\n`)
  const { code, stderr } = await one.run(['setup', 'docker', 'lab'])
  expect([code, stderr]).toEqual([
    2,
    'error: nobody knows the registry of lab\n  write it into config.yaml: auth.identities.lab.hosts, with its other hosts\n',
  ])
})

test('a login that is needed is one line, and docker goes on without', async (context) => {
  needs(context, 'docker')
  const { registry, inspect, helper } = await scene('basic')
  const { code, stderr } = await inspect()
  expect(code).not.toBe(0)
  expect(stderr).toContain('! work needs a login: nothing is kept for it; next: daypass login work\n')
  expect(registry.seen).toEqual([])
  expect(await helper('get', registry.host)).toMatchObject({ code: 1, stdout: NOT_FOUND })
})

test('a password of one’s own is not kept, and docker says so', async (context) => {
  needs(context, 'docker')
  const { registry, docker, login, one } = await scene('basic')
  await login()
  const token = (await one.run(['token', 'work'])).stdout.trim()
  const { code, stderr, stdout } = await docker(['login', '-u', 'ada', '-p', token, registry.host])
  if (stderr.includes('daemon')) return context.skip('docker wants a daemon for a login')
  expect(code).not.toBe(0)
  expect(stderr + stdout).toContain('daypass keeps no passwords of registries')
  expect(stderr + stdout).not.toContain(token)
})

test('get, list, store and erase, as docker calls them', async () => {
  const { registry, helper, login, one } = await scene('basic')
  expect(await helper('list')).toMatchObject({ code: 0, stdout: '{}\n' })
  await login()
  const token = (await one.run(['token', 'work'])).stdout.trim()
  for (const server of [
    registry.host,
    `https://${registry.host}`,
    `http://${registry.host}/v2/`,
    `${registry.host}\n`,
  ]) {
    const { stdout, stderr } = await helper('get', server)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      ServerURL: server.trim(),
      Username: 'ada@example.com',
      Secret: token,
    })
  }
  expect((await helper('list')).stdout).toBe(`{"${registry.host}":"ada@example.com"}\n`)
  const said = JSON.stringify({ ServerURL: registry.host, Username: 'ada', Secret: 'of-somebody-else' })
  const store = await helper('store', said)
  expect(store).toMatchObject({ code: 1, stderr: '' })
  expect(store.stdout).toMatch(/^daypass keeps no passwords of registries[^\n]+; next: [^\n]+\n$/)
  expect(store.stdout).not.toContain('of-somebody-else')
  expect(await helper('erase', registry.host)).toMatchObject({ code: 0, stdout: '', stderr: '' })
  expect((await helper('get', registry.host)).code).toBe(0)
  expect(await helper('whatever')).toMatchObject({ code: 1 })
  await one.run(['logout', 'work'])
  expect((await helper('list')).stdout).toBe('{}\n')
})

test.each([
  'ghcr.io.evil.test',
  'evil.test',
  'ghcr.io:444',
  'http://ghcr.io',
  'https://user@ghcr.io',
  'https://ghcr.io@evil.test',
  'https://evil.test/ghcr.io',
  'ｇhcr.io',
  'ghcr.io\n.evil.test',
  'ghcr.io evil.test',
  'https://',
  '',
])('nothing for %j', async (server) => {
  const one = box({ GITHUB_TOKEN: 'ghp_of-the-environment' })
  const { code, stdout, stderr } = await one.run(['docker-credential', 'get'], { input: server })
  expect([code, stdout, stderr]).toEqual([1, NOT_FOUND, ''])
  expect((await one.run(['docker-credential', 'get'], { input: 'ghcr.io' })).code).toBe(0)
})

test('what goes wrong is said where docker shows it', async () => {
  const one = box()
  const get = await one.run(['docker-credential', 'get', '-i', 'nobody'], { input: 'ghcr.io' })
  expect(get).toMatchObject({ code: 1, stderr: '' })
  expect(get.stdout).toMatch(/^there is no identity "nobody"; next: [^\n]+\n$/)
})

/** git itself, over HTTP, with the tokens that we hand out. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, type TestContext, test } from 'vitest'
import { type AuthorizationServerOptions, startAuthorizationServer } from '../../../src/testing/index.ts'
import { BROWSER, CLI, type RunOptions } from '../../kit/cli.ts'
import { startGitServer } from '../../kit/git-server.ts'
import { needs } from '../../kit/needs.ts'
import { makeTls } from '../../kit/tls.ts'
import { expectNone, processesOf } from '../../process/leaks.ts'
import { box, filesBelow, left } from '../story.ts'

const NAME = join(CLI, '../git-credential-daypass.cjs')

/** A home that is logged in as `work`, whose tokens are for a git server; git's helper is ours. */
async function scene(context: TestContext, options: AuthorizationServerOptions = {}, isTls = false) {
  needs(context, 'git', ...(isTls ? ['openssl'] : []))
  const server = await startAuthorizationServer(options)
  const one = box({ BROWSER, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' })
  const tls = isTls ? makeTls(join(one.home, 'tls')) : undefined
  const git = await startGitServer({
    ...(tls && { tls }),
    root: join(one.home, 'served'),
    isGood: async (token) => {
      const headers = { authorization: `Bearer ${token}` }
      return (await fetch(server.endpoints.resource, { headers })).ok
    },
  })
  onTestFinished(async () => {
    await git.close()
    await server.close()
  })
  const identity = `{ kind: oidc/user, issuer: "${server.issuer}", client_id: ${server.clientId}, hosts: ["${git.host}"] }`
  mkdirSync(one.daypassHome, { recursive: true })
  const configure = (more = '') =>
    writeFileSync(
      join(one.daypassHome, 'config.yaml'),
      `auth: { identities: { work: ${identity}${more} } }\n`,
    )
  configure()
  // As npm installs it.
  const bin = join(one.home, 'bin')
  mkdirSync(bin)
  symlinkSync(NAME, join(bin, 'git-credential-daypass'))
  const path = `${bin}:${one.env.PATH}`
  const run = (words: string, more: RunOptions = {}) =>
    one.run(words.split(' '), {
      ...more,
      program: ['git'],
      env: { PATH: path, GIT_SSL_CAINFO: tls?.ca, ...more.env },
    })
  const config =
    '[credential]\n\thelper = daypass\n[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n'
  writeFileSync(join(one.home, '.gitconfig'), config)
  const login = async () => expect(await one.run(['login', 'work'])).toMatchObject({ code: 0 })
  return { server, one, git, run, login, identity, configure, url: git.repository('project') }
}

type Scene = Awaited<ReturnType<typeof scene>>

const ok = async (running: ReturnType<Scene['run']>) => {
  const result = await running
  expect(result, result.stderr).toMatchObject({ code: 0 })
  return result
}

/** Clones, commits, pushes. */
async function work({ run, one, url }: Scene, folder: string): Promise<void> {
  await ok(run(`clone --quiet ${url} ${folder}`))
  writeFileSync(join(one.home, folder, folder), folder)
  const cwd = join(one.home, folder)
  await ok(run(`add ${folder}`, { cwd }))
  await ok(run(`commit --quiet -m ${folder}`, { cwd }))
  await ok(run('push --quiet origin HEAD', { cwd }))
}

test('clones and pushes, across an expiry', async (context) => {
  const all = await scene(context)
  const { git, one, run, url, server, login } = all
  await login()
  await work(all, 'first')
  const [before] = git.seen
  expect(before).toMatchObject({ user: 'oauth2', token: expect.stringMatching(/^at_/) })
  await left(one, 'work', -1000)
  await work(all, 'second')
  expect(git.seen.at(-1)!.token).not.toBe(before!.token)
  expect(server.stats().refreshes).toBe(1)
  expect((await ok(run(`ls-remote ${url}`))).stdout).toContain('refs/heads/main')
})

test('`setup git` is all that it takes, over TLS, and no other helper hears of it', async (context) => {
  const all = await scene(context, {}, true)
  const { one, login, run, url, git } = all
  await login()
  const config = join(one.home, '.gitconfig')
  const before = readFileSync(config, 'utf8').replace('helper = daypass', 'helper = store')
  writeFileSync(config, before)
  const dry = await one.run(['setup', 'git', 'work', '--dry-run'])
  expect(dry.stdout).toContain(`+[credential "https://${git.host}"]`)
  expect(readFileSync(config, 'utf8')).toBe(before)
  const setup = await one.run(['setup', 'git', 'work', '--json'])
  expect(setup, setup.stderr).toMatchObject({ code: 0 })
  expect(JSON.parse(setup.stdout)).toMatchObject({ helper: git.host, file: config, changed: true })
  await work(all, 'project')
  expect(url).toMatch(/^https:/)
  expect(existsSync(join(one.home, '.git-credentials'))).toBe(false)
  expect((await one.run(['setup', 'git', '--undo'])).stderr).toBe(
    `Helper for ${git.host} is gone, and ${config} is as it was before\n`,
  )
  expect(readFileSync(config, 'utf8')).toBe(before)
  expect((await run(`ls-remote ${url}`)).code).not.toBe(0)
})

test('who has no token has nothing for git', async () => {
  const one = box({ AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' })
  expect(await one.run(['setup', 'git'])).toMatchObject({ code: 2, stdout: '' })
  mkdirSync(one.daypassHome, { recursive: true })
  writeFileSync(join(one.daypassHome, 'config.yaml'), 'auth: { identities: { cloud: { kind: aws/user } } }\n')
  const { code, stderr } = await one.run(['setup', 'git', 'cloud'])
  expect([code, stderr]).toEqual([
    2,
    'error: cloud has keys of AWS, and git wants a token\n  daypass list shows who there is\n',
  ])
  const wrong = await one.run(['setup', 'git', 'cloud', '--as', 'name'])
  expect(wrong.stderr).toBe(
    'error: --as says nothing to `daypass setup git`\n  daypass setup git <identity>\n',
  )
})

test('a token that is revoked is refused once, and the next try has another one', async (context) => {
  const { server, run, url, login, git } = await scene(context)
  await login()
  await ok(run(`ls-remote ${url}`))
  server.expireAccessTokens()
  // git has no second try of its own: it tells its helper, and gives up.
  const refused = await run(`ls-remote ${url}`)
  expect(refused.code).not.toBe(0)
  expect(server.stats().refreshes).toBe(1)
  await ok(run(`ls-remote ${url}`))
  expect(server.stats().refreshes).toBe(1)
  expect(new Set(git.seen.map(({ token }) => token)).size).toBe(2)
})

test('a login that is needed is one line, and git goes on to whoever is next', async (context) => {
  const { run, url, git, one } = await scene(context)
  const failed = await run(`ls-remote ${url}`)
  expect(failed.code).not.toBe(0)
  expect(failed.stderr).toMatch(/^! work needs a login: nothing is kept for it; next: daypass login work\n/)
  const answer = await one.run(['git-credential', 'get'], { input: `protocol=http\nhost=${git.host}\n\n` })
  expect(answer).toMatchObject({ code: 0, stdout: '' })
  expect(git.seen).toEqual([])
})

test('one of several is named in the address', async (context) => {
  const { run, url, git, one, configure, identity } = await scene(context)
  configure(`, home: ${identity}`)
  for (const name of ['work', 'home']) expect((await one.run(['login', name])).code).toBe(0)
  await one.run(['use', '--unset'])
  const guess = await run(`ls-remote ${url}`)
  expect(guess.stderr).toContain(
    `! several identities are for ${git.host}: home, work; next: daypass use NAME, or http://NAME@${git.host}/…\n`,
  )
  await ok(run(`ls-remote ${url.replace('//', '//home@')}`))
  const token = (await one.run(['token', 'home'])).stdout.trim()
  expect(git.seen.at(-1)).toEqual({ user: 'oauth2', token })
})

test('a folder chooses', async (context) => {
  const { run, url, git, one, configure, identity } = await scene(context)
  configure(`, home: ${identity}`)
  for (const name of ['work', 'home']) expect((await one.run(['login', name])).code).toBe(0)
  const cwd = join(one.home, 'here')
  mkdirSync(cwd)
  expect((await one.run(['use', 'home', '--here'], { cwd })).code).toBe(0)
  await ok(run(`ls-remote ${url}`, { cwd }))
  const token = (await one.run(['token', 'home'])).stdout.trim()
  expect(git.seen.at(-1)).toEqual({ user: 'oauth2', token })
})

test.each([
  ['another host', 'protocol=https\nhost=evil.test\n\n'],
  ['another port', 'protocol=http\nhost=127.0.0.1:9\n\n'],
  ['plain http to the world', 'protocol=http\nhost=github.com\n\n'],
  ['a host below it', 'protocol=https\nhost=github.com.evil.test\n\n'],
  ['no host', 'protocol=https\n\n'],
  ['nothing', ''],
])('silence for %s', async (_, input) => {
  const one = box({ GITHUB_TOKEN: 'ghp_of-the-environment' })
  const answer = await one.run(['git-credential', 'get'], { input })
  expect(answer).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
})

test.each([
  ['a carriage return', 'protocol=https\nhost=github.com\r\n\n'],
  ['two hosts', 'protocol=https\nhost=github.com\nhost=evil.test\n\n'],
  ['too much', `path=${'x'.repeat(2 * 1024 * 1024)}\n`],
])('what git would not say is refused in one line: %s', async (_, input) => {
  const one = box({ GITHUB_TOKEN: 'ghp_of-the-environment' })
  const answer = await one.run(['git-credential', 'get'], { input })
  expect(answer).toMatchObject({ code: 2, stdout: '' })
  expect(answer.stderr).toMatch(/^error: [^\n]+; next: [^\n]+\n$/)
})

test('by its other name, by hand, and what is not for it', async () => {
  const one = box({ GITHUB_TOKEN: 'ghp_of-the-environment' })
  const input = 'protocol=https\nhost=github.com\n\n'
  const answer = 'username=x-access-token\npassword=ghp_of-the-environment\n'
  const named = await one.run(['get'], { input, program: [process.execPath, NAME] })
  expect(named).toMatchObject({ code: 0, stdout: answer, stderr: '' })
  expect(await one.run(['git-credential', 'get'], { input })).toMatchObject({ stdout: answer })
  const said = `${input.trimEnd()}\nusername=ada\npassword=of-somebody-else\noauth_refresh_token=rt\n`
  for (const operation of ['store', 'erase', 'whatever-comes'])
    expect(await one.run(['git-credential', operation], { input: said })).toEqual({
      code: 0,
      signal: null,
      stdout: '',
      stderr: '',
    })
  expect(await one.run(['git-credential'])).toMatchObject({ code: 2 })
})

test('git 2.46 and a server that wants a bearer token', async (context) => {
  const { one, git, login } = await scene(context)
  await login()
  const input = `capability[]=authtype\ncapability[]=state\nprotocol=http\nhost=${git.host}\nwwwauth[]=Bearer realm="git"\n\n`
  const { stdout, stderr } = await one.run(['git-credential', 'get'], { input })
  const token = (await one.run(['token', 'work'])).stdout.trim()
  expect(stderr).toBe('')
  expect(stdout).toMatch(
    new RegExp(
      `^capability\\[\\]=authtype\nauthtype=Bearer\ncredential=${token}\nephemeral=1\npassword_expiry_utc=\\d{10}\n$`,
    ),
  )
  // As it gives back what was refused.
  const back = `capability[]=authtype\nauthtype=Bearer\ncredential=${token}\nprotocol=http\nhost=${git.host}\n`
  expect((await one.run(['git-credential', 'erase'], { input: back })).code).toBe(0)
  expect((await one.run(['token', 'work'])).stdout.trim()).not.toBe(token)
})

test('through `serve --proxy`: a program clones and pushes across an expiry, and never holds the token', async (context) => {
  const { server, one, git, login, url } = await scene(context)
  await login()
  const serving = one.start(['serve', 'work', '--proxy', '--json'])
  const [line] = await serving.waitFor(/^\{.*\}$/m)
  const { authorization_token_file: file, hosts, ...told } = JSON.parse(line)
  expect(told).toEqual({ url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/), env: {}, unset: [] })
  const prefix = `${told.url}/${git.host}`
  expect(hosts).toEqual({ [git.host]: prefix })
  // A home of its own, with the bearer and nothing of ours.
  const other = box({ GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' })
  const config = [
    '[user]\n\tname = Ada\n\temail = ada@example.com\n',
    `[url "${prefix}/"]\n\tinsteadOf = http://${git.host}/\n`,
    `[credential "${told.url}"]\n\thelper = "!f() { echo username=any; echo password=$(cat '${file}'); }; f"\n`,
  ]
  writeFileSync(join(other.home, '.gitconfig'), config.join(''))
  const seen: string[] = []
  const run = async (words: string, more: RunOptions = {}) => {
    const running = other.start(words.split(' '), { ...more, program: ['git'] })
    seen.push(...processesOf(other))
    const result = await running.ended
    seen.push(result.stdout, result.stderr)
    return result
  }
  const all = { run, one: other, url } as Scene
  await work(all, 'first')
  await left(one, 'work', -1000)
  await work(all, 'second')
  expect((await ok(run(`ls-remote ${url}`))).stdout).toContain('refs/heads/main')
  // Revoked, it is renewed at once, and git never hears of it.
  server.expireAccessTokens()
  await ok(run(`ls-remote ${url}`))
  expect(server.stats().refreshes).toBe(2)
  expect(new Set(git.seen.map(({ user }) => user))).toEqual(new Set(['any']))
  expect(new Set(git.seen.map(({ token }) => token)).size).toBe(3)

  const bearer = readFileSync(file, 'utf8')
  expect((await run(`ls-remote ${prefix.replace('//', '//ada:x@')}/project.git`)).code).not.toBe(0)
  const asked = (path: string) =>
    fetch(`${told.url}${path}`, { headers: { authorization: `token ${bearer}` } })
  expect((await asked('/evil.test/')).status).toBe(404)
  await one.run(['logout', 'work'])
  const after = await asked(`/${git.host}/project.git/info/refs`)
  expect([after.status, await after.text()]).toEqual([401, expect.stringContaining('daypass login work')])
  serving.kill()
  const { stdout, stderr } = await serving.ended
  expect(existsSync(file)).toBe(false)
  expectNone(server.issued(), [...seen, stdout, stderr, ...filesBelow(other.home).values()], seen)
})

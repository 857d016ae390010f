/** What others see of a whole story with git, docker and kubectl: no secret, unless it was asked for. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startAuthorizationServer } from '../../src/testing/index.ts'
import { box, filesBelow, left, logIn } from '../cli/story.ts'
import { expectNone, watching } from './leaks.ts'

const THEIRS = 'hunter2-of-somebody-else'

test('no secret is seen or lies about', async () => {
  const server = await startAuthorizationServer({ refresh: 'survives' })
  onTestFinished(() => server.close())
  const one = box()
  const watched = watching(one, { env: { KUBECONFIG: join(one.home, 'kubeconfig') } })
  const run = (words: string, code: number, input = '') => watched.run(words, code, { input })

  await logIn(one, server)
  const host = new URL(server.issuer).host
  const git = `protocol=http\nhost=${host}\n`
  const asked = await run('git-credential get', 0, git)
  const password = /password=(.+)/.exec(asked.stdout)![1]!
  expect(password).toMatch(/^at_/)
  await run('git-credential store', 0, `${git}username=oauth2\npassword=${THEIRS}\n`)
  await run('git-credential erase', 0, `${git}username=oauth2\npassword=${THEIRS}\n`)
  await run('git-credential erase', 0, `${git}username=oauth2\npassword=${password}\n`)
  await run('git-credential get', 2, `${git}password=${THEIRS}\r\n`)
  await run('git-credential get', 2, `${git}${THEIRS}\n`)
  await run('docker-credential get', 0, `http://${host}`)
  const stored = await run('docker-credential store', 1, JSON.stringify({ ServerURL: host, Secret: THEIRS }))
  expect(stored.stdout).not.toContain(THEIRS)
  await run('docker-credential list', 0)
  await run('kube-credential', 0)
  await run('kube-credential work', 0)

  // What stood in the files of these tools before, and what goes wrong, talks more.
  const own = `[http]\n\textraHeader = "Authorization: ${THEIRS}"\n[credential "http://${host}"]\n\thelper = "!echo password=${THEIRS}"`
  writeFileSync(join(one.home, '.gitconfig'), own)
  writeFileSync(join(one.home, 'kubeconfig'), `users:\n- name: work\n  user: {token: ${THEIRS}}\n`)
  await run('setup git work', 2)
  await run('setup kubectl work', 2)
  for (const tool of ['git', 'docker', 'kubectl']) {
    await run(`setup ${tool} work --force --dry-run`, 0)
    await run(`setup ${tool} work --force`, 0)
    await run(`setup ${tool} work --force --json`, 0)
    await run(`setup ${tool} --undo`, 0)
  }
  expect(readFileSync(join(one.home, '.gitconfig'), 'utf8')).toBe(own)
  for (const fault of [
    { status: 500, body: 'trouble' },
    { status: 400, body: 'what' },
    { cut: 'after' as const },
  ]) {
    for (const [words, input, code] of [
      ['git-credential get', git, fault.status === 400 ? 0 : 5],
      ['docker-credential get', host, 1],
      ['kube-credential work', '', fault.status === 400 ? 4 : 5],
    ] as const) {
      await left(one, 'work', -1000)
      server.failNext({ endpoint: 'refresh', ...fault })
      await run(words, code, input)
    }
  }
  server.killFamilies()
  await left(one, 'work', -1000)
  await run('git-credential get', 0, git)
  await run('docker-credential get', 1, host)
  await run('kube-credential work', 4)

  const given = [...server.issued(), THEIRS]
  expect(given.length).toBeGreaterThan(10)
  const files = [...filesBelow(one.home)].filter(([path]) => !/\.gitconfig$|kubeconfig$/.test(path))
  const { seen } = watched
  expectNone(given, [...seen, ...files.map(([, text]) => text)], seen)
})

import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { delimiter, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, type TestContext, test } from 'vitest'
import { parse } from 'yaml'
import { resolveKubeconfigPaths } from '../../../src/tools/kubectl/kubeconfig.ts'
import { createKubectlSetup, type KubectlSetup, undoKubectlSetup } from '../../../src/tools/kubectl/setup.ts'
import { applySetup, previewSetup, undoSetup } from '../../../src/tools/setup-plan.ts'
import { runs } from '../../fuzz.ts'
import { needs } from '../../kit/needs.ts'
import { failure, folderOf } from '../../vault/support.ts'

const WORK: KubectlSetup = {
  user: 'work',
  identity: 'work',
  command: ['/usr/bin/node', '/opt/daypass/cli.cjs', 'kube-credential', 'work'],
  apiVersion: 'client.authentication.k8s.io/v1',
}

const OURS = `- name: work
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: /usr/bin/node
      args:
      - /opt/daypass/cli.cjs
      - kube-credential
      - work
      interactiveMode: Never
      provideClusterInfo: true
`

const USER = { exec: parse(OURS)[0].user.exec }

/** As kubectl writes it, with what a person may have in it. */
const HAND_MADE = `# mine
apiVersion: v1
clusters:
- cluster:
    server: https://127.0.0.1:6443 # at home
  name: home
contexts:
- context: {cluster: home, user: admin}
  name: home
current-context: home
kind: Config
preferences: {}
users:
- name: admin
  user:
    token: of-somebody   # soon over
# the end
`

function home(context: Pick<TestContext, 'onTestFinished'>, text?: string) {
  const folder = folderOf(context)
  const path = join(folder, 'config')
  const ledger = join(folder, 'state', 'setup.json')
  const others = [join(folder, 'other')]
  const write = (now: string, name = 'config') => fs.writeFileSync(join(folder, name), now)
  if (text !== undefined) write(text)
  const what = (request: KubectlSetup) => createKubectlSetup(request, { path, others })
  return {
    path,
    write,
    read: () => fs.readFileSync(path, 'utf8'),
    said: () => parse(fs.readFileSync(path, 'utf8')),
    set: (request: KubectlSetup = WORK) => applySetup(what(request), ledger),
    preview: (request: KubectlSetup = WORK) => previewSetup(what(request), ledger),
    undo: (meant = {}) => undoSetup(ledger, 'kubectl', meant, undoKubectlSetup),
  }
}

const kubectl = (path: string, ...words: string[]) =>
  execFileSync('kubectl', ['--kubeconfig', path, 'config', ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })

describe('set up', () => {
  test('a kubeconfig that was not there is 0600, and undo leaves none', async (context) => {
    const { set, undo, read, path } = home(context)
    await set()
    expect(read()).toBe(`apiVersion: v1\nkind: Config\nusers:\n${OURS}`)
    expect(fs.statSync(path).mode & 0o777).toBe(0o600)
    expect(await undo()).toMatchObject([{ place: 'work', outcome: 'restored' }])
    expect(fs.existsSync(path)).toBe(false)
  })

  test('every other byte stays, and undo has them all again', async (context) => {
    const { set, undo, read } = home(context, HAND_MADE)
    await set()
    expect(read()).toBe(HAND_MADE.replace('# the end\n', `${OURS}# the end\n`))
    await undo()
    expect(read()).toBe(HAND_MADE)
  })

  test.for([
    ['users: []', 'kind: Config\nusers: []\ncurrent-context: ""\n'],
    ['users: null', 'kind: Config\nusers: null\r\n'],
    ['users:, and nothing', 'users:\nkind: Config\n'],
    ['no users', 'kind: Config'],
    ['a comment alone', '# mine\n'],
    ['lists that are indented', 'users:\n  - name: admin\n    user: {}\nkind: Config\n'],
    ['no end of the last line', 'users:\n- name: admin\n  user: {}'],
    ['the lines of Windows', 'kind: Config\r\nusers:\r\n- name: admin\r\n  user: {}\r\n'],
    ['a text in lines', 'users:\n- name: admin\n  user:\n    token: |\n      a\n      b\n\nkind: Config\n'],
    ['a file of nothing', ''],
  ])('of a kubeconfig with %s', async ([, before], context) => {
    const { set, undo, read, said } = home(context, before)
    await set()
    expect(said().users.at(-1)).toEqual({ name: 'work', user: USER })
    expect(said().users.length).toBe((parse(before!)?.users?.length ?? 0) + 1)
    await undo()
    expect(read()).toBe(before)
  })

  test('twice is once, after kubectl has written it in its own way, too', async (context) => {
    needs(context, 'kubectl')
    const { set, read, path } = home(context, HAND_MADE)
    await set()
    expect((await set()).edits).toEqual([])
    kubectl(path, 'set-context', 'home', '--user=work')
    const rewritten = read()
    expect(rewritten).not.toContain('# mine')
    expect((await set()).edits).toEqual([])
    expect(read()).toBe(rewritten)
  })

  test('a user of that name is not pushed aside without being told to', async (context) => {
    const { set, undo, read } = home(context, HAND_MADE)
    const admin = { ...WORK, user: 'admin' }
    const { hint } = await failure(() => set(admin), 'usage')
    expect(hint).toContain('--as admin --force')
    expect(read()).toBe(HAND_MADE)
    await set({ ...admin, force: true })
    expect(read()).not.toContain('of-somebody')
    await undo()
    expect(read()).toBe(HAND_MADE)
  })

  test('ours is changed where our program lies elsewhere', async (context) => {
    const { set, undo, said, read } = home(context, HAND_MADE)
    await set()
    await set({ ...WORK, command: ['/opt/node', ...WORK.command.slice(1)] })
    expect(said().users).toHaveLength(2)
    expect(said().users[1].user.exec.command).toBe('/opt/node')
    await undo()
    expect(read()).toBe(HAND_MADE)
  })

  test('a user of that name in another file of kubectl is refused', async (context) => {
    const { set, write, path } = home(context)
    write(`users:\n- name: work\n  user: {}\n`, 'other')
    const { message } = await failure(() => set({ ...WORK, force: true }), 'usage')
    expect(message).toContain('other')
    expect(fs.existsSync(path)).toBe(false)
  })

  test('a dry run shows no token, and changes nothing', (context) => {
    const { preview, read } = home(context, HAND_MADE)
    const { diff } = preview()
    expect(diff).toContain('+      - kube-credential\n')
    expect(diff).not.toContain('of-somebody')
    expect(read()).toBe(HAND_MADE)
  })

  test.for([
    '{"apiVersion":"v1","users":[]}',
    'users: [{name: admin, user: {}}]\n',
    'users: {}\n',
    'users: text\n',
    'a: b\n---\nc: d\n',
    '- a\n',
    'users: [',
  ])('what is written in another way is left alone, with what to type: %j', async (text, context) => {
    const { set, read } = home(context, text)
    const { hint } = await failure(() => set(), 'configuration')
    expect(hint).toMatch(/kubectl config/)
    expect(read()).toBe(text)
  })

  test.each(['on', '007', 'a: b', '"', 'ä'])('a user may be called %j', async (user) => {
    const cleanUp: (() => void)[] = []
    const { set, said, undo, read } = home(
      { onTestFinished: (work) => void cleanUp.push(work as never) },
      HAND_MADE,
    )
    await set({ ...WORK, user })
    expect(said().users[1].name).toBe(user)
    await undo()
    expect(read()).toBe(HAND_MADE)
    for (const work of cleanUp) work()
  })
})

describe('undo, where others have changed it since', () => {
  test('takes ours away and leaves theirs', async (context) => {
    const { set, undo, write, read } = home(context, HAND_MADE)
    await set()
    write(`${read()}# more\n`)
    expect(await undo()).toMatchObject([{ outcome: 'removed' }])
    expect(read()).toBe(`${HAND_MADE}# more\n`)
  })

  test('in what kubectl has written anew, and says which context is without a user now', async (context) => {
    needs(context, 'kubectl')
    const { set, undo, path, said } = home(context)
    await set()
    kubectl(path, 'set-context', 'there', '--user=work', '--cluster=home')
    expect(await undo()).toMatchObject([
      { outcome: 'removed', notes: ['context there names the user work still'] },
    ])
    expect(said().users ?? []).toEqual([])
    expect(kubectl(path, 'get-contexts', '-o', 'name')).toBe('there\n')
  })

  test('brings back who was there before', async (context) => {
    const { set, undo, write, read } = home(context, HAND_MADE)
    await set({ ...WORK, user: 'admin', force: true })
    write(read().replace('# mine', '# yours'))
    await undo()
    expect(read()).toBe(HAND_MADE.replace('# mine', '# yours'))
  })

  test('has nothing to do where ours is gone, or another program’s', async (context) => {
    const { set, undo, write, read } = home(context)
    await set()
    const theirs = 'users:\n- name: work\n  user: {token: x}\n'
    write(theirs)
    expect(await undo()).toMatchObject([{ outcome: 'gone' }])
    expect(read()).toBe(theirs)
  })

  test('leaves alone what it cannot change safely', async (context) => {
    const { set, undo, write, read } = home(context)
    await set()
    const flow = JSON.stringify({
      users: [
        { name: 'work', user: USER },
        { name: 'admin', user: {} },
      ],
    })
    write(flow)
    await failure(() => undo(), 'configuration')
    expect(read()).toBe(flow)
  })
})

test('any kubeconfig has its users and one more, and is as it was after undo', async (context) => {
  const { set, undo, write, read, said } = home(context, '')
  const name = fc.constantFrom('admin', 'a', 'b: c', '# no', '- x')
  const user = fc.constantFrom(
    { token: 'x' },
    { exec: { command: 'aws', args: ['-', 'eks'], env: [{ name: 'A', value: 'b' }] } },
    {},
    null,
  )
  const users = fc.uniqueArray(fc.record({ name, user }), {
    selector: ({ name: each }) => each,
    maxLength: 3,
  })
  const noise = fc.constantFrom('', '# c\n', '\n', 'preferences: {}\n')
  const { stringify } = await import('yaml')
  const indentSeq = fc.boolean()
  await fc.assert(
    fc.asyncProperty(users, noise, noise, indentSeq, async (all, above, below, isIndented) => {
      const before = `${above}${stringify({ users: all, kind: 'Config' }, { indentSeq: isIndented })}${above ? below.replace(/^pref.*\n/, '') : below}`
      write(before)
      await set()
      expect(said().users).toEqual([...all, { name: 'work', user: USER }])
      await undo()
      expect(read()).toBe(before)
    }),
    runs(60),
  )
})

test('the kubeconfig is the one that kubectl writes to', (context) => {
  const HOME = folderOf(context)
  const at = (KUBECONFIG?: string) =>
    resolveKubeconfigPaths({ HOME, ...(KUBECONFIG && { KUBECONFIG }) }, 'linux')
  expect(at()).toEqual({ path: join(HOME, '.kube/config'), others: [] })
  const [a, b] = [join(HOME, 'a'), join(HOME, 'b')]
  expect(at(a)).toEqual({ path: a, others: [] })
  expect(at([a, b].join(delimiter))).toEqual({ path: b, others: [a] })
  fs.writeFileSync(a, '')
  expect(at(['', a, b].join(delimiter))).toEqual({ path: a, others: [b] })
})

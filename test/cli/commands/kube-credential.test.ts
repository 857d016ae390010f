/** kubectl itself, at a cluster's door, with the tokens that we hand out. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, type TestContext, test } from 'vitest'
import { Secret } from '../../../src/core/secret.ts'
import type { Grant } from '../../../src/core/types.ts'
import { startAuthorizationServer } from '../../../src/testing/index.ts'
import { CLI, type Sandbox } from '../../kit/cli.ts'
import { startCluster } from '../../kit/cluster.ts'
import { needs } from '../../kit/needs.ts'
import { box, change, logIn } from '../story.ts'

/** A cluster that lets in whoever shows an id_token that is not over. */
async function scene(context: TestContext) {
  needs(context, 'kubectl', 'openssl')
  const server = await startAuthorizationServer()
  const one = box()
  const cluster = await startCluster(join(one.home, 'tls'), (token) => endOf(token) > Date.now())
  onTestFinished(async () => {
    await cluster.close()
    await server.close()
  })
  const kubectl = (...words: string[]) =>
    one.run(words, { program: ['kubectl'], env: { KUBECONFIG: join(one.home, 'kubeconfig') } })
  return { server, one, cluster, kubectl }
}

/** Of an id_token, in milliseconds; of anything else none. */
function endOf(token: string): number {
  const payload = token.split('.')[1]
  return payload ? JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')).exp * 1000 : 0
}

function configure({ home }: Sandbox, { url, ca }: { url: string; ca: string }, version: string): void {
  const exec = {
    apiVersion: `client.authentication.k8s.io/${version}`,
    command: process.execPath,
    args: [CLI, 'kube-credential', 'work'],
    interactiveMode: 'Never',
  }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'here', cluster: { server: url, 'certificate-authority': ca } }],
    users: [{ name: 'work', user: { exec } }],
    contexts: [{ name: 'here', context: { cluster: 'here', user: 'work' } }],
    'current-context': 'here',
  }
  writeFileSync(join(home, 'kubeconfig'), JSON.stringify(config))
}

/** The access token is as fresh as ever. */
function withIdTokenOver(grant: Grant): Grant {
  const { credential } = grant
  if (credential.kind !== 'bearer') throw new Error('that is no token')
  const claims = Buffer.from(JSON.stringify({ iat: 0, exp: 3600 })).toString('base64url')
  return { ...grant, credential: { ...credential, idToken: new Secret(`e30.${claims}.x`) } }
}

/** Debian's is of 2021. */
function speaksV1(): boolean {
  const said = execFileSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8' })
  return Number.parseInt(JSON.parse(said).clientVersion.minor, 10) >= 22
}

test.for(['v1', 'v1beta1'])(
  'kubectl that speaks %s is let in, across an expiry',
  async (version, context) => {
    needs(context, 'kubectl')
    if (version === 'v1' && !speaksV1()) context.skip('this kubectl is older than 1.22')
    const { server, one, cluster, kubectl } = await scene(context)
    configure(one, cluster, version)
    await logIn(one, server)
    const first = await kubectl('get', '--raw', '/version')
    expect(first, first.stderr).toMatchObject({ code: 0 })
    expect(JSON.parse(first.stdout)).toMatchObject({ gitVersion: 'v1.32.0' })
    const before = cluster.seen.at(-1)!
    expect(endOf(before)).toBeGreaterThan(Date.now())

    await change(one, 'work', ({ header, grant }) => ({ header, grant: withIdTokenOver(grant!) }))
    const second = await kubectl('get', '--raw', '/version')
    expect(second, second.stderr).toMatchObject({ code: 0 })
    expect(server.stats().refreshes).toBe(1)
    expect(endOf(cluster.seen.at(-1)!)).toBeGreaterThan(Date.now())
  },
)

test('kubectl shows the whole of what we say when a login is needed, and nothing is asked', async (context) => {
  const { server, one, cluster, kubectl } = await scene(context)
  configure(one, cluster, 'v1beta1')
  await logIn(one, server)
  await one.run(['logout', 'work', '--local-only'])
  const { code, stderr } = await kubectl('get', '--raw', '/version')
  expect(code).not.toBe(0)
  expect(stderr).toContain('error: work needs a login: it was logged out; next: daypass login work\n')
  expect(cluster.seen).toEqual([])
})

test('`setup kubectl` is all that a cluster takes', async (context) => {
  const { server, one, cluster, kubectl } = await scene(context)
  if (!speaksV1()) context.skip('this kubectl is older than 1.22')
  await logIn(one, server)
  const config = join(one.home, 'kubeconfig')
  const before = `apiVersion: v1
kind: Config
clusters:
- name: here # mine
  cluster: { server: "${cluster.url}", certificate-authority: "${cluster.ca}" }
contexts:
- name: here
  context: { cluster: here, user: ada }
current-context: here
`
  writeFileSync(config, before)
  const env = { KUBECONFIG: config }
  const nameless = await one.run(['setup', 'kubectl', 'work', '--as', ''], { env })
  expect([nameless.code, nameless.stderr]).toEqual([2, expect.stringContaining('--as is a name')])
  const setup = await one.run(['setup', 'kubectl', 'work', '--as', 'ada'], { env })
  expect(setup, setup.stderr).toMatchObject({ code: 0, stdout: '' })
  expect(setup.stderr).toContain(`✓ User ada is in ${config}\n`)
  const { code, stderr } = await kubectl('get', '--raw', '/version')
  expect(code, stderr).toBe(0)
  const again = await one.run(['setup', 'kubectl', 'work', '--as', 'ada', '--json'], { env })
  expect(JSON.parse(again.stdout)).toMatchObject({ user: 'ada', file: config, changed: false })
  expect((await one.run(['setup', 'kubectl', '--undo'], { env })).code).toBe(0)
  expect(readFileSync(config, 'utf8')).toBe(before)
})

test('by hand', async () => {
  const server = await startAuthorizationServer()
  onTestFinished(() => server.close())
  const one = box()
  await logIn(one, server)
  const { code, stdout } = await one.run(['kube-credential'])
  expect(code).toBe(0)
  const { apiVersion, kind, status } = JSON.parse(stdout)
  expect([apiVersion, kind]).toEqual(['client.authentication.k8s.io/v1', 'ExecCredential'])
  expect(Date.parse(status.expirationTimestamp)).toBe(endOf(status.token))
  const info = JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1alpha1' })
  const old = await one.run(['kube-credential'], { env: { KUBERNETES_EXEC_INFO: info } })
  expect(old).toMatchObject({ code: 2, stdout: '' })
  expect(old.stderr).toMatch(/^error: [^\n]+; next: [^\n]+\n$/)
})

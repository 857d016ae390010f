/** The program under surroundings that would have a token go elsewhere, or be read on its way. */
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { copyOf, loggedIn } from '../cli/story.ts'
import { signedIn } from './cloudinary-data-dir.ts'

const { base, server } = await loggedIn()

/** Answers everything, and remembers what it was shown. */
async function stranger(location?: string) {
  const heard: { headers: IncomingMessage['headers']; body: string }[] = []
  const listening = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += String(chunk)
    })
    request.on('end', () => {
      heard.push({ headers: request.headers, body })
      response.writeHead(location ? 307 : 200, location ? { location } : {}).end('{}')
    })
  })
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    listening.closeAllConnections()
    listening.close()
  })
  return { heard, url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}` }
}

test('CLOUDINARY_UPLOAD_PREFIX leads no kept token elsewhere, and the login’s own is not asked for again', async () => {
  const { one, run } = await signedIn()
  const evil = await stranger()
  const env = { CLOUDINARY_UPLOAD_PREFIX: evil.url }
  const verbs = [
    'token',
    'status acme --check',
    'env',
    'exec acme -- true',
    `fetch ${evil.url}/x acme`,
    'login acme',
  ]
  const outcomes = await Promise.all(verbs.map((words) => run(words, { env })))
  for (const [at, { code, stdout, stderr }] of outcomes.entries()) {
    expect([verbs[at], code, stdout]).toEqual([verbs[at], 6, ''])
    expect(stderr).toContain('CLOUDINARY_UPLOAD_PREFIX leads to')
  }
  expect(evil.heard).toEqual([])
  // As the login was made, and as it was kept.
  const { CLOUDINARY_UPLOAD_PREFIX: _, CLOUDINARY_OAUTH_URL: __, ...bare } = one.env
  const unset = { CLOUDINARY_UPLOAD_PREFIX: undefined, CLOUDINARY_OAUTH_URL: undefined }
  expect(Object.keys(bare).length).toBeLessThan(Object.keys(one.env).length)
  for (const env of [{}, unset]) expect(await run('status acme --check', { env })).toMatchObject({ code: 0 })
})

test('NODE_TLS_REJECT_UNAUTHORIZED=0 ends what would use the network, before anything is changed', async () => {
  const one = copyOf(base)
  const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' }
  const verbs = [
    'status work --check',
    'refresh work --force',
    `fetch ${server.issuer}/me work`,
    'login work',
    'logout work',
  ]
  for (const { code, stderr } of await Promise.all(
    verbs.map((words) => one.run(words.split(' '), { env })),
  )) {
    expect(code).toBe(6)
    expect(stderr).toContain('NODE_TLS_REJECT_UNAUTHORIZED')
    expect(stderr).toContain('NODE_EXTRA_CA_CERTS')
  }
  expect(await one.run(['token', 'work'], { env })).toMatchObject({ code: 0 })
  expect(await one.run(['status', 'work', '--check'])).toMatchObject({ code: 0 })
})

test('a redirect to another host takes no credential, no body and no header of the request along', async () => {
  const other = await stranger()
  const own = await stranger(`${other.url}/there`)
  const one = copyOf(base)
  const host = new URL(own.url).host
  const config = `auth: {identities: {work: {kind: oidc/user, hosts: ["${host}"]}}}\n`
  writeFileSync(`${one.daypassHome}/config.yaml`, config, { mode: 0o600 })
  const words = [
    'fetch',
    `${own.url}/x`,
    'work',
    '-d',
    'the data',
    '-H',
    'X-Api-Key: of mine',
    '-H',
    'Cookie: a=b',
  ]
  expect(await one.run(words)).toMatchObject({ code: 0, stdout: '{}' })
  expect(own.heard[0]).toMatchObject({ body: 'the data', headers: { 'x-api-key': 'of mine' } })
  const [{ headers, body }] = other.heard as [(typeof other.heard)[0]]
  expect(body).toBe('')
  for (const name of ['authorization', 'x-api-key', 'cookie', 'content-type'])
    expect(headers).not.toHaveProperty(name)
})

test('a token of the environment is handed to whoever names its provider, and to nobody who means another', async () => {
  const one = copyOf(base)
  const env = { GITHUB_TOKEN: 'ghp_of-the-environment' }
  const unset = await one.run(['use', '--unset'])
  expect(unset.code).toBe(0)
  const [meant, named, listed] = await Promise.all(
    [['token'], ['token', 'github'], ['list']].map((words) => one.run(words, { env })),
  )
  expect(meant).toMatchObject({ code: 2, stdout: '' })
  expect(named).toMatchObject({ code: 0, stdout: 'ghp_of-the-environment\n' })
  expect(listed!.stdout).toContain('(environment)')
})

test('kube-credential: no plain http beyond this machine, and another cluster is said once', async () => {
  const one = copyOf(base)
  const ask = (server: string | undefined, more = {}) => {
    const spec = { interactive: false, ...(server && { cluster: { server, ...more } }) }
    const info = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', spec }
    return one.run(['kube-credential', 'work'], { env: { KUBERNETES_EXEC_INFO: JSON.stringify(info) } })
  }
  const [http, bare, ftp] = await Promise.all(
    ['http://10.0.0.1:6443', '10.0.0.1:6443', 'ftp://k'].map((at) => ask(at)),
  )
  for (const refused of [http, bare, ftp]) expect(refused).toMatchObject({ code: 6, stdout: '' })
  // Of a kubeconfig from before, nothing is known.
  expect(await ask(undefined)).toMatchObject({ code: 0, stderr: '' })
  const kubeconfig = `${one.home}/kubeconfig`
  const cluster = 'clusters: [{name: c, cluster: {server: "https://one.example:6443"}}]'
  const context = 'contexts: [{name: x, context: {cluster: c, user: u}}]'
  writeFileSync(kubeconfig, `${cluster}\n${context}\ncurrent-context: x\n`)
  const { code } = await one.run(['setup', 'kubectl', 'work'], { env: { KUBECONFIG: kubeconfig } })
  expect(code).toBe(0)
  expect(await ask('https://one.example:6443/')).toMatchObject({ code: 0, stderr: '' })
  const evil = await ask('https://evil.example')
  expect(evil.code).toBe(0)
  expect(evil.stderr).toContain('https://evil.example')
  expect(await ask('https://evil.example')).toMatchObject({ code: 0, stderr: '' })
  expect(await ask('http://127.0.0.1:8001')).toMatchObject({ code: 0 })
  expect(await ask('127.0.0.1:6443', { 'certificate-authority-data': 'x' })).toMatchObject({ code: 0 })
})

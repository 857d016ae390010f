/** A registry of container images on 127.0.0.1: one image, for whoever shows a good token. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Registry {
  /** `127.0.0.1:<port>`. */
  host: string
  /** What it was sent as a user and a password, or as an identity token, in order. */
  seen: { user: string; token: string }[]
  close(): Promise<void>
}

export interface RegistryOptions {
  /** `basic`: it takes user and password itself. `token`: its token service does (Distribution Registry token spec). */
  auth: 'basic' | 'token'
  isGood(token: string): Promise<boolean>
}

const MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json'
const digestOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`

const CONFIG = JSON.stringify({
  architecture: 'amd64',
  os: 'linux',
  rootfs: { type: 'layers', diff_ids: [] },
})
const IMAGE = JSON.stringify({
  schemaVersion: 2,
  mediaType: MANIFEST_TYPE,
  config: {
    mediaType: 'application/vnd.docker.container.image.v1+json',
    size: CONFIG.length,
    digest: digestOf(CONFIG),
  },
  layers: [],
})

const PASS = 'pass-of-the-registry'

export async function startRegistry({ auth, isGood }: RegistryOptions): Promise<Registry> {
  const seen: Registry['seen'] = []
  const at = { host: '' }
  const json = (response: ServerResponse, status: number, body: unknown, headers = {}) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify(body))

  async function known(user: string, token: string): Promise<boolean> {
    seen.push({ user, token })
    return isGood(token)
  }

  function basicOf(request: IncomingMessage): [user: string, token: string] | undefined {
    const [, basic] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? []
    if (!basic) return undefined
    const [user = '', token = ''] = Buffer.from(basic, 'base64').toString('utf8').split(':')
    return [user, token]
  }

  async function isLetIn(request: IncomingMessage): Promise<boolean> {
    if (auth === 'token') return request.headers.authorization === `Bearer ${PASS}`
    const basic = basicOf(request)
    return basic !== undefined && known(...basic)
  }

  /** A password by GET, an identity token by POST as a refresh token. */
  async function service(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
    const said: readonly [string, string] | undefined =
      request.method === 'POST' ? (['<token>', form.get('refresh_token') ?? ''] as const) : basicOf(request)
    if (said && (await known(...said)))
      return json(response, 200, { token: PASS, access_token: PASS, expires_in: 300 })
    return json(response, 401, { errors: [{ code: 'UNAUTHORIZED' }] })
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url!.startsWith('/token')) return service(request, response)
    const realm = `Bearer realm="http://${at.host}/token",service="test",scope="repository:project:pull"`
    const challenge = { 'www-authenticate': auth === 'basic' ? 'Basic realm="test"' : realm }
    if (!(await isLetIn(request)))
      return json(response, 401, { errors: [{ code: 'UNAUTHORIZED' }] }, challenge)
    const isManifest = request.url!.includes('/manifests/')
    response.writeHead(200, {
      'content-type': isManifest ? MANIFEST_TYPE : 'application/octet-stream',
      ...(isManifest && { 'docker-content-digest': digestOf(IMAGE) }),
    })
    response.end(isManifest ? IMAGE : CONFIG)
  }

  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  at.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host: at.host,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

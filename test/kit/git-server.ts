/** git's own server (`git http-backend`) behind one that wants credentials, on 127.0.0.1. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface GitServer {
  /** `127.0.0.1:<port>`. */
  host: string
  /** The users and tokens that it was sent, in order. */
  seen: { user: string; token: string }[]
  /** Makes an empty repository; its URL. */
  repository(name: string): string
  close(): Promise<void>
}

export interface GitServerOptions {
  /** Repositories lie below it. */
  root: string
  /** Whether a token is good. */
  isGood(token: string): Promise<boolean>
  tls?: ServerOptions
}

export async function startGitServer({ root, isGood, tls }: GitServerOptions): Promise<GitServer> {
  mkdirSync(root, { recursive: true })
  const seen: GitServer['seen'] = []
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, basic = ''] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? []
    const [user = '', token = ''] = Buffer.from(basic, 'base64').toString('utf8').split(':')
    if (basic) seen.push({ user, token })
    if (basic && (await isGood(token))) return backend(root, request, response)
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
  }
  const listener: RequestListener = (request, response) => void answer(request, response)
  const server = tls ? createTlsServer(tls, listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    seen,
    repository(name) {
      const path = join(root, `${name}.git`)
      execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', path])
      execFileSync('git', ['-C', path, 'config', 'http.receivepack', 'true'])
      return `${tls ? 'https' : 'http'}://${host}/${name}.git`
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** As a CGI program (RFC 3875). */
function backend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
  const env = {
    PATH: process.env.PATH,
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    GIT_CONFIG_NOSYSTEM: '1',
    PATH_INFO: pathname,
    QUERY_STRING: searchParams.toString(),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers['content-type'],
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    REMOTE_USER: 'ada',
  }
  const child = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {})
  request.pipe(child.stdin)
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.on('close', () => {
    const all = Buffer.concat(chunks)
    const end = all.indexOf('\r\n\r\n')
    const headers = all.subarray(0, end).toString('latin1').split('\r\n')
    for (const line of headers) {
      const [name = '', value = ''] = line.split(/:\s*/, 2)
      if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10)
      else response.setHeader(name, value)
    }
    response.end(all.subarray(end + 4))
  })
}

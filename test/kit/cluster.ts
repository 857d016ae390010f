/** The door of a Kubernetes API server, over TLS on 127.0.0.1: whoever shows a good token is told its version. */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { makeTls } from './tls.ts'

export interface Cluster {
  url: string
  /** The path of the authority's certificate. */
  ca: string
  /** The tokens that it was shown, in order. */
  seen: string[]
  close(): Promise<void>
}

const VERSION = { major: '1', minor: '32', gitVersion: 'v1.32.0', platform: 'linux/amd64' }

/** As the API server says it. */
const UNAUTHORIZED = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'Unauthorized',
  reason: 'Unauthorized',
  code: 401,
}

/** `folder`: for its certificate. */
export async function startCluster(folder: string, isGood: (token: string) => boolean): Promise<Cluster> {
  const { ca, key, cert } = makeTls(folder)
  const seen: string[] = []
  const server = createServer({ key, cert }, (request, response) => {
    const [, token] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? []
    if (token !== undefined) seen.push(token)
    const isLetIn = token !== undefined && isGood(token)
    response
      .writeHead(isLetIn ? 200 : 401, { 'content-type': 'application/json' })
      .end(JSON.stringify(isLetIn ? VERSION : UNAUTHORIZED))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

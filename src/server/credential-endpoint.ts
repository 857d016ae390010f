/**
 * An address of this machine that answers programs with the credential of one identity. One path, one bearer: nothing
 * else can be asked for here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Secret } from '../core/secret.ts'
import { type HttpRefusal, type IsOwnBearer, noBearer, type Place, startLocalServer } from './local-server.ts'

export interface EndpointOptions {
  place: Place
  /** `/v1/aws`. */
  path: string
  /** Programs that send no header say the bearer behind the path: `/v1/alibaba/<bearer>`. */
  bearerInPath: boolean
  /** The answer of the moment, as JSON. */
  answer(): Promise<string>
  /** Somebody who may ask has asked. */
  onAsked?: () => void
}

export interface CredentialEndpoint {
  /** Without the bearer. */
  url: string
  bearer: Secret
  close(): Promise<void>
}

export async function startEndpoint(options: EndpointOptions): Promise<CredentialEndpoint> {
  const { host, bearer, close } = await startLocalServer({
    place: options.place,
    requestTimeout: 10_000,
    // As AWS and Alibaba Cloud write what is wrong.
    formatError: (message, code) => ({ Code: code, Message: message }),
    handle: (request, response, isOurs) => handleCredentialRequest(options, request, response, isOurs),
  })
  return { url: `http://${host}${options.path}`, bearer, close }
}

async function handleCredentialRequest(
  options: EndpointOptions,
  request: IncomingMessage,
  response: ServerResponse,
  isOurs: IsOwnBearer,
): Promise<HttpRefusal | undefined> {
  const refused = findRequestRefusal(options, request, isOurs)
  if (refused) return refused
  options.onAsked?.()
  const text = await options.answer()
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(text)
  return undefined
}

/** Where nothing is to be found is told to those alone who may ask. */
function findRequestRefusal(
  { path, bearerInPath }: EndpointOptions,
  { method = '', url: target = '', headers }: IncomingMessage,
  isOurs: IsOwnBearer,
): HttpRefusal | undefined {
  const behind = bearerInPath && target.startsWith(`${path}/`) ? target.slice(path.length + 1) : undefined
  // AWS' clients send it bare, others as RFC 6750 says.
  if (!isOurs(behind ?? headers.authorization?.replace(/^Bearer /i, ''))) return noBearer
  if (behind === undefined && target !== path) return { status: 404, message: 'there is nothing here' }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, message: 'this can only be read' }
  return undefined
}

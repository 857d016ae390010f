/** Serves one identity's credential at an address of this machine, with one path and one bearer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Secret } from '../core/secret.ts'
import { type HttpRefusal, type IsOwnBearer, noBearer, type Place, startLocalServer } from './local-server.ts'

export interface EndpointOptions {
  place: Place
  /** The path, such as `/v1/aws`. */
  path: string
  /** For programs that send no header: the bearer is a part of the path, `/v1/alibaba/<bearer>`. */
  bearerInPath: boolean
  /** Returns the current answer as JSON. */
  answer(): Promise<string>
  /** Called for each authorized request. */
  onAsked?: () => void
}

export interface CredentialEndpoint {
  /** The URL without the bearer. */
  url: string
  bearer: Secret
  close(): Promise<void>
}

export async function startEndpoint(options: EndpointOptions): Promise<CredentialEndpoint> {
  const { host, bearer, close } = await startLocalServer({
    place: options.place,
    requestTimeout: 10_000,
    // The error format of AWS and Alibaba Cloud.
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

/** Returns the refusal. Only authorized callers learn that a path does not exist. */
function findRequestRefusal(
  { path, bearerInPath }: EndpointOptions,
  { method = '', url: target = '', headers }: IncomingMessage,
  isOurs: IsOwnBearer,
): HttpRefusal | undefined {
  const behind = bearerInPath && target.startsWith(`${path}/`) ? target.slice(path.length + 1) : undefined
  // AWS' clients send the bare token, others use RFC 6750.
  if (!isOurs(behind ?? headers.authorization?.replace(/^Bearer /i, ''))) return noBearer
  if (behind === undefined && target !== path) return { status: 404, message: 'there is nothing here' }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, message: 'this can only be read' }
  return undefined
}

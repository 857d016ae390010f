import { checkRedirect } from './clients.ts'
import type { TestClient } from './options.ts'

/** A request that may be answered by a redirect, because its client and its address are known. */
export interface AuthorizationRequest {
  client: TestClient
  redirectUri: string
  state: string | null
  parameters: URLSearchParams
}

/** Why the address in the request must not get an answer. */
export interface RedirectProblem {
  why: string
  status: number
}

const createRedirectProblem = (why: string, status = 400): RedirectProblem => ({ why, status })

/** Parses the request. RFC 6749 §4.1.2.1: a doubtful client or address never gets a redirect. */
export function parseAuthorizationRequest(
  clients: readonly TestClient[],
  parameters: URLSearchParams,
): AuthorizationRequest | RedirectProblem {
  const client = clients.find(({ id }) => id === parameters.get('client_id'))
  if (client === undefined) return createRedirectProblem('client_id is not known')
  const redirectUri = parameters.get('redirect_uri')
  if (redirectUri === null) return createRedirectProblem('redirect_uri is missing')
  const verdict = checkRedirect(client, redirectUri)
  if (verdict === 'port') return createRedirectProblem('the port of redirect_uri is not registered', 403)
  if (verdict === 'unknown') return createRedirectProblem('redirect_uri is not registered')
  return { client, redirectUri, state: parameters.get('state'), parameters }
}

/** A SHA-256 in base64url is exactly 43 characters (RFC 7636 §4.2, RFC 9449 §10). */
const HASH = /^[\w-]{43}$/

/** Returns what is wrong with it, as an error code and a text for the developer. */
export function findRequestProblem({
  parameters,
}: AuthorizationRequest): [error: string, description: string] | undefined {
  if (parameters.get('response_type') !== 'code')
    return ['unsupported_response_type', 'only code is supported']
  if (parameters.get('code_challenge_method') !== 'S256') {
    return ['invalid_request', 'code_challenge_method must be S256']
  }
  const challenge = parameters.get('code_challenge') ?? ''
  if (!HASH.test(challenge)) return ['invalid_request', 'code_challenge is missing or malformed']
  const jkt = parameters.get('dpop_jkt')
  if (jkt !== null && !HASH.test(jkt)) return ['invalid_request', 'dpop_jkt is not a thumbprint']
  return undefined
}

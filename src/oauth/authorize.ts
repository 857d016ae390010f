/**
 * The authorization request and its callback. A code can be exchanged only as a {@link CheckedCode}, and only
 * the functions here create one, after comparing `state` and `iss`.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import * as oauth from 'oauth4webapi'
import { DaypassError, type ErrorCode } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import { sendWithProof, thumbprint } from './dpop.ts'
import { classifyRefusal, createRefusalError } from './refusal.ts'
import { type Client, type ClientContext, createClientAuth, parseEndpointUrl, type Server } from './server.ts'

/** A login in progress. It is held in memory; only `login --start` seals and stores it. */
export interface Attempt {
  /** 256 bits (RFC 6749 §10.12). */
  state: string
  /** PKCE (RFC 7636), S256. */
  verifier: string
  /** OpenID Connect Core §3.1.2.1. */
  nonce?: string
  redirectUri: string
}

export function createAttempt(redirectUri: string, scopes: readonly string[]): Attempt {
  return {
    state: oauth.generateRandomState(),
    verifier: oauth.generateRandomCodeVerifier(),
    ...(scopes.includes('openid') && { nonce: oauth.generateRandomNonce() }),
    redirectUri,
  }
}

/** The page that a person must open. */
export interface AuthorizationUrl {
  url: URL
  /** Milliseconds until the page must be opened, where the server says so (RFC 9126 §2.2). */
  expiresIn?: number
}

/** Builds the request (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 9449 §10); pushes it (RFC 9126) where required. */
export async function createAuthorizationUrl(
  context: ClientContext,
  attempt: Attempt,
  scopes: readonly string[],
  extra: Record<string, string>,
): Promise<AuthorizationUrl> {
  const { port, server, client, proofKey, push } = context
  const url = new URL(server.metadata.authorization_endpoint!)
  const parameters: Record<string, string | undefined> = {
    ...extra,
    response_type: 'code',
    client_id: client.id,
    redirect_uri: attempt.redirectUri,
    scope: scopes.length > 0 ? scopes.join(' ') : undefined,
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(attempt.verifier),
    code_challenge_method: port.wireFormat?.challengeMethod ?? 'S256',
    dpop_jkt: proofKey && (await thumbprint(proofKey)),
  }
  const taken = port.wireFormat?.parameters
  const said = Object.entries(parameters).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && (taken?.includes(pair[0]) ?? true),
  )
  const pushing = push || server.metadata.require_pushed_authorization_requests === true
  const { expiresIn, ...shown } = pushing
    ? await pushAuthorizationRequest(context, new URLSearchParams(said))
    : Object.fromEntries(said)
  for (const [name, value] of Object.entries(shown)) url.searchParams.set(name, String(value))
  return { url, ...(typeof expiresIn === 'number' && { expiresIn }) }
}

/** Sends the request to the server itself; the browser gets only a reference to it (RFC 9126 §2). */
async function pushAuthorizationRequest(context: ClientContext, parameters: URLSearchParams) {
  const { port, server, client, proofKey } = context
  const endpoint = server.metadata.pushed_authorization_request_endpoint
  if (endpoint === undefined)
    throw new DaypassError('configuration', 'the pushed authorization request endpoint is not known', {
      hint: 'write endpoints.par into config.yaml, or leave require_pushed_authorization_requests out',
    })
  const to = parseEndpointUrl(endpoint, 'the pushed authorization request endpoint')
  const answer = await sendWithProof(port, to, proofKey, (options) =>
    oauth.pushedAuthorizationRequest(
      server.metadata,
      { client_id: client.id },
      createClientAuth(server, client),
      parameters,
      options,
    ),
  )
  const { request_uri, expires_in } = answer.json ?? {}
  if (answer.status !== 200 || typeof request_uri !== 'string')
    throw createRefusalError(classifyRefusal(answer, to.host, context))
  const expiresIn = Number(expires_in) * 1000
  return { client_id: client.id, request_uri, ...(expiresIn > 0 && { expiresIn }) }
}

declare const checked: unique symbol

/** Callback parameters whose `state` and `iss` were compared with the attempt's. */
export interface CheckedCode {
  readonly [checked]: true
  readonly parameters: URLSearchParams
  readonly attempt: Attempt
  /** Of a server whose issuer is not known: what it calls itself, to be judged before the code is sent. */
  readonly iss?: string
}

/**
 * The result of a callback request. `ignored`: its `state` is not that of this login, and the login continues to
 * wait. With the correct one, a request without a code is an `error`, and ends the login.
 */
export type Verdict = { code: CheckedCode } | { error: DaypassError } | { ignored: string }

/** Checks `state` first (RFC 6749 §10.12), then `iss` (RFC 9207), then `error`, then `code`. */
export function checkCallback(
  server: Server,
  client: Client,
  attempt: Attempt,
  parameters: URLSearchParams,
): Verdict {
  if (!isSameText(parameters.get('state') ?? '', attempt.state))
    return { ignored: 'state does not belong to this login' }
  const known = new URLSearchParams(parameters)
  const iss = parameters.get('iss')
  // Without a known issuer, `iss` has nothing that the library could be compared it with.
  if (!server.issuerKnown) known.delete('iss')
  try {
    const validated = oauth.validateAuthResponse(
      server.metadata,
      { client_id: client.id },
      known,
      attempt.state,
    )
    if (!validated.get('code')) return { error: createUnusableError('it holds no code') }
    const stated = !server.issuerKnown && iss ? { iss } : {}
    return { code: { parameters: validated, attempt, ...stated } as CheckedCode }
  } catch (error) {
    if (error instanceof oauth.AuthorizationResponseError) return { error: createAuthorizationError(known) }
    const foreign = server.issuerKnown && iss && iss !== server.metadata.issuer
    return {
      error: foreign
        ? createForeignIssuerError(iss)
        : createUnusableError(error instanceof Error ? sanitize(error.message) : 'it is not OAuth'),
    }
  }
}

const createUnusableError = (why: string) =>
  new DaypassError('refused', `the answer to this login cannot be used: ${why}`, {
    hint: 'log in again; where it happens again, ask the administrator of the server',
  })

/** RFC 9207 §2.4, RFC 9700 §4.4: it may be the code of another server, which this one is not to have. */
export const createForeignIssuerError = (iss: string) =>
  createUnusableError(`it comes from another server (${sanitize(iss)})`)

/**
 * Checks what a person pasted in the same way. A bare code has no `state` and no `iss`: only PKCE binds it to
 * this login, because the verifier never left the process.
 */
export function checkPasted(
  server: Server,
  client: Client,
  attempt: Attempt,
  pasted: URLSearchParams,
): Verdict {
  const parameters = new URLSearchParams(pasted)
  if (!parameters.has('state')) parameters.set('state', attempt.state)
  if (!parameters.has('iss') && !parameters.has('error')) parameters.set('iss', server.metadata.issuer)
  return checkCallback(server, client, attempt, parameters)
}

function isSameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}

/** RFC 6749 §4.1.2.1 and OpenID Connect Core §3.1.2.6. */
const AUTHORIZATION_ERRORS = new Map<string, ErrorCode>([
  ['server_error', 'network'],
  ['temporarily_unavailable', 'network'],
  ['login_required', 'login_required'],
  ['interaction_required', 'login_required'],
])

function createAuthorizationError(parameters: URLSearchParams): DaypassError {
  const error = parameters.get('error') ?? ''
  const description = parameters.get('error_description')
  const said = sanitize(description ? `${error}: ${description}` : error)
  if (error === 'access_denied') return createConsentDeniedError(said)
  return new DaypassError(
    AUTHORIZATION_ERRORS.get(error) ?? 'refused',
    `the server refused the login (${said})`,
  )
}

const createConsentDeniedError = (said: string) =>
  new DaypassError('refused', `consent was denied (${said})`, {
    hint: 'log in again and agree; where the page does not let you, ask its administrator',
  })

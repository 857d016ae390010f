/**
 * Demonstrating proof of possession (RFC 9449): tokens that are useless without a key. Each login has its own
 * key, sealed with its refresh token, and every request with the token is signed with it.
 */
import type { webcrypto } from 'node:crypto'
import * as oauth from 'oauth4webapi'
import { DaypassError } from '../core/errors.ts'
import { isLoopbackHost } from '../core/loopback.ts'
import { Secret } from '../core/secret.ts'
import { addBearer, revealBearer } from './bearer.ts'
import { createDeadline, limitFetch } from './deadline.ts'
import { REQUEST_LIMIT } from './http.ts'
import { followRedirects } from './redirect.ts'
import { type OAuthResponse, sendOAuthRequest, type WireOptions, type WirePort } from './wire.ts'

/** A key, and the clock offset of the server that verifies its proofs. */
export interface ProofKey {
  /** An ES256 private key as JWK (RFC 7517), in JSON. */
  jwk: Secret
  /** Server clock minus ours, in milliseconds. */
  clockOffset: number
}

const ES256 = { name: 'ECDSA', namedCurve: 'P-256' }

export async function createProofKey(): Promise<ProofKey> {
  const { privateKey } = await oauth.generateKeyPair('ES256', { extractable: true })
  const jwk = JSON.stringify(await crypto.subtle.exportKey('jwk', privateKey))
  return { jwk: new Secret(jwk), clockOffset: 0 }
}

interface Prover {
  handle: oauth.DPoPHandle
  /** Seconds since 1970 on the server's clock, for the next proof. */
  iat: number
}

/** One per key, because each remembers the nonces of the servers (RFC 9449 §8.2). */
const provers = new Map<string, Promise<Prover>>()

function getProver({ jwk }: ProofKey): Promise<Prover> {
  const text = jwk.reveal()
  const known = provers.get(text) ?? createProver(text)
  provers.set(text, known)
  return known
}

async function createProver(text: string): Promise<Prover> {
  const { key_ops: _, ...pair } = JSON.parse(text) as webcrypto.JsonWebKey
  const { d: __, ...open } = pair
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey('jwk', pair, ES256, false, ['sign']),
    crypto.subtle.importKey('jwk', open, ES256, true, ['verify']),
  ])
  const prover: Prover = {
    iat: 0,
    handle: oauth.DPoP(
      {},
      { privateKey, publicKey },
      {
        [oauth.modifyAssertion]: (_header: object, payload: Record<string, unknown>) => {
          payload.iat = prover.iat
        },
      },
    ),
  }
  return prover
}

/** Returns the thumbprint that binds the authorization code to the key (RFC 9449 §10). */
export async function thumbprint(key: ProofKey): Promise<string> {
  return (await getProver(key)).handle.calculateThumbprint()
}

export interface ProvingOptions extends WireOptions {
  DPoP?: oauth.DPoPHandle
}

/**
 * Calls {@link sendOAuthRequest}, with a proof where there is a key. Repeats the request when the server asks
 * for a nonce (RFC 9449 §8), or refuses the proof and its clock differs. A server checks the proof before it
 * spends a token.
 */
export async function sendWithProof(
  port: WirePort,
  url: URL,
  key: ProofKey | undefined,
  request: (options: ProvingOptions) => Promise<Response>,
): Promise<OAuthResponse> {
  if (!key) return sendOAuthRequest(port, url, request)
  const prover = await getProver(key)
  const limited = { ...port, fetch: limitFetch(port.fetch, createDeadline(port, REQUEST_LIMIT)) }
  let offset = key.clockOffset
  const sendAttempt = () => {
    prover.iat = Math.floor((port.now() + offset) / 1000)
    return sendOAuthRequest(limited, url, (options) => request({ ...options, DPoP: prover.handle }))
  }
  const first = await sendAttempt()
  const second = wantsNonce(first.response.headers, first.json?.error) ? await sendAttempt() : first
  const disliked = ['invalid_dpop_proof', ...(port.wireFormat?.proofErrors ?? [])]
  if (!disliked.includes(String(second.json?.error)) || second.clockOffset === offset) return second
  offset = second.clockOffset
  return sendAttempt()
}

const NONCE = 'use_dpop_nonce'

/** Recognizes the request of an authorization server (RFC 9449 §8) or of a resource (§9) for a nonce. */
export function wantsNonce(headers: Headers, error?: unknown): boolean {
  const asked = error === NONCE || headers.get('www-authenticate')?.includes(NONCE) === true
  return asked && headers.has('dpop-nonce')
}

/** The token of a request to a resource. */
export interface TokenUse {
  token: Secret
  /** Present where the token is bound to a key. */
  key?: ProofKey | undefined
  /** Default: true. */
  mayRepeat?: boolean | undefined
}

/**
 * Sends the request with its token: as bearer (RFC 6750), or with a proof (RFC 9449 §7). Repeats it when the
 * resource asks for a nonce and the request may be repeated.
 */
export async function fetchWithToken(
  port: WirePort,
  request: Request,
  { token, key, mayRepeat = true }: TokenUse,
): Promise<Response> {
  if (!key) return followRedirects(request, (one) => port.fetch(addBearer(one, token)), port.fetch)
  const prover = await getProver(key)
  const fetchProvedOnce = (one: Request) => {
    prover.iat = Math.floor((port.now() + key.clockOffset) / 1000)
    return fetchWithProof(port, prover, one, revealBearer(token))
  }
  const fetchWithNonce = async (one: Request) => {
    const again = mayRepeat ? one.clone() : undefined
    const first = await fetchProvedOnce(one)
    if (!again || first.status !== 401 || !wantsNonce(first.headers)) return first
    await first.body?.cancel()
    return fetchProvedOnce(again)
  }
  return followRedirects(request, fetchWithNonce, port.fetch)
}

async function fetchWithProof(
  port: WirePort,
  prover: Prover,
  request: Request,
  token: string,
): Promise<Response> {
  const url = new URL(request.url)
  let answer: Response | undefined
  // The library's request follows no redirect; the caller's request decides this itself.
  const customFetch = async (_url: string, { headers }: { headers: Record<string, string> }) => {
    answer = await port.fetch(new Request(request, { headers }))
    return answer
  }
  const options = {
    DPoP: prover.handle,
    [oauth.customFetch]: customFetch,
    [oauth.allowInsecureRequests]: isLoopbackHost(url.hostname),
  }
  const { method, headers } = request
  try {
    await oauth.protectedResourceRequest(token, method, url, headers, null, options)
  } catch (error) {
    // The library throws for a challenge; the caller reads the challenge in the response.
    if (answer === undefined) throw error
  }
  return answer ?? Promise.reject(new DaypassError('unexpected', 'no request was made'))
}

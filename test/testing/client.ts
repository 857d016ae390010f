/** The protocol from the other side: `oauth4webapi` used directly, so that the server is not judged by our own client. */
import * as oauth from 'oauth4webapi'
import type { AuthorizationServer } from '../../src/testing/index.ts'
import { scriptedBrowser } from '../../src/testing/index.ts'

const insecure = { [oauth.allowInsecureRequests]: true } as const

const sent = (proof: oauth.DPoPHandle | undefined) => ({ ...insecure, ...(proof && { DPoP: proof }) })

export const REDIRECT = 'http://127.0.0.1:9/callback'

export async function discover(issuer: string, algorithm: 'oidc' | 'oauth2' = 'oidc') {
  const url = new URL(issuer)
  const response = await oauth.discoveryRequest(url, { ...insecure, algorithm })
  return oauth.processDiscoveryResponse(url, response)
}

export interface Attempt {
  as: oauth.AuthorizationServer
  client: oauth.Client
  url: URL
  verifier: string
  state: string
  nonce: string
  /** Its key is proved with each request (RFC 9449). */
  proof?: oauth.DPoPHandle
}

export async function attempt(
  server: AuthorizationServer,
  more: Record<string, string> = {},
): Promise<Attempt> {
  const as = await discover(server.issuer)
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const url = new URL(as.authorization_endpoint!)
  const parameters = {
    client_id: server.clientId,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: 'openid email',
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...more,
  }
  for (const [name, value] of Object.entries(parameters)) if (value) url.searchParams.set(name, value)
  return { as, client: { client_id: server.clientId }, url, verifier, state, nonce }
}

/** Pushes the request (RFC 9126). */
export async function push({ as, client, url, proof }: Attempt, auth = oauth.None()) {
  const parameters = new URLSearchParams(url.searchParams)
  const response = await oauth.pushedAuthorizationRequest(as, client, auth, parameters, sent(proof))
  return oauth.processPushedAuthorizationResponse(as, client, response)
}

/** The same attempt, with an address that only names the pushed request. */
export async function pushed(begun: Attempt): Promise<Attempt> {
  const { request_uri } = await push(begun)
  const url = new URL(begun.as.authorization_endpoint!)
  url.search = String(new URLSearchParams({ client_id: begun.client.client_id, request_uri }))
  return { ...begun, url }
}

/** Lets the person decide; answers the address that would have been called back. */
export async function callback({ url }: Attempt, decision: 'approve' | 'deny' = 'approve'): Promise<URL> {
  const visit = await scriptedBrowser({ stopAtCallback: true, decision }).visit(url.href)
  return new URL(visit.url)
}

export async function exchange(
  { as, client, state, nonce, verifier, proof }: Attempt,
  called: URL,
  auth = oauth.None(),
) {
  const checked = oauth.validateAuthResponse(as, client, called, state)
  const request = oauth.authorizationCodeGrantRequest
  const response = await request(as, client, auth, checked, REDIRECT, verifier, sent(proof))
  const expected = { expectedNonce: nonce, requireIdToken: true }
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, expected)
  await oauth.validateApplicationLevelSignature(as, response, insecure)
  return tokens
}

export async function login(server: AuthorizationServer, proof?: oauth.DPoPHandle) {
  const begun = { ...(await attempt(server)), ...(proof && { proof }) }
  return { ...begun, tokens: await exchange(begun, await callback(begun)) }
}

type Party = Pick<Attempt, 'as' | 'client' | 'proof'>

export async function refresh({ as, client, proof }: Party, token: string | undefined, auth = oauth.None()) {
  const response = await oauth.refreshTokenGrantRequest(as, client, auth, token!, sent(proof))
  return oauth.processRefreshTokenResponse(as, client, response)
}

export async function revoke({ as, client }: Party, token: string, auth = oauth.None()) {
  return oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token, insecure))
}

export async function startDevice({ as, client }: Party) {
  const parameters = new URLSearchParams({ scope: 'openid' })
  const response = await oauth.deviceAuthorizationRequest(as, client, oauth.None(), parameters, insecure)
  return oauth.processDeviceAuthorizationResponse(as, client, response)
}

export async function pollDevice({ as, client, proof }: Party, code: string) {
  const response = await oauth.deviceCodeGrantRequest(as, client, oauth.None(), code, sent(proof))
  return oauth.processDeviceCodeResponse(as, client, response)
}

/** What the promise says on failure: the OAuth error code, where the server gave one. */
export async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error === undefined) return 'no refusal'
  if (error instanceof oauth.ResponseBodyError || error instanceof oauth.AuthorizationResponseError) {
    return error.error
  }
  return error instanceof Error ? error.constructor.name : 'something'
}

export async function me(server: AuthorizationServer, token: string): Promise<number> {
  const response = await fetch(server.endpoints.resource, { headers: { authorization: `Bearer ${token}` } })
  await response.text()
  return response.status
}

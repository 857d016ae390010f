/** The token endpoint: a checked code, a refresh token or a device code in, tokens or a refusal out. */
import * as oauth from 'oauth4webapi'
import { DaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import { shown } from '../core/text.ts'
import type { CheckedCode } from './authorize.ts'
import { type ProvingOptions, sendProved } from './dpop.ts'
import { claimsOf } from './jwt.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import { type Client, clientAuth, endpointUrl, type Party } from './server.ts'
import { type Answer, type Json, type Tokens, tokensOf } from './wire.ts'

export interface Issued {
  tokens: Tokens
  /** Server time when the request left. */
  issuedAt: number
  clockOffset: number
  /** The answer was wrong, and its access token is left out. What is there is to be kept, then this is to be thrown. */
  problem?: DaypassError
  /** Its id_token was wrong, and is left out. For a login that is fatal. */
  idTokenProblem?: DaypassError
}

export type TokenOutcome = Issued | { refusal: Refusal; clockOffset: number }

/** RFC 6749 §4.1.3; the id_token by OpenID Connect Core §3.1.3.7, its signature by TLS to the token endpoint. */
export async function exchangeCode(
  party: Party,
  { parameters, attempt }: CheckedCode,
): Promise<TokenOutcome> {
  const { server, client } = party
  const answer = await request(party, (as, options) =>
    oauth.authorizationCodeGrantRequest(
      as,
      id(client),
      clientAuth(server, client),
      parameters,
      attempt.redirectUri,
      attempt.verifier,
      options,
    ),
  )
  return outcome(party, answer, (as, by, response, { hasIdToken, ...options }) =>
    oauth.processAuthorizationCodeResponse(as, by, response, {
      ...options,
      ...(hasIdToken && attempt.nonce !== undefined && { expectedNonce: attempt.nonce }),
    }),
  )
}

/** RFC 6749 §6. */
export async function refresh(party: Party, refreshToken: Secret): Promise<TokenOutcome> {
  const { server, client } = party
  const answer = await request(party, (as, options) =>
    oauth.refreshTokenGrantRequest(
      as,
      id(client),
      clientAuth(server, client),
      refreshToken.reveal(),
      options,
    ),
  )
  return outcome(party, answer, (as, by, response, options) =>
    oauth.processRefreshTokenResponse(as, by, response, options),
  )
}

/** RFC 8628 §3.4, one poll. */
export async function pollDevice(party: Party, deviceCode: Secret): Promise<TokenOutcome> {
  const { server, client } = party
  const answer = await request(party, (as, options) =>
    oauth.deviceCodeGrantRequest(as, id(client), clientAuth(server, client), deviceCode.reveal(), options),
  )
  return outcome(party, answer, (as, by, response, options) =>
    oauth.processDeviceCodeResponse(as, by, response, options),
  )
}

const id = (client: Client): oauth.Client => ({ client_id: client.id })

function request(
  { port, server, proofKey }: Party,
  build: (as: oauth.AuthorizationServer, options: ProvingOptions) => Promise<Response>,
): Promise<Answer> {
  if (!server.metadata.token_endpoint)
    throw new DaypassError('configuration', 'the token endpoint is not known')
  const url = endpointUrl(server.metadata.token_endpoint, 'the token endpoint')
  return sendProved(port, url, proofKey, (options) => build(server.metadata, options))
}

type Process = (
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  response: Response,
  options: ProcessingOptions,
) => Promise<oauth.TokenEndpointResponse>

interface ProcessingOptions {
  hasIdToken: boolean
  recognizedTokenTypes: oauth.RecognizedTokenTypes
}

async function outcome(party: Party, answer: Answer, process: Process): Promise<TokenOutcome> {
  const host = new URL(party.server.metadata.token_endpoint!).host
  const { json, clockOffset } = answer
  const issuedAt = answer.sentAt + clockOffset
  const gaveTokens = answer.status === 200 && json && ('access_token' in json || 'refresh_token' in json)
  if (!gaveTokens) return { refusal: refusalOf(answer, host, party), clockOffset }
  // The cause of what the library throws may hold the whole answer, tokens included: its message alone is passed on.
  const distrust = (error: unknown) =>
    new DaypassError('refused', `the answer of ${host} cannot be trusted: ${shown(words(error))}`)
  const { accessToken, ...others } = tokensOf(json)
  const { id_token: _unchecked, ...withoutIdToken } = json
  try {
    await judge(party, withoutIdToken, clockOffset, process)
  } catch (error) {
    return { tokens: others, issuedAt, clockOffset, problem: distrust(error) }
  }
  const tokens: Tokens = {
    ...others,
    ...(accessToken && { accessToken }),
    ...saidOf(party, json),
    ...saidByAccessToken(party, json),
  }
  try {
    const idToken =
      party.server.issuerKnown && 'id_token' in json ? await judge(party, json, clockOffset, process) : {}
    return { tokens: { ...tokens, ...idToken }, issuedAt, clockOffset }
  } catch (error) {
    return { tokens, issuedAt, clockOffset, idTokenProblem: distrust(error) }
  }
}

const words = (error: unknown) => (error instanceof Error ? error.message : error)

/** Of a server that is known by its endpoints: who it is, as the answer says, with TLS to the token endpoint for a witness. */
function saidOf({ port, server }: Party, { id_token }: Json): Partial<Tokens> {
  if (!port.dialect || server.issuerKnown || typeof id_token !== 'string') return {}
  try {
    return { claims: payload(id_token) }
  } catch {
    return {}
  }
}

/** One that says nothing is as good as any for whoever takes it. */
function saidByAccessToken({ jwtTokens }: Party, { access_token }: Json): Partial<Tokens> {
  if (!jwtTokens || typeof access_token !== 'string') return {}
  try {
    return { accessClaims: claimsOf(access_token) }
  } catch {
    return {}
  }
}

/** What a signature may be made with. It is not verified: TLS to the token endpoint vouches for it. But `none` is no signature. */
const SIGNED = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'Ed25519',
  'EdDSA',
]

/** Lets oauth4webapi check the answer, and its id_token where it has one. */
async function judge(
  party: Party,
  json: Json,
  clockOffset: number,
  process: Process,
): Promise<Partial<Tokens>> {
  const { server, client, issuerOf, port } = party
  const idToken = typeof json.id_token === 'string' ? json.id_token : undefined
  const issuer = idToken !== undefined && issuerOf ? issuerOf(payload(idToken)) : server.metadata.issuer
  const by: oauth.Client = {
    ...id(client),
    [oauth.clockSkew]: Math.round(clockOffset / 1000),
    [oauth.clockTolerance]: 30,
  }
  const response = new Response(JSON.stringify(json), { headers: { 'content-type': 'application/json' } })
  const metadata = { id_token_signing_alg_values_supported: SIGNED, ...server.metadata, issuer }
  const options = { hasIdToken: idToken !== undefined, recognizedTokenTypes: ownTypes(port) }
  const processed = await process(metadata, by, response, options)
  const claims = oauth.getValidatedIdTokenClaims(processed)
  return claims && idToken !== undefined ? { idToken: new Secret(idToken), claims: { ...claims } } : {}
}

/** The library takes `bearer` and `dpop`, and of any other type wants to be told. */
const ownTypes = ({ dialect }: Party['port']) =>
  Object.fromEntries((dialect?.tokenTypes ?? []).map((type) => [type, () => undefined]))

function payload(jwt: string): Json {
  try {
    return claimsOf(jwt)
  } catch {
    // The parser's own message would show a piece of it.
    throw new Error('its id_token is not a JWT')
  }
}

/** The token endpoint: exchanges a checked code, a refresh token or a device code for tokens or a refusal. */
import * as oauth from 'oauth4webapi'
import { DaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import { sanitize } from '../core/text.ts'
import { type CheckedCode, createForeignIssuerError } from './authorize.ts'
import { type ProvingOptions, sendWithProof } from './dpop.ts'
import { parseClaims, parseHeader } from './jwt.ts'
import { classifyRefusal, type Refusal } from './refusal.ts'
import { type Client, type ClientContext, createClientAuth, parseEndpointUrl } from './server.ts'
import { isOwnIssuer } from './site.ts'
import { type Json, type OAuthResponse, parseTokens, type Tokens } from './wire.ts'

export interface IssuedTokens {
  tokens: Tokens
  /** Server time when the request was sent. */
  issuedAt: number
  clockOffset: number
  /** The response was wrong, and its access token is left out. Store the rest first, then throw this. */
  problem?: DaypassError
  /** What its id_token says, unchecked. */
  stated?: Json
  /** The id_token was wrong and is left out. A login fails on it. */
  idTokenProblem?: DaypassError
}

export type TokenOutcome = IssuedTokens | { refusal: Refusal; clockOffset: number }

/**
 * Exchanges a code (RFC 6749 §4.1.3). The id_token is checked by OpenID Connect Core §3.1.3.7, except its
 * signature: TLS to the token endpoint replaces it.
 */
export async function exchangeCode(
  context: ClientContext,
  { parameters, attempt, iss }: CheckedCode,
): Promise<TokenOutcome> {
  const { server, client } = context
  if (iss !== undefined && !(await isOwnIssuer(server, iss))) throw createForeignIssuerError(iss)
  const answer = await sendTokenRequest(context, (as, options) =>
    oauth.authorizationCodeGrantRequest(
      as,
      createOAuthClient(client),
      createClientAuth(server, client),
      parameters,
      attempt.redirectUri,
      attempt.verifier,
      options,
    ),
  )
  return processTokenResponse(context, answer, (as, by, response, { hasIdToken, ...options }) =>
    oauth.processAuthorizationCodeResponse(as, by, response, {
      ...options,
      ...(hasIdToken && attempt.nonce !== undefined && { expectedNonce: attempt.nonce }),
    }),
  )
}

/** Renews tokens with a refresh token (RFC 6749 §6). */
export async function refreshTokens(context: ClientContext, refreshToken: Secret): Promise<TokenOutcome> {
  const { server, client } = context
  const answer = await sendTokenRequest(context, (as, options) =>
    oauth.refreshTokenGrantRequest(
      as,
      createOAuthClient(client),
      createClientAuth(server, client),
      refreshToken.reveal(),
      options,
    ),
  )
  return processTokenResponse(context, answer, (as, by, response, options) =>
    oauth.processRefreshTokenResponse(as, by, response, options),
  )
}

/** Polls once for the tokens of a device code (RFC 8628 §3.4). */
export async function pollDevice(context: ClientContext, deviceCode: Secret): Promise<TokenOutcome> {
  const { server, client } = context
  const answer = await sendTokenRequest(context, (as, options) =>
    oauth.deviceCodeGrantRequest(
      as,
      createOAuthClient(client),
      createClientAuth(server, client),
      deviceCode.reveal(),
      options,
    ),
  )
  return processTokenResponse(context, answer, (as, by, response, options) =>
    oauth.processDeviceCodeResponse(as, by, response, options),
  )
}

const createOAuthClient = (client: Client): oauth.Client => ({ client_id: client.id })

function sendTokenRequest(
  { port, server, proofKey }: ClientContext,
  build: (as: oauth.AuthorizationServer, options: ProvingOptions) => Promise<Response>,
): Promise<OAuthResponse> {
  if (!server.metadata.token_endpoint)
    throw new DaypassError('configuration', 'the token endpoint is not known')
  const url = parseEndpointUrl(server.metadata.token_endpoint, 'the token endpoint')
  return sendWithProof(port, url, proofKey, (options) => build(server.metadata, options))
}

type ProcessResponse = (
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  response: Response,
  options: ProcessingOptions,
) => Promise<oauth.TokenEndpointResponse>

interface ProcessingOptions {
  hasIdToken: boolean
  recognizedTokenTypes: oauth.RecognizedTokenTypes
}

async function processTokenResponse(
  context: ClientContext,
  answer: OAuthResponse,
  process: ProcessResponse,
): Promise<TokenOutcome> {
  const host = new URL(context.server.metadata.token_endpoint!).host
  const { json, clockOffset } = answer
  const issuedAt = answer.sentAt + clockOffset
  const gaveTokens = answer.status === 200 && json && ('access_token' in json || 'refresh_token' in json)
  if (!gaveTokens) return { refusal: classifyRefusal(answer, host, context), clockOffset }
  // The cause of a library error may hold the whole response with its tokens, so only its message is passed
  // on.
  const distrust = (error: unknown) =>
    new DaypassError('refused', `the answer of ${host} cannot be trusted: ${sanitize(describeError(error))}`)
  const { accessToken, ...others } = parseTokens(json)
  const { id_token: _unchecked, ...withoutIdToken } = json
  try {
    await validateTokenResponse(context, withoutIdToken, clockOffset, process)
  } catch (error) {
    return { tokens: others, issuedAt, clockOffset, problem: distrust(error) }
  }
  const stated = parseStatedClaims(json)
  const tokens: Tokens = {
    ...others,
    ...(accessToken && { accessToken }),
    ...parseUncheckedClaims(context, json),
    ...parseAccessTokenClaims(context, json),
  }
  try {
    const idToken =
      context.server.issuerKnown && 'id_token' in json
        ? await validateTokenResponse(context, json, clockOffset, process)
        : {}
    return { tokens: { ...tokens, ...idToken }, issuedAt, clockOffset, ...stated }
  } catch (error) {
    return { tokens, issuedAt, clockOffset, idTokenProblem: distrust(error), ...stated }
  }
}

const describeError = (error: unknown) => (error instanceof Error ? error.message : error)

/**
 * Reads the claims of an id_token where the issuer is unknown: TLS to the token endpoint vouches for them.
 */
function parseUncheckedClaims({ port, server }: ClientContext, { id_token }: Json): Partial<Tokens> {
  if (!port.wireFormat || server.issuerKnown || typeof id_token !== 'string') return {}
  try {
    return { claims: parseIdToken(id_token) }
  } catch {
    return {}
  }
}

function parseStatedClaims({ id_token }: Json): Pick<IssuedTokens, 'stated'> {
  try {
    return typeof id_token === 'string' ? { stated: parseClaims(id_token) } : {}
  } catch {
    return {}
  }
}

/** A token that is not a readable JWT is still usable, so that is no error. */
function parseAccessTokenClaims({ jwtTokens }: ClientContext, { access_token }: Json): Partial<Tokens> {
  if (!jwtTokens || typeof access_token !== 'string') return {}
  try {
    return { accessClaims: parseClaims(access_token) }
  } catch {
    return {}
  }
}

/**
 * Accepted signature algorithms. The signature is not verified: TLS to the token endpoint vouches for the
 * token. `none` is refused.
 */
const SIGNING_ALGORITHMS = [
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

/** Checks the response, and an id_token in it, with oauth4webapi. */
async function validateTokenResponse(
  context: ClientContext,
  json: Json,
  clockOffset: number,
  process: ProcessResponse,
): Promise<Partial<Tokens>> {
  const { server, client, resolveIssuer, port } = context
  const idToken = typeof json.id_token === 'string' ? json.id_token : undefined
  const unchecked = idToken === undefined ? undefined : parseIdToken(idToken)
  const issuer = unchecked && resolveIssuer ? resolveIssuer(unchecked) : server.metadata.issuer
  const by: oauth.Client = {
    ...createOAuthClient(client),
    [oauth.clockSkew]: Math.round(clockOffset / 1000),
    [oauth.clockTolerance]: 30,
  }
  const response = new Response(JSON.stringify(json), { headers: { 'content-type': 'application/json' } })
  const metadata = { id_token_signing_alg_values_supported: SIGNING_ALGORITHMS, ...server.metadata, issuer }
  const options = { hasIdToken: idToken !== undefined, recognizedTokenTypes: listTokenTypes(port) }
  const processed = await process(metadata, by, response, options)
  const claims = oauth.getValidatedIdTokenClaims(processed)
  return claims && idToken !== undefined ? { idToken: new Secret(idToken), claims: { ...claims } } : {}
}

/** The library accepts `bearer` and `dpop`; other token types must be listed. */
const listTokenTypes = ({ wireFormat }: ClientContext['port']) =>
  Object.fromEntries((wireFormat?.tokenTypes ?? []).map((type) => [type, () => undefined]))

/** One that is not signed is none (RFC 8725 §3.2), whatever the metadata lists. */
function parseIdToken(jwt: string): Json {
  let alg: unknown
  let claims: Json
  try {
    alg = parseHeader(jwt).alg
    claims = parseClaims(jwt)
  } catch {
    // The parser's own message would quote a part of the token.
    throw new Error('its id_token is not a JWT')
  }
  if (typeof alg === 'string' && alg.toLowerCase() !== 'none' && jwt.split('.')[2]) return claims
  throw new Error('its id_token is not signed')
}

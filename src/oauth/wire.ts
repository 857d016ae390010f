/**
 * Sends one request to an OAuth endpoint. The response is read once, with a size limit, and deviations from
 * the specification are repaired. The raw fields stay available, so that a rotated refresh token can be
 * stored even when the rest of the response is wrong.
 */
import * as oauth from 'oauth4webapi'
import { isDaypassError } from '../core/errors.ts'
import { parseAnswer } from '../core/json.ts'
import { isLoopbackHost } from '../core/loopback.ts'
import { Secret } from '../core/secret.ts'
import type { Host, WireFormat } from '../core/types.ts'
import { redactSecrets } from './echo.ts'
import { CENTURY, createUnreachableError, type HttpResponse, sendHttpRequest } from './http.ts'

export type Json = Record<string, unknown>

export interface OAuthResponse extends Omit<HttpResponse, 'headers' | 'text'> {
  /** The repaired body, as a Response that oauth4webapi can process. */
  response: Response
  /** The repaired JSON object; undefined where the body was not one. */
  json: Json | undefined
}

export type WirePort = Pick<Host, 'fetch' | 'now'> & { wireFormat?: WireFormat | undefined }

export interface WireOptions {
  [oauth.customFetch]: (url: string, init: object) => Promise<Response>
  [oauth.allowInsecureRequests]: boolean
}

/**
 * Sends what `request` builds and returns the response of any status. Throws `network` when there is none.
 */
export async function sendOAuthRequest(
  port: WirePort,
  url: URL,
  request: (options: WireOptions) => Promise<Response>,
): Promise<OAuthResponse> {
  let answer: OAuthResponse | undefined
  const customFetch = async (to: string, init: object) => {
    const spoken = port.wireFormat ? applyWireFormat(port.wireFormat, init) : init
    answer = normalizeResponse(await sendHttpRequest(port, to, spoken), port.wireFormat, listSecrets(init))
    return answer.response
  }
  try {
    await request({
      [oauth.customFetch]: customFetch,
      [oauth.allowInsecureRequests]: isLoopbackHost(url.hostname),
    })
  } catch (error) {
    if (isDaypassError(error)) throw error
    // The library may refuse a response that was read completely; our own check comes later.
    if (answer === undefined) throw createUnreachableError(url, error)
  }
  if (answer === undefined) throw createUnreachableError(url, new Error('no answer'))
  return answer
}

/** Converts the library's form to this server's wire format. */
function applyWireFormat(wireFormat: WireFormat, init: { body?: unknown; headers?: unknown }): object {
  if (!(init.body instanceof URLSearchParams)) return init
  const { type, body } = wireFormat.encodeRequest(init.body)
  const headers = new Headers(init.headers as Headers)
  headers.set('content-type', type)
  return { ...init, headers, body }
}

/** Lists the secrets of the request: some servers repeat them in an error. */
function listSecrets(init: { body?: unknown; headers?: unknown }): string[] {
  const form = init.body instanceof URLSearchParams ? init.body : new URLSearchParams()
  const names = [
    'refresh_token',
    'token',
    'subject_token',
    'code',
    'code_verifier',
    'device_code',
    'client_secret',
    'client_assertion',
  ]
  const authorization = new Headers(init.headers as Headers | undefined).get('authorization') ?? ''
  const [scheme, value] = authorization.split(' ')
  return [
    ...names.map((name) => form.get(name)),
    value,
    ...(scheme === 'Basic' ? decodeBasicSecrets(value) : []),
  ].filter((text) => !!text) as string[]
}

/** Returns the client secret decoded and as it was encoded (RFC 6749 §2.3.1). */
function decodeBasicSecrets(value = ''): string[] {
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const written = pair.slice(pair.indexOf(':') + 1)
  return [written, new URLSearchParams(`x=${written}`).get('x') ?? '']
}

function normalizeResponse(
  raw: HttpResponse,
  wireFormat: WireFormat | undefined,
  secrets: string[],
): OAuthResponse {
  const { text, sentAt, clockOffset, retryAfter } = raw
  const said = parseResponseBody(text, raw.headers.get('content-type'))
  const json = repairResponse(said && wireFormat ? wireFormat.decodeResponse(said) : said, secrets)
  // RFC 6749 §5.1 and §5.2: success is 200, an error is not. GitHub sends errors with 200; others send tokens
  // with 201.
  const refuses = Boolean(json?.error) && !json?.access_token && !json?.refresh_token
  const status = raw.status === 200 && refuses ? 400 : raw.status === 201 ? 200 : raw.status
  const headers = new Headers(raw.headers)
  if (json) headers.set('content-type', 'application/json')
  headers.delete('content-length')
  const response = new Response(json ? JSON.stringify(json) : text || null, { status, headers })
  return { status, json, response, sentAt, clockOffset, retryAfter }
}

function parseResponseBody(text: string, type: string | null): Json | undefined {
  if (type?.includes('application/x-www-form-urlencoded') || /^[\w%.&=+-]*\baccess_token=/.test(text))
    return Object.fromEntries(new URLSearchParams(text))
  try {
    const value = parseAnswer(text)
    if (Array.isArray(value)) return { data: value }
    return typeof value === 'object' && value !== null ? (value as Json) : undefined
  } catch (error) {
    if (isDaypassError(error)) throw error
    return undefined
  }
}

/** Repairs known mistakes of a token response. A wrong field never costs the other fields. */
function repairResponse(json: Json | undefined, secrets: string[]): Json | undefined {
  if (json === undefined) return undefined
  const mended: Json = { ...json }
  // `message` and `hint` come from league/oauth2-server, which Laravel Passport uses.
  for (const name of ['error', 'error_description', 'message', 'hint'] as const) {
    if (typeof json[name] === 'string') mended[name] = redactSecrets(json[name], secrets)
    else delete mended[name]
  }
  for (const name of ['refresh_token', 'id_token', 'access_token'] as const) {
    if (name in mended && (typeof mended[name] !== 'string' || mended[name] === '')) delete mended[name]
  }
  // A header cannot carry other characters, and a line break would start a second header.
  if (!isVisible(mended.access_token)) delete mended.access_token
  for (const name of ['expires_in', 'refresh_expires_in'] as const) {
    if (name in mended && !isLifetime(mended[name])) delete mended[name]
  }
  if (Array.isArray(mended.scope)) mended.scope = mended.scope.filter(isTextValue).join(' ')
  if ('scope' in mended && typeof mended.scope !== 'string') delete mended.scope
  if (typeof mended.token_type !== 'string' || mended.token_type === '') {
    delete mended.token_type
    if ('access_token' in mended) mended.token_type = 'bearer'
  }
  return mended
}

const isTextValue = (value: unknown) => typeof value === 'string'

/** Checks for VSCHAR, the characters of an access token (RFC 6749 appendix A.12). */
export const isVisible = (text: unknown) => typeof text === 'string' && /^[\x20-\x7e]+$/.test(text)

/** Checks a number of seconds, as number or text. More than a century counts as no expiry. */
function isLifetime(value: unknown): boolean {
  const seconds =
    typeof value === 'number' || (typeof value === 'string' && value.trim()) ? Number(value) : Number.NaN
  return seconds >= 0 && seconds <= CENTURY
}

/** The tokens of a successful response, as far as they could be read. */
export interface Tokens {
  accessToken?: Secret
  tokenType: string
  /** Seconds. */
  expiresIn?: number
  refreshToken?: Secret
  /** Seconds, where the server says so. */
  refreshExpiresIn?: number
  idToken?: Secret
  scope?: string
  /** From a checked id_token. */
  claims?: Json
  /** From an access token that is a JWT, unchecked. */
  accessClaims?: Json
}

export function parseTokens(json: Json): Tokens {
  const text = (name: string) => (typeof json[name] === 'string' ? (json[name] as string) : undefined)
  const secret = (name: string) => (text(name) === undefined ? undefined : new Secret(text(name)!))
  const accessToken = secret('access_token')
  const refreshToken = secret('refresh_token')
  const scope = text('scope')
  return {
    tokenType: (text('token_type') ?? 'bearer').toLowerCase(),
    ...(accessToken && { accessToken }),
    ...(refreshToken && { refreshToken }),
    ...(json.expires_in !== undefined && { expiresIn: Number(json.expires_in) }),
    ...(json.refresh_expires_in !== undefined && { refreshExpiresIn: Number(json.refresh_expires_in) }),
    ...(scope !== undefined && { scope }),
  }
}

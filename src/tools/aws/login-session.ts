/** Converts one session of `aws login` from and to its JSON file, which every AWS tool reads and writes. */
import { createPrivateKey, type JsonWebKey } from 'node:crypto'
import { DaypassError } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import type { Time } from '../../core/types.ts'

export interface LoginSession {
  accessKeyId: string
  secretAccessKey: Secret
  sessionToken: Secret
  accountId: string
  expiresAt: Time
  clientId: string
  refreshToken: Secret
  idToken?: Secret
  /** The private key (JWK, P-256) that the refresh token is bound to. */
  proofKey: Secret
  /** The region of the sign-in, and the only one where it can be renewed. */
  signInRegion?: string
  /** Other fields of the file, as JSON. They are written back; one may be a token. */
  extra?: Secret
}

type Json = Record<string, unknown>

const isJson = (said: unknown): said is Json =>
  typeof said === 'object' && said !== null && !Array.isArray(said)

/** Returns undefined for text that is cut off or no JSON. */
function parseSessionJson(text: string): Json | undefined {
  try {
    const said: unknown = JSON.parse(text)
    return isJson(said) ? said : {}
  } catch {
    return undefined
  }
}

const OUTER = new Set(['accessToken', 'clientId', 'refreshToken', 'idToken', 'dpopKey', 'signInRegion'])
const INNER = new Set(['accessKeyId', 'secretAccessKey', 'sessionToken', 'accountId', 'expiresAt'])

/** Parses a session; undefined for half a file. Throws, naming `path`, for a file that is no session. */
export function parseLoginSession(text: string, path: string): LoginSession | undefined {
  const said = parseSessionJson(text)
  return said === undefined ? undefined : decodeLoginSession(said, path)
}

function decodeLoginSession(said: Json, path: string): LoginSession {
  const inner = isJson(said.accessToken) ? said.accessToken : {}
  const text = (from: Json, name: string) => pickNonEmptyString(from[name]) ?? throwMissing(path, name)
  // One of the SDKs uses this name.
  const idToken = pickNonEmptyString(said.idToken) ?? pickNonEmptyString(said.identityToken)
  const signInRegion = pickNonEmptyString(said.signInRegion)
  return {
    accessKeyId: text(inner, 'accessKeyId'),
    secretAccessKey: new Secret(text(inner, 'secretAccessKey')),
    sessionToken: new Secret(text(inner, 'sessionToken')),
    accountId:
      pickNonEmptyString(inner.accountId) ??
      decodePrincipal(idToken)?.split(':')[4] ??
      throwMissing(path, 'accountId'),
    expiresAt: parseSessionTime(inner.expiresAt) ?? throwMissing(path, 'expiresAt'),
    clientId: text(said, 'clientId'),
    refreshToken: new Secret(text(said, 'refreshToken')),
    ...(idToken === undefined ? {} : { idToken: new Secret(idToken) }),
    proofKey: convertPemToJwk(text(said, 'dpopKey'), path),
    ...(signInRegion === undefined ? {} : { signInRegion }),
    extra: new Secret(JSON.stringify({ outer: omitKnown(said, OUTER), inner: omitKnown(inner, INNER) })),
  }
}

const pickNonEmptyString = (said: unknown) => (typeof said === 'string' && said !== '' ? said : undefined)

const omitKnown = (said: Json, known: ReadonlySet<string>): Json =>
  Object.fromEntries(Object.entries(said).filter(([name]) => !known.has(name)))

function throwMissing(path: string, what: string): never {
  throw new DaypassError('vault', `${path} is no session of \`aws login\`: it has no usable ${what}`, {
    hint: 'log in again: aws login',
  })
}

/** Parses a text with or without milliseconds, or a number in seconds or milliseconds. */
function parseSessionTime(said: unknown): Time | undefined {
  const time =
    typeof said === 'number' ? said * (said < 1e11 ? 1000 : 1) : Date.parse(pickNonEmptyString(said) ?? '')
  return Number.isFinite(time) ? time : undefined
}

/** Accepts SEC1 or PKCS#8. */
function convertPemToJwk(pem: string, path: string): Secret {
  try {
    const { kty, crv, x, y, d } = createPrivateKey(pem).export({ format: 'jwk' })
    if (crv === 'P-256') return new Secret(JSON.stringify({ kty, crv, x, y, d }))
  } catch {
    // OpenSSL's message does not help the person.
  }
  return throwMissing(path, 'dpopKey')
}

/** Returns SEC1, as the AWS CLI writes it. */
function convertJwkToPem(proofKey: Secret): string {
  const key = JSON.parse(proofKey.reveal()) as JsonWebKey
  return createPrivateKey({ key, format: 'jwk' }).export({ type: 'sec1', format: 'pem' }) as string
}

export function formatLoginSession(session: LoginSession): string {
  const { accessKeyId, secretAccessKey, sessionToken, accountId, clientId, idToken, signInRegion } = session
  const { outer = {}, inner = {} } = JSON.parse(session.extra?.reveal() ?? '{}') as {
    outer?: Json
    inner?: Json
  }
  const accessToken = {
    accessKeyId,
    secretAccessKey: secretAccessKey.reveal(),
    sessionToken: sessionToken.reveal(),
    accountId,
    expiresAt: new Date(session.expiresAt).toISOString().replace(/\.\d+Z$/, 'Z'),
    ...inner,
  }
  const all = {
    accessToken,
    tokenType: 'aws_sigv4',
    clientId,
    refreshToken: session.refreshToken.reveal(),
    idToken: idToken?.reveal(),
    dpopKey: convertJwkToPem(session.proofKey),
    signInRegion,
    ...outer,
  }
  return `${JSON.stringify(all, null, 2)}\n`
}

/** Returns the ARN of the login, where the session has it. */
export const getPrincipal = (session: LoginSession) => decodePrincipal(session.idToken?.reveal())

/** Reads the `sub` of AWS' token without verification; no decision depends on it. */
function decodePrincipal(idToken: string | undefined): string | undefined {
  const payload = parseSessionJson(Buffer.from(idToken?.split('.')[1] ?? '', 'base64url').toString('utf8'))
  return pickNonEmptyString(payload?.sub)
}

/** A client of Sign-In that can do everything wrong, and the machine it runs on. */
import { createHash, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { scriptedBrowser } from '../../../src/testing/browser.ts'
import type { AwsOptions } from './options.ts'
import { type AwsStandIn, startAws } from './server.ts'

/** Closed when the test is over. */
export async function start(options?: AwsOptions): Promise<AwsStandIn> {
  const server = await startAws(options)
  onTestFinished(server.close)
  return server
}

const SAME_DEVICE = 'arn:aws:signin:::devtools/same-device'
export const CROSS_DEVICE = 'arn:aws:signin:::devtools/cross-device'

/** Nobody listens there: the browser stops in front of it. */
export const CALLBACK = 'http://127.0.0.1:9/oauth/callback'

type Json = Record<string, unknown>

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** What is wrong with a proof, or with its signature. */
export interface Flaw {
  header?: Json
  claims?: Json
  /** Bytes in ASN.1, as OpenSSL writes them. */
  der?: boolean
  /** One bit of the signature is another. */
  forged?: boolean
}

export type ProofKey = ReturnType<typeof proofKey>

/** `now`: the clock of the machine that proves. */
export function proofKey(now = Date.now, namedCurve = 'P-256') {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
  const jwk = publicKey.export({ format: 'jwk' })
  return {
    /** As the cache file of AWS' tools has it. */
    pem: privateKey.export({ type: 'sec1', format: 'pem' }) as string,
    privateJwk: privateKey.export({ format: 'jwk' }),
    prove(url: string, flaw: Flaw = {}): string {
      const header = { typ: 'dpop+jwt', alg: 'ES256', jwk, ...flaw.header }
      const claims = {
        htm: 'POST',
        htu: url,
        iat: Math.floor(now() / 1000),
        jti: randomUUID(),
        ...flaw.claims,
      }
      const input = `${encoded(header)}.${encoded(claims)}`
      const dsaEncoding = flaw.der ? 'der' : 'ieee-p1363'
      const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding })
      if (flaw.forged) signature[5]! ^= 1
      return `${input}.${signature.toString('base64url')}`
    },
  }
}

export interface Attempt {
  base: string
  url: string
  state: string
  verifier: string
  clientId: string
  redirectUri: string
}

/** An authorization request as AWS' own tools send it; `more` changes it, `null` leaves a parameter away. */
export function attempt(base: string, more: Record<string, string | null> = {}): Attempt {
  const verifier = randomBytes(48).toString('base64url')
  const parameters: Record<string, string | null> = {
    response_type: 'code',
    client_id: SAME_DEVICE,
    state: randomUUID(),
    code_challenge_method: 'SHA-256',
    scope: 'openid',
    redirect_uri: CALLBACK,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    ...more,
  }
  const given = Object.entries(parameters).filter((one): one is [string, string] => one[1] !== null)
  return {
    base,
    url: `${base}/v1/authorize?${new URLSearchParams(given)}`,
    state: parameters.state ?? '',
    verifier,
    clientId: parameters.client_id ?? '',
    redirectUri: parameters.redirect_uri ?? '',
  }
}

/** The person's browser goes to the address, and stops in front of the client's own. */
export async function callback({ url }: Pick<Attempt, 'url'>): Promise<URL> {
  const visit = await scriptedBrowser({ stopAtCallback: true }).visit(url)
  return new URL(visit.url)
}

export async function codeOf(begun: Attempt): Promise<string> {
  return (await callback(begun)).searchParams.get('code') ?? ''
}

/** What the page of another device shows, to be pasted: base64 of state and code. */
export async function shownText({ url }: Pick<Attempt, 'url'>): Promise<string> {
  const { body } = await scriptedBrowser().visit(url)
  return body.match(/<code id="paste">([^<]+)</)?.[1] ?? ''
}

export interface Answer {
  status: number
  headers: Headers
  json: Json
}

async function read(response: Response): Promise<Answer> {
  const { status, headers } = response
  return { status, headers, json: JSON.parse((await response.text()) || '{}') }
}

/** `body`: a text is sent as it is. */
export async function postJson(
  base: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Answer> {
  const type = { 'content-type': 'application/json' }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return read(
    await fetch(`${base}/v1/token`, { method: 'POST', body: text, headers: { ...type, ...headers } }),
  )
}

export async function postForm(base: string, form: Record<string, string>, headers: Record<string, string>) {
  const body = new URLSearchParams(form)
  return read(await fetch(`${base}/v1/token`, { method: 'POST', body, headers }))
}

const codeBody = (begun: Attempt, code: string, more: Json = {}): Json => ({
  clientId: begun.clientId,
  grantType: 'authorization_code',
  code,
  codeVerifier: begun.verifier,
  redirectUri: begun.redirectUri,
  ...more,
})

/** The code for tokens, with what is wrong about it. */
export function exchange(begun: Attempt, code: string, key: ProofKey, more: Json = {}): Promise<Answer> {
  const { base } = begun
  return postJson(base, codeBody(begun, code, more), { dpop: key.prove(`${base}/v1/token`) })
}

interface Party {
  base: string
  clientId: string
  key: ProofKey
}

export function refresh(
  { base, clientId, key }: Party,
  refreshToken: unknown,
  more: Json = {},
): Promise<Answer> {
  const body = { clientId, grantType: 'refresh_token', refreshToken, ...more }
  return postJson(base, body, { dpop: key.prove(`${base}/v1/token`) })
}

export interface Login extends Party {
  accessToken: { accessKeyId: string; secretAccessKey: string; sessionToken: string }
  refreshToken: string
  idToken: string
  expiresIn: number
}

/** From the address to the keys, all of it right. */
export async function login(base: string, now = Date.now): Promise<Login> {
  const [begun, key] = [attempt(base), proofKey(now)]
  const { json } = await exchange(begun, await codeOf(begun), key)
  return { ...(json as unknown as Omit<Login, keyof Party>), base, clientId: begun.clientId, key }
}

/** A no of Sign-In, as a client reads it. */
export const no = ({ status, headers, json }: Answer) => [
  status,
  headers.get('x-amzn-errortype'),
  json.error,
  json.message,
]

export const INVALID = (message: string) => [400, 'ValidationException', 'INVALID_REQUEST', message]

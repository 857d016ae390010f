import { createHash, createPublicKey, verify } from 'node:crypto'

/** A DPoP proof (RFC 9449 §4.2) with a valid signature; its claims are not checked yet. */
export interface Proof {
  claims: Record<string, unknown>
  /** The thumbprint of its key (RFC 7638). */
  jkt: string
}

type Json = Record<string, unknown>

const COMPACT_JWS = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/

function parsePart(part: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Json) : undefined
  } catch {
    return undefined
  }
}

function verifySignature(jwk: Json, input: string, signature: string): boolean {
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    const blob = Buffer.from(signature, 'base64url')
    return verify('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }, blob)
  } catch {
    // Not a point of the curve.
    return false
  }
}

/** Hashes the required members in this order without spaces (RFC 7638 §3.2). */
const computeThumbprint = ({ crv, kty, x, y }: Json): string =>
  createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')

function findKeyProblem({ typ, alg, jwk }: Json): string | undefined {
  if (typ !== 'dpop+jwt') return 'typ is not dpop+jwt'
  if (alg !== 'ES256') return 'alg is not ES256'
  if (typeof jwk !== 'object' || jwk === null) return 'jwk is missing'
  if ('d' in jwk) return 'jwk holds a private key'
  const { kty, crv } = jwk as Json
  return kty === 'EC' && crv === 'P-256' ? undefined : 'jwk is not a key for ES256'
}

/** Parses the proof in a `DPoP` header, or returns its error (RFC 9449 §4.3, points 1 to 7). */
export function parseProof(text: string): Proof | string {
  // Node joins repeated headers with a comma, which is not valid in a JWS.
  const [, head = '', body = '', signature = ''] = text.match(COMPACT_JWS) ?? []
  const [header, claims] = [parsePart(head), parsePart(body)]
  if (header === undefined || claims === undefined) return 'the DPoP header is not one compact JWS'
  const problem = findKeyProblem(header)
  if (problem !== undefined) return problem
  const jwk = header.jwk as Json
  if (!verifySignature(jwk, `${head}.${body}`, signature)) return 'the signature is wrong'
  return { claims, jkt: computeThumbprint(jwk) }
}

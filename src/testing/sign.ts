import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'

export interface Signer {
  algorithm: 'ES256' | 'RS256'
  /** The content of `jwks_uri`: only the public key. */
  jwks: { keys: Record<string, unknown>[] }
  /** Returns a compact JWS (RFC 7515) of the claims. */
  sign(claims: Record<string, unknown>): string
}

const encodeSegment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const generateKey = (algorithm: Signer['algorithm']) =>
  algorithm === 'ES256'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 })

/** Creates a signer of ID tokens with a new key for this server. */
export function createSigner(algorithm: Signer['algorithm']): Signer {
  const { publicKey, privateKey } = generateKey(algorithm)
  const kid = randomUUID()
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' }
  return {
    algorithm,
    jwks: { keys: [jwk] },
    sign(claims) {
      const input = `${encodeSegment({ alg: algorithm, kid, typ: 'JWT' })}.${encodeSegment(claims)}`
      // JWS needs the raw 64 bytes of an ECDSA signature, not DER (RFC 7518 §3.4). RSA ignores this.
      const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${input}.${signature.toString('base64url')}`
    },
  }
}

import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'

export interface Signer {
  algorithm: 'ES256' | 'RS256'
  /** What `jwks_uri` serves: the public key alone. */
  jwks: { keys: Record<string, unknown>[] }
  /** A compact JWS (RFC 7515) of the claims. */
  sign(claims: Record<string, unknown>): string
}

const encodeSegment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const generateKey = (algorithm: Signer['algorithm']) =>
  algorithm === 'ES256'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 })

/** Signs ID tokens with a key made for this server alone. */
export function createSigner(algorithm: Signer['algorithm']): Signer {
  const { publicKey, privateKey } = generateKey(algorithm)
  const kid = randomUUID()
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' }
  return {
    algorithm,
    jwks: { keys: [jwk] },
    sign(claims) {
      const input = `${encodeSegment({ alg: algorithm, kid, typ: 'JWT' })}.${encodeSegment(claims)}`
      // JWS wants the bare 64 bytes of an ECDSA signature, not DER (RFC 7518 §3.4). RSA ignores it.
      const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${input}.${signature.toString('base64url')}`
    },
  }
}

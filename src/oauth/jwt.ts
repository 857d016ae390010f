import type { Secret } from '../core/secret.ts'
import type { Time } from '../core/types.ts'
import type { Json } from './wire.ts'

/**
 * Parses the claims of a JWT (RFC 7519 §7.2) without verifying them: the token comes from its server over
 * TLS. Throws where the text is not a JWT.
 */
export function parseClaims(jwt: string): Json {
  const claims: unknown = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'))
  if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return claims as Json
  throw new SyntaxError('no claims')
}

/** Returns `iat` and `exp` in milliseconds by the server's clock, as far as the token has them. */
export function parseJwtTimes(jwt: Secret): { issuedAt?: Time; expiresAt?: Time } {
  const { iat, exp } = parseClaims(jwt.reveal())
  return {
    ...(typeof iat === 'number' && { issuedAt: iat * 1000 }),
    ...(typeof exp === 'number' && { expiresAt: exp * 1000 }),
  }
}

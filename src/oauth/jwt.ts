import type { Secret } from '../core/secret.ts'
import type { Time } from '../core/types.ts'
import type { Json } from './wire.ts'

/**
 * Parses the claims of a JWT (RFC 7519 §7.2) without verifying them: the token comes from its server over
 * TLS. Throws where the text is not a JWT.
 */
export const parseClaims = (jwt: string): Json => parsePart(jwt, 1)

/** The header of a JWT (RFC 7519 §5). */
export const parseHeader = (jwt: string): Json => parsePart(jwt, 0)

function parsePart(jwt: string, index: number): Json {
  const part: unknown = JSON.parse(Buffer.from(jwt.split('.')[index] ?? '', 'base64url').toString('utf8'))
  if (typeof part === 'object' && part !== null && !Array.isArray(part)) return part as Json
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

/** Whose it is: the claims of one that was checked when it came. */
export const parseIdentityClaims = (jwt: Secret): Json => parseClaims(jwt.reveal())

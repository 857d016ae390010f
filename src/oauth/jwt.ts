import type { Secret } from '../core/secret.ts'
import type { Time } from '../core/types.ts'
import type { Json } from './wire.ts'

/** The claims of a JWT (RFC 7519 §7.2), unchecked: the caller has it from its server. Throws where it is none. */
export function parseClaims(jwt: string): Json {
  const claims: unknown = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'))
  if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return claims as Json
  throw new SyntaxError('no claims')
}

/** When it was issued and when it ends, as far as it says so; by the server's clock. */
export function parseJwtTimes(jwt: Secret): { issuedAt?: Time; expiresAt?: Time } {
  const { iat, exp } = parseClaims(jwt.reveal())
  return {
    ...(typeof iat === 'number' && { issuedAt: iat * 1000 }),
    ...(typeof exp === 'number' && { expiresAt: exp * 1000 }),
  }
}

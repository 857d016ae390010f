import type { Json } from './wire.ts'

/** The claims of a JWT (RFC 7519 §7.2), unchecked: the caller has it from its server. Throws where it is none. */
export function claimsOf(jwt: string): Json {
  const claims: unknown = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'))
  if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return claims as Json
  throw new SyntaxError('no claims')
}

import { createHash, randomBytes } from 'node:crypto'
import type { Route, RouteRequest } from './message.ts'
import type { AuthorizationServerOptions } from './options.ts'
import { parseProof } from './proof.ts'

export type Dpop = NonNullable<AuthorizationServerOptions['dpop']>

export interface DpopSetting {
  dpop: Dpop
  demandsNonce: boolean
  issuer(): string
  /** The time that the server uses. */
  now(): number
}

/** The key that the request proved, if any, or the error of the proof. */
export type ProofVerdict =
  | { jkt: string | undefined }
  | { error: 'invalid_dpop_proof' | 'use_dpop_nonce'; why: string }

/** Milliseconds that a proof's `iat` may differ. */
const MAX_CLOCK_SKEW = 60_000

const createNonce = (): string => randomBytes(16).toString('base64url')

const rejectProof = (why: string): ProofVerdict => ({ error: 'invalid_dpop_proof', why })

export type Proofs = ReturnType<typeof createProofs>

/** Creates the checks of DPoP proofs (RFC 9449 §4.3), and remembers proofs to refuse a second use. */
export function createProofs({ dpop, demandsNonce, issuer, now }: DpopSetting) {
  const seen = new Set<string>()
  let nonces: [current: string, before: string] = [createNonce(), createNonce()]

  function findClaimsProblem(
    claims: Record<string, unknown>,
    ask: RouteRequest,
    ath?: string,
  ): string | undefined {
    if (typeof claims.jti !== 'string' || claims.jti === '') return 'jti is missing'
    if (claims.htm !== ask.method) return 'htm is not the method of this request'
    if (claims.htu !== `${issuer()}${ask.url.pathname}`) return 'htu is not the address of this request'
    const { iat } = claims
    if (typeof iat !== 'number' || Math.abs(iat * 1000 - now()) > MAX_CLOCK_SKEW)
      return 'iat is missing or not now'
    return ath === undefined || claims.ath === ath ? undefined : 'ath is not the hash of the access token'
  }

  /** Checks a proof. `accessToken`: the token sent with it. */
  function judge(ask: RouteRequest, accessToken?: string): ProofVerdict {
    const text = ask.headers.dpop
    if (dpop === false || text === undefined) return { jkt: undefined }
    const proof = parseProof(String(text))
    if (typeof proof === 'string') return rejectProof(proof)
    const ath = accessToken && createHash('sha256').update(accessToken).digest('base64url')
    const problem = findClaimsProblem(proof.claims, ask, ath)
    if (problem !== undefined) return rejectProof(problem)
    const { jti, nonce } = proof.claims
    if (seen.has(jti as string)) return rejectProof('jti was used before')
    seen.add(jti as string)
    if (demandsNonce && !nonces.some((good) => good === nonce)) {
      return { error: 'use_dpop_nonce', why: 'the proof needs the nonce of this answer' }
    }
    return { jkt: proof.jkt }
  }

  /** Adds the nonce for the next proof to every answer (RFC 9449 §8.2). */
  function announceNonces(doors: readonly Route[]): Route[] {
    if (dpop === false || !demandsNonce) return [...doors]
    return doors.map((door) => ({
      ...door,
      answer(ask) {
        const reply = door.answer(ask)
        return { ...reply, headers: { ...reply.headers, 'dpop-nonce': nonces[0] } }
      },
    }))
  }

  // Rotates only on request: a rotation per answer would invalidate the nonce of concurrent clients.
  function rotate(): void {
    nonces = [createNonce(), nonces[0]]
  }

  return { judge, announced: announceNonces, rotate }
}

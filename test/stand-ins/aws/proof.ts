import { parseProof } from '../../../src/testing/proof.ts'
import type { Clock } from '../clock.ts'
import type { Ask } from './message.ts'

/** Milliseconds that `iat` may be off. */
const PATIENCE = 5 * 60_000

export type Proofs = ReturnType<typeof createProofs>

/** Judges DPoP proofs (RFC 9449 §4.3, without nonces), and remembers what must not come twice. */
export function createProofs(clock: Clock) {
  const seen = new Set<string>()

  function claimsProblem(claims: Record<string, unknown>, { method, base, url }: Ask): string | undefined {
    const { jti, htm, htu, iat } = claims
    if (typeof jti !== 'string' || jti === '') return 'jti is missing'
    if (htm !== method) return 'htm is not the method of this request'
    if (htu !== `${base}${url.pathname}`) return 'htu is not the address of this request'
    if (typeof iat !== 'number' || !Number.isInteger(iat)) return 'iat is not a number of seconds'
    if (Math.abs(iat * 1000 - clock.told()) > PATIENCE) return 'iat is not now'
    return seen.has(jti) ? 'jti was used before' : undefined
  }

  /** The thumbprint of the key that was proved, or what is wrong with the proof. */
  return function judge(ask: Ask): { jkt: string } | { why: string } {
    const text = ask.headers.dpop
    if (text === undefined) return { why: 'the DPoP header is missing' }
    const proof = parseProof(String(text))
    if (typeof proof === 'string') return { why: `DPoP: ${proof}` }
    const problem = claimsProblem(proof.claims, ask)
    if (problem !== undefined) return { why: `DPoP: ${problem}` }
    seen.add(proof.claims.jti as string)
    return { jkt: proof.jkt }
  }
}

/** Which part of a record each field of a grant is sealed in, and how large what is used may be. */
import type { Grant } from '../core/types.ts'
import { computePartLength, type RecordParts } from './seal.ts'

/** Every hand-out reads it. How a grant is renewed has no limit but the file's, which no answer of a server reaches. */
const MAX_USE_LENGTH = 1024 * 1024

/** Keys of a cloud are used without a proof: there, it is of renewals alone. */
export function splitGrant({ credential, proofKey, ...rest }: Grant): RecordParts {
  const proof = proofKey && { proofKey }
  const isUsed = credential.kind === 'bearer'
  return { use: { credential, ...(isUsed && proof) }, renew: { ...rest, ...(!isUsed && proof) } }
}

/** What is used of it is more than a record takes. */
export const isTooLarge = (grant: Grant) => computePartLength(splitGrant(grant).use) > MAX_USE_LENGTH

/** Which part of a record each field of a grant is sealed in. */
import type { Grant } from '../core/types.ts'
import type { RecordParts } from './seal.ts'

/** Keys of a cloud are used without a proof: there, it is of renewals alone. */
export function splitGrant({ credential, proofKey, ...rest }: Grant): RecordParts {
  const proof = proofKey && { proofKey }
  const isUsed = credential.kind === 'bearer'
  return { use: { credential, ...(isUsed && proof) }, renew: { ...rest, ...(!isUsed && proof) } }
}

import type { AssumeRoleSetting } from './assume-role.ts'
import { type Constraint, unknownName, violations } from './constraints.ts'
import type { Reply } from './message.ts'
import type { Keys } from './principals.ts'
import { credentials } from './sts-credentials.ts'
import { accessDenied, stsAnswer, validationError } from './xml.ts'

export const MFA_CONSTRAINTS: readonly Constraint[] = [
  { name: 'SerialNumber', length: [9, 256], pattern: /[\w+=/:,.@-]*/ },
  { name: 'TokenCode', length: [6, 6], pattern: /[\d]*/ },
]

const CONSTRAINTS: readonly Constraint[] = [
  { name: 'DurationSeconds', range: [900, 129_600] },
  ...MFA_CONSTRAINTS,
]

/** Half a day for a user; the account's own user gets an hour at most, whatever was asked for. */
function durationOf(form: URLSearchParams, isRoot: boolean): number {
  const asked = form.get('DurationSeconds')
  if (isRoot) return Math.min(Number(asked ?? 3600), 3600)
  return Number(asked ?? 43_200)
}

export function getSessionToken(setting: AssumeRoleSetting, form: URLSearchParams, caller: Keys): Reply {
  const unknown = unknownName(form, CONSTRAINTS)
  if (unknown !== undefined) return validationError(`${unknown} is not a parameter`)
  const violated = violations(form, CONSTRAINTS)
  if (violated !== undefined) return validationError(violated)
  if (caller.sessionToken !== undefined) {
    return accessDenied('Cannot call GetSessionToken with session credentials')
  }
  const mfa = setting.mfa(form, caller.principal)
  if (typeof mfa === 'object') return mfa
  const seconds = durationOf(form, caller.principal.kind === 'root')
  const keys = setting.keyRing.issue(caller.principal, seconds, { mfa: mfa === true })
  return stsAnswer('GetSessionToken', { Credentials: credentials(keys, setting.clock) })
}

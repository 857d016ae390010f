import type { Reply } from './message.ts'
import type { KeyRing, Principal } from './principals.ts'
import { accessDenied } from './xml.ts'

const FAILED = 'MultiFactorAuthentication failed'

/** Judges the codes of MFA devices: each is good once, and only for its owner. */
export function createMfa(keyRing: KeyRing) {
  const used = new Set<string>()

  /** `undefined`: a second factor was not shown; `true`: it was, and it is right. */
  return function check(form: URLSearchParams, { arn, kind }: Principal): Reply | true | undefined {
    const [serial, code] = [form.get('SerialNumber'), form.get('TokenCode')]
    if (serial === null && code === null) return undefined
    if (serial === null || code === null) {
      return accessDenied(`${FAILED}, must provide both MFA serial number and one time pass code.`)
    }
    const device = keyRing.user(kind === 'root' ? 'root' : (arn.split('/').at(-1) ?? ''))?.mfa
    if (kind === 'role' || device?.serial !== serial) {
      return accessDenied(
        `${FAILED}, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.`,
      )
    }
    const once = `${serial} ${code}`
    if (!device.codes.includes(code) || used.has(once)) {
      return accessDenied(`${FAILED} with invalid MFA one time pass code. `)
    }
    used.add(once)
    return true
  }
}

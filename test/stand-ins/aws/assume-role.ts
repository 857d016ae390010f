import type { Clock } from '../clock.ts'
import { type Constraint, unknownName, violations } from './constraints.ts'
import type { Reply } from './message.ts'
import type { createMfa } from './mfa.ts'
import type { Role } from './options.ts'
import { type KeyRing, type Keys, type Principal, rolePrincipal } from './principals.ts'
import { LISTS, listProblem, tagConstraints, tagKeys } from './role-lists.ts'
import { MFA_CONSTRAINTS } from './session-token.ts'
import { credentials } from './sts-credentials.ts'
import { accessDenied, stsAnswer, validationError } from './xml.ts'

export interface AssumeRoleSetting {
  keyRing: KeyRing
  clock: Clock
  roles: readonly Role[]
  mfa: ReturnType<typeof createMfa>
}

const CONSTRAINTS: readonly Constraint[] = [
  { name: 'RoleArn', required: true, length: [20, 2048] },
  { name: 'RoleSessionName', required: true, length: [2, 64], pattern: /[\w+=,.@-]*/ },
  { name: 'DurationSeconds', range: [900, 43_200] },
  { name: 'ExternalId', length: [2, 1224], pattern: /[\w+=,.@:/-]*/ },
  { name: 'SourceIdentity', length: [2, 64], pattern: /[\w+=,.@-]*/ },
  ...MFA_CONSTRAINTS,
]

const ROLE_ARN = /^arn:aws(-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]+$/

function requestProblem(form: URLSearchParams): Reply | undefined {
  const unknown = unknownName(form, CONSTRAINTS, LISTS)
  if (unknown !== undefined) return validationError(`${unknown} is not a parameter`)
  const violated = violations(form, [...CONSTRAINTS, ...tagConstraints(form)]) ?? listProblem(form)
  if (violated !== undefined) return validationError(violated)
  const arn = form.get('RoleArn')!
  return ROLE_ARN.test(arn) ? undefined : validationError(`${arn} is invalid`)
}

function trusts({ trust }: Role, { arn, account, roleArn }: Principal): boolean {
  return trust.some((one) => one === arn || one === roleArn || one === `arn:aws:iam::${account}:root`)
}

const denied = ({ arn }: Principal, action: string, role: string): Reply =>
  accessDenied(`User: ${arn} is not authorized to perform: ${action} on resource: ${role}`)

/** AWS tells nobody whether the role exists, or which condition of its trust policy failed. */
function trusted(role: Role | undefined, form: URLSearchParams, caller: Keys, mfa: boolean): role is Role {
  if (role === undefined || !trusts(role, caller.principal)) return false
  if (role.externalId !== undefined && form.get('ExternalId') !== role.externalId) return false
  return role.mfa !== true || mfa
}

/** Once set, a source identity goes with every further role. */
function sourceProblem(role: Role, form: URLSearchParams, { principal, sourceIdentity }: Keys) {
  const named = form.get('SourceIdentity')
  if (named === null || sourceIdentity === undefined || sourceIdentity === named) return undefined
  return denied(principal, 'sts:SetSourceIdentity', role.arn)
}

function durationProblem(seconds: number, { maxSession = 3600 }: Role, { principal }: Keys) {
  if (principal.kind === 'role' && seconds > 3600) {
    return 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.'
  }
  return seconds > maxSession
    ? 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.'
    : undefined
}

function issued(setting: AssumeRoleSetting, form: URLSearchParams, role: Role, caller: Keys): Reply {
  const seconds = Number(form.get('DurationSeconds') ?? 3600)
  const problem = durationProblem(seconds, role, caller)
  if (problem !== undefined) return validationError(problem)
  const sourceIdentity = form.get('SourceIdentity') ?? caller.sourceIdentity
  const principal = rolePrincipal(role.arn, form.get('RoleSessionName')!)
  const named = sourceIdentity === undefined ? {} : { sourceIdentity }
  const keys = setting.keyRing.issue(principal, seconds, {
    chained: caller.principal.kind === 'role',
    ...named,
  })
  return stsAnswer('AssumeRole', {
    SourceIdentity: sourceIdentity,
    AssumedRoleUser: { AssumedRoleId: principal.userId, Arn: principal.arn },
    Credentials: credentials(keys, setting.clock),
    PackedPolicySize: tagKeys(form).length > 0 ? 6 : undefined,
  })
}

export function assumeRole(setting: AssumeRoleSetting, form: URLSearchParams, caller: Keys): Reply {
  const problem = requestProblem(form)
  if (problem !== undefined) return problem
  const { principal } = caller
  if (principal.kind === 'root') return accessDenied('Roles may not be assumed by root accounts.')
  const mfa = setting.mfa(form, principal)
  if (typeof mfa === 'object') return mfa
  const arn = form.get('RoleArn')!
  const role = setting.roles.find((one) => one.arn === arn)
  if (!trusted(role, form, caller, mfa === true || caller.mfa === true)) {
    return denied(principal, 'sts:AssumeRole', arn)
  }
  return sourceProblem(role, form, caller) ?? issued(setting, form, role, caller)
}

import { contentType, FORM, findRepeated } from '../../../src/testing/message.ts'
import { type AssumeRoleSetting, assumeRole } from './assume-role.ts'
import { unknownName } from './constraints.ts'
import type { Ask, Door, Reply } from './message.ts'
import type { DoorName } from './options.ts'
import type { Keys } from './principals.ts'
import { getSessionToken } from './session-token.ts'
import { authenticated } from './signature.ts'
import { stsAnswer, stsError, validationError } from './xml.ts'

type Operation = (setting: AssumeRoleSetting, form: URLSearchParams, keys: Keys) => Reply

function getCallerIdentity(_: AssumeRoleSetting, form: URLSearchParams, { principal }: Keys): Reply {
  const unknown = unknownName(form, [])
  if (unknown !== undefined) return validationError(`${unknown} is not a parameter`)
  const { arn, account, userId } = principal
  return stsAnswer('GetCallerIdentity', { Arn: arn, UserId: userId, Account: account })
}

const OPERATIONS = {
  GetCallerIdentity: getCallerIdentity,
  AssumeRole: assumeRole,
  GetSessionToken: getSessionToken,
} satisfies Partial<Record<DoorName, Operation>>

const VERSION = '2011-06-15'

const formOf = (ask: Ask): URLSearchParams => new URLSearchParams(contentType(ask) === FORM ? ask.body : '')

const isOperation = (action: string | null): action is keyof typeof OPERATIONS =>
  action !== null && Object.hasOwn(OPERATIONS, action)

const doorOf = (ask: Ask): DoorName => {
  const action = formOf(ask).get('Action')
  return isOperation(action) ? action : 'sts'
}

function query(setting: AssumeRoleSetting, ask: Ask): Reply {
  const form = formOf(ask)
  const [action, version] = [form.get('Action'), form.get('Version')]
  if (action === null) return stsError(400, 'MissingAction', 'The request must contain the parameter Action')
  if (!isOperation(action) || version !== VERSION) {
    const found = `Could not find operation ${action} for version ${version ?? 'NO_VERSION_SPECIFIED'}`
    return stsError(400, 'InvalidAction', found)
  }
  const signed = authenticated(ask, setting.keyRing, setting.clock)
  if ('status' in signed) return signed
  const twice = findRepeated(form)
  if (twice !== undefined) return validationError(`${twice} is given twice`)
  return OPERATIONS[action](setting, form, signed.keys)
}

export function stsDoors(setting: AssumeRoleSetting): Door[] {
  return [{ method: 'POST', path: '/', name: doorOf, answer: (ask) => query(setting, ask) }]
}

const TROUBLE = {
  Throttling: [400, 'Rate exceeded'],
  ServiceUnavailable: [503, 'The service is unavailable. Please try again shortly.'],
  InternalFailure: [500, 'An internal failure occurred'],
  RegionDisabledException: [403, 'STS is not activated in this region for the requested account'],
} as const

export const stsTrouble = (code: keyof typeof TROUBLE): Reply =>
  stsError(TROUBLE[code][0], code, TROUBLE[code][1])

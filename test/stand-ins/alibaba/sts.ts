import { randomUUID } from 'node:crypto'
import { findRepeated } from '../../../src/testing/message.ts'
import type { Clock } from '../clock.ts'
import { type Ask, type Door, json, type Reply, stsRefused } from './message.ts'
import type { DoorName, Role } from './options.ts'
import { type KeyRing, type Keys, numberOf, rolePrincipal } from './principals.ts'
import { createGuard } from './signature.ts'

export interface StsSetting {
  keyRing: KeyRing
  clock: Clock
  roles: readonly Role[]
}

type Operation = (setting: StsSetting, query: URLSearchParams, keys: Keys) => Reply

const RequestId = () => randomUUID().toUpperCase()

const wrong = (name: string) =>
  stsRefused(400, `InvalidParameter.${name}`, `The parameter ${name} is wrongly formed.`)

function getCallerIdentity(_: StsSetting, query: URLSearchParams, { principal }: Keys): Reply {
  const [odd] = query.keys()
  if (odd !== undefined) return wrong(odd)
  const { type, arn, account } = principal
  return json(200, {
    IdentityType: type,
    RequestId: RequestId(),
    AccountId: account,
    PrincipalId: numberOf(arn),
    UserId: numberOf(arn),
    Arn: arn,
  })
}

const SHAPES: Readonly<Record<string, RegExp>> = {
  RoleArn: /^acs:ram::\d{16}:role\/[\w.-]+$/,
  RoleSessionName: /^[\w.@=-]{2,64}$/,
  DurationSeconds: /^\d+$/,
  ExternalId: /^[\w=,.@:/-]{2,1224}$/,
  SourceIdentity: /^[\w=,.@-]{2,64}$/,
  Policy: /^\{.*\}$/s,
}

function parameterProblem(query: URLSearchParams): Reply | undefined {
  for (const [name, value] of query) if (!SHAPES[name]?.test(value)) return wrong(name)
  const missing = ['RoleArn', 'RoleSessionName'].find((name) => !query.has(name))
  return missing === undefined
    ? undefined
    : stsRefused(400, `Missing${missing}`, `${missing} is mandatory for this action.`)
}

function durationProblem(seconds: number, { maxSession = 3600 }: Role, { principal }: Keys) {
  const most = principal.type === 'AssumedRoleUser' ? Math.min(3600, maxSession) : maxSession
  if (seconds >= 900 && seconds <= most) return undefined
  return stsRefused(
    400,
    'InvalidParameter.DurationSeconds',
    `The Min/Max value of DurationSeconds is 15min/${Math.floor(most / 60)}min.`,
  )
}

const denied = stsRefused(
  403,
  'NoPermission',
  'You are not authorized to do this action. You should be authorized by RAM.',
)

function trusted({ trust, externalId }: Role, { principal }: Keys, query: URLSearchParams): boolean {
  const { arn, roleArn, account } = principal
  const named = trust.some((one) => one === arn || one === roleArn || one === `acs:ram::${account}:root`)
  return named && (externalId === undefined || externalId === query.get('ExternalId'))
}

function assumeRole({ roles, keyRing, clock }: StsSetting, query: URLSearchParams, keys: Keys): Reply {
  const problem = parameterProblem(query)
  if (problem) return problem
  if (keys.principal.type === 'Account')
    return stsRefused(403, 'NoPermission', 'Roles may not be assumed by root accounts.')
  const arn = query.get('RoleArn')!
  const role = roles.find((one) => one.arn === arn)
  if (role === undefined) return stsRefused(404, 'EntityNotExist.Role', `The role not exists: ${arn}.`)
  if (!trusted(role, keys, query)) return denied
  const seconds = Number(query.get('DurationSeconds') ?? 3600)
  const tooLong = durationProblem(seconds, role, keys)
  if (tooLong) return tooLong
  const principal = rolePrincipal(arn, query.get('RoleSessionName')!)
  const { accessKeyId, accessKeySecret, securityToken, expiresAt } = keyRing.issue(principal, seconds)
  return json(200, {
    RequestId: RequestId(),
    AssumedRoleUser: {
      Arn: principal.arn,
      AssumedRoleId: `${numberOf(arn)}:${principal.arn.split('/').at(-1)}`,
    },
    Credentials: {
      SecurityToken: securityToken,
      AccessKeyId: accessKeyId,
      AccessKeySecret: accessKeySecret,
      Expiration: new Date(expiresAt + clock.offset).toISOString().replace(/\.\d{3}/, ''),
    },
  })
}

const OPERATIONS = { GetCallerIdentity: getCallerIdentity, AssumeRole: assumeRole } satisfies Partial<
  Record<DoorName, Operation>
>

const isOperation = (action: unknown): action is keyof typeof OPERATIONS =>
  typeof action === 'string' && Object.hasOwn(OPERATIONS, action)

const doorOf = ({ headers }: Ask): DoorName =>
  isOperation(headers['x-acs-action']) ? headers['x-acs-action'] : 'sts'

export function stsDoors(setting: StsSetting): Door[] {
  const guard = createGuard(setting.keyRing, setting.clock)
  const answer = (ask: Ask): Reply => {
    const action = ask.headers['x-acs-action']
    if (!isOperation(action) || ask.headers['x-acs-version'] !== '2015-04-01')
      return stsRefused(
        404,
        'InvalidAction.NotFound',
        'Specified api is not found, please check your url and method.',
      )
    const signed = guard(ask)
    if ('status' in signed) return signed
    const twice = findRepeated(ask.url.searchParams)
    if (twice !== undefined) return wrong(twice)
    return OPERATIONS[action](setting, ask.url.searchParams, signed.keys)
  }
  return [{ method: 'POST', path: '/', name: doorOf, answer }]
}

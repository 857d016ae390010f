import { formatTime } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import { isLoopbackHost } from '../core/loopback.ts'
import { Secret } from '../core/secret.ts'
import { sanitize } from '../core/text.ts'
import type { Credential, KeysCredential } from '../core/types.ts'
import type { CredentialContext, LiveVariables, Variables } from '../providers/env-variables.ts'
import type { Provider } from '../providers/provider.ts'

/** Changes to an environment so that its programs use this credential and no other. */
export interface EnvChanges {
  set: readonly EnvVariable[]
  clear: readonly string[]
}

export interface EnvVariable {
  name: string
  /** Values that are no secret may be shown. */
  value: string | Secret
  /** The secrets inside a longer value. Each must also be masked separately. */
  holds?: readonly Secret[]
}

interface VariableContext extends Partial<CredentialContext> {
  region?: string | undefined
  /** Milliseconds: server clock minus ours. */
  clockOffset?: number | undefined
}

type VariableProvider = Pick<Provider, 'id' | 'environment'>

export function buildEnvChanges(
  provider: VariableProvider,
  credential: Credential,
  context: VariableContext = {},
): EnvChanges {
  const variables = provider.environment.export ?? {}
  const carried = listVariableValues(provider, credential, context)
  const set = listSetVariables(carried)
  if (set.length === 0) throw createNoVariablesError(provider, credential)
  if (credential.kind === 'keys') set.push(...listFixedVariables(variables))
  const taken = new Set(set.map(({ name }) => name))
  // A variable of another credential would be read as a part of this one. A region belongs to none.
  const left = carried.flatMap(([names, value]) =>
    value === undefined && names !== variables.region ? names : [],
  )
  return {
    set,
    clear: [...new Set([...left, ...(variables.clears ?? [])])].filter((name) => !taken.has(name)),
  }
}

/** The address that a program asks, and the bearer it sends. */
export interface EndpointAddress {
  url: string
  bearer: Secret
  /** A file that holds the bearer. Default: the variable holds it. */
  bearerFile?: string
}

/** Builds the changes for a program that asks an address for its keys whenever it needs some. */
export function buildLiveChanges(
  variables: Variables,
  live: LiveVariables,
  { url, bearer, bearerFile }: EndpointAddress,
  { region, emptyFile }: { region?: string | undefined; emptyFile: string },
): EnvChanges {
  const inPath = !live.bearer
  const carried: VariableValue[] = [
    inPath ? [live.url, ...joinParts([`${url}/`, bearer])] : [live.url, url],
    [live.bearer ?? NONE, bearerFile === undefined ? bearer : undefined],
    [live.bearerFile ?? NONE, bearerFile],
    [variables.region ?? NONE, region],
    [live.emptied ?? NONE, emptyFile],
  ]
  const set = [...listSetVariables(carried), ...listFixedVariables(variables), ...listFixedVariables(live)]
  const taken = new Set(set.map(({ name }) => name))
  const keys = KEYS.flatMap((part) => (part === 'region' ? NONE : (variables[part] ?? NONE)))
  const all = [...keys, ...(variables.clears ?? []), ...(live.clears ?? [])]
  return { set, clear: all.filter((name) => !taken.has(name)) }
}

const listSetVariables = (carried: readonly VariableValue[]): EnvVariable[] =>
  carried.flatMap(([names, value, holds]) =>
    value === undefined ? [] : names.map((name) => ({ name, value, ...(holds && { holds }) })),
  )

const listFixedVariables = ({ sets = {} }: Pick<Variables, 'sets'>): EnvVariable[] =>
  Object.entries(sets).map(([name, value]) => ({ name, value }))

/** Thrown because setting no variable would look like success, and the program would use another account. */
const createNoVariablesError = ({ id }: VariableProvider, { kind }: Credential) =>
  new DaypassError('usage', `the provider ${id} names no variables for ${kind}`, {
    hint: (command) => `use ${command({ verb: 'credential-process' })}`,
  })

/** Returns the names that can carry a credential of the provider. Clearing them needs no credential. */
export function listVariableNames(provider: VariableProvider): string[] {
  const variables = provider.environment.export ?? {}
  const ofKeys = KEYS.flatMap((part) => variables[part] ?? [])
  const others = [variables.composed, variables.sets].flatMap((named) => Object.keys(named ?? {}))
  const ofParams = Object.values(variables.params ?? {}).flat()
  return [...(ofKeys.length > 0 ? ofKeys : listTokenNames(provider)), ...ofParams, ...others]
}

const KEYS = ['accessKeyId', 'secretAccessKey', 'sessionToken', 'expiration', 'region'] as const

type VariableValue = readonly [
  names: readonly string[],
  value: string | Secret | undefined,
  holds?: readonly Secret[],
]

function listVariableValues(
  provider: VariableProvider,
  credential: Credential,
  context: VariableContext,
): VariableValue[] {
  const variables = provider.environment.export ?? {}
  const alone: VariableValue[] =
    credential.kind === 'bearer'
      ? [[listTokenNames(provider), credential.token]]
      : listKeyValues(variables, credential, context)
  const ofParams = Object.entries(variables.params ?? {}).map(
    ([param, names]): VariableValue => [names, context.params?.[param]],
  )
  return [...alone, ...ofParams, ...composeValues(variables, credential, context)]
}

function composeValues(
  { composed = {} }: Variables,
  credential: Credential,
  context: VariableContext,
): VariableValue[] {
  const { params = {}, endpoints = {}, account } = context
  return Object.entries(composed).map(([name, compose]) => {
    if (endpoints.api !== undefined) assertSafeApi(endpoints.api)
    const parts = compose(credential, { params, endpoints, account })
    return parts ? [[name], ...joinParts(parts)] : [[name], undefined]
  })
}

/** Throws unless the address is safe: the program sends the credential there. */
function assertSafeApi(api: string): void {
  const url = URL.canParse(api) ? new URL(api) : undefined
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname))) return
  throw new DaypassError('configuration', `the API must be https, ${sanitize(api)} is not`, {
    hint: 'plain http is for 127.0.0.1, [::1] and localhost only',
  })
}

/** Joins the parts; the result is a secret where one part is. */
function joinParts(parts: readonly (string | Secret)[]): [value: string | Secret, holds?: Secret[]] {
  const text = parts
    .map((part) => (typeof part === 'string' ? part : encodeURIComponent(part.reveal())))
    .join('')
  const holds = parts.filter((part) => typeof part !== 'string')
  return holds.length === 0 ? [text] : [new Secret(text), holds]
}

function listKeyValues(
  names: Variables,
  keys: KeysCredential,
  { region, clockOffset = 0 }: VariableContext,
): VariableValue[] {
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = keys
  // By this machine's clock, which the program compares it with.
  const expiration = expiresAt === undefined ? undefined : formatTime(expiresAt - clockOffset)
  const values = { accessKeyId, secretAccessKey, sessionToken, expiration, region }
  return KEYS.map((part) => [names[part] ?? NONE, values[part]])
}

const NONE: readonly string[] = []

function listTokenNames({ id, environment }: VariableProvider): readonly string[] {
  const usual =
    environment.token[0] ??
    `${id
      .toUpperCase()
      .replace(/[^A-Z0-9]/g, '_')
      .replace(/^\d/, '_$&')}_TOKEN`
  return environment.export?.token ?? [usual]
}

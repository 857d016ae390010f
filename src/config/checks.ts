/**
 * Checks that need more than one field. They use the values as they were read, so these faults are reported
 * together with those of single fields. A value of the wrong type is left to the schema.
 */
import { isIdentityName } from '../core/names.ts'
import { isDerived, listKinds, parseProviderId } from '../providers/registry.ts'
import { findNearest } from './nearest.ts'

export interface Fault {
  path: readonly string[]
  on: 'key' | 'value'
  /** `{in}` becomes the path, or the parent block where the key itself is wrong. */
  message: string
}

type Block = Readonly<Record<string, unknown>>

const EMPTY: Block = {}
const getBlock = (value: unknown): Block =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Block) : EMPTY
const getOwn = (of: unknown, key: string): unknown =>
  Object.hasOwn(getBlock(of), key) ? getBlock(of)[key] : undefined
const getText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

export function findCrossFaults(config: unknown, builtIn: readonly string[]): Fault[] {
  const auth = getOwn(config, 'auth')
  const identities = getBlock(getOwn(auth, 'identities'))
  const providers = getBlock(getOwn(auth, 'providers'))
  const known = [...builtIn, ...Object.keys(providers).filter(isIdentityName)]
  return [
    ...Object.keys(providers).flatMap((name) => findProviderFaults(name, getOwn(providers, name), builtIn)),
    ...Object.keys(identities).flatMap((name) => findIdentityFaults(name, getOwn(identities, name), known)),
    ...findCycleFaults(identities),
    ...findDefaultFaults(identities),
  ]
}

/** Names that valibot ignores without a message, because they have a meaning in JavaScript. */
const RESERVED: ReadonlySet<string> = new Set(['constructor', 'prototype', '__proto__'])

function findReservedFaults(path: readonly string[]): Fault[] {
  return RESERVED.has(path.at(-1)!) ? [{ path, on: 'key', message: 'this name is reserved in {in}' }] : []
}

function findProviderFaults(name: string, provider: unknown, builtIn: readonly string[]): Fault[] {
  const path = ['auth', 'providers', name]
  const faults = findReservedFaults(path)
  if (builtIn.includes(name)) {
    faults.push({
      path,
      on: 'key',
      message: `the provider "${name}" is built in, choose another name in {in}`,
    })
  }
  const described = getOwn(provider, 'issuer') ?? getOwn(provider, 'endpoints')
  if (getBlock(provider) === provider && described === undefined) {
    faults.push({
      path: [...path, 'issuer'],
      on: 'key',
      message: 'missing key "issuer" or "endpoints" in {in}',
    })
  }
  return faults
}

function findIdentityFaults(name: string, identity: unknown, providers: readonly string[]): Fault[] {
  const path = ['auth', 'identities', name]
  return [
    ...findReservedFaults(path),
    ...findKindFaults(path, identity, providers),
    ...findKeyFaults([...path, 'credentials'], getOwn(identity, 'credentials')),
    ...findDerivedFaults(path, identity),
  ]
}

function findKindFaults(path: readonly string[], identity: unknown, providers: readonly string[]): Fault[] {
  const kind = getText(getOwn(identity, 'kind'))
  const provider = getText(getOwn(identity, 'provider'))
  const via = getText(getOwn(getOwn(identity, 'via'), 'provider'))
  const faults = [
    ...findUnknownWordFaults([...path, 'provider'], provider, providers, 'provider'),
    ...findUnknownWordFaults([...path, 'via', 'provider'], via, providers, 'provider'),
  ]
  if (kind === undefined) return faults
  faults.push(...findUnknownWordFaults([...path, 'kind'], kind, providers.flatMap(listKinds), 'kind'))
  if (faults.length === 0 && provider !== undefined && provider !== parseProviderId(kind)) {
    faults.push({ path: [...path, 'provider'], on: 'value', message: 'kind says another provider than {in}' })
  }
  return faults
}

/** Reports the nearest known word and not the unknown one, which may be a secret. */
function findUnknownWordFaults(
  path: readonly string[],
  given: string | undefined,
  known: readonly string[],
  what: string,
): Fault[] {
  if (given === undefined || known.includes(given)) return []
  const meant = findNearest(given, known)
  const advice = meant === undefined ? `known are ${known.join(', ')}` : `did you mean "${meant}"`
  return [{ path, on: 'value', message: `unknown ${what} in {in}, ${advice}` }]
}

function findKeyFaults(path: readonly string[], credentials: unknown): Fault[] {
  const has = (key: string) => getOwn(credentials, key) !== undefined
  const alone = (key: string, partner: string): Fault[] =>
    has(key) && !has(partner)
      ? [{ path: [...path, key], on: 'key', message: `"${key}" without "${partner}" in {in}` }]
      : []
  return [
    ...alone('access_key_id', 'secret_access_key'),
    ...alone('secret_access_key', 'access_key_id'),
    ...alone('security_token', 'access_key_id'),
  ]
}

/** Requires a role and a parent together; one without the other cannot be used. */
function findDerivedFaults(path: readonly string[], identity: unknown): Fault[] {
  if (!isDerived(getText(getOwn(identity, 'kind')) ?? '')) return []
  const via = getOwn(identity, 'via')
  const principal = getOwn(identity, 'principal')
  const faults: Fault[] = []
  if ((getOwn(via, 'identity') ?? getOwn(via, 'provider')) === undefined) {
    faults.push({ path: [...path, 'via', 'identity'], on: 'key', message: 'missing key "identity" in {in}' })
  }
  if ((getOwn(principal, 'role_arn') ?? getOwn(principal, 'assume_role')) === undefined) {
    faults.push({
      path: [...path, 'principal', 'role_arn'],
      on: 'key',
      message: 'missing key "role_arn" in {in}',
    })
  }
  return faults
}

/**
 * Reports each cycle once, at the `via` of its first member. A parent that is not in the file may be in the
 * vault, so its absence is no fault here.
 */
function findCycleFaults(identities: Block): Fault[] {
  const done = new Set<string>()
  return Object.keys(identities).flatMap((start) => {
    const cycle = done.has(start) ? undefined : findCycle(start, identities, done)
    if (cycle === undefined) return []
    const path = ['auth', 'identities', start, 'via', 'identity']
    return [{ path, on: 'value', message: `a cycle in {in}: ${[...cycle, start].join(' -> ')}` }]
  })
}

/**
 * Finds the cycle that contains an identity; undefined where there is none. `done` holds identities that are
 * finished: their cycle was reported, or their chain ends.
 */
function findCycle(start: string, identities: Block, done: Set<string>): string[] | undefined {
  const seen = new Set([start])
  for (let at = start; ; ) {
    const parent = getText(getOwn(getOwn(getOwn(identities, at), 'via'), 'identity'))
    const over = parent === undefined || parent === start || done.has(parent)
    if (over) for (const each of seen) done.add(each)
    if (parent === start) return [...seen].every(isIdentityName) ? [...seen] : undefined
    if (over || seen.has(parent)) return undefined
    seen.add(parent)
    at = parent
  }
}

function findDefaultFaults(identities: Block): Fault[] {
  const flagged = Object.keys(identities).filter(
    (name) => getOwn(getOwn(identities, name), 'default') === true,
  )
  return flagged.slice(1).map((name) => ({
    path: ['auth', 'identities', name, 'default'],
    on: 'key',
    message: 'another identity is the default already, in {in}',
  }))
}

/**
 * What one field alone cannot tell. Looks at the values as they were read, so that these mistakes are reported
 * together with those of single fields; whatever has the wrong type is left to the schema.
 */
import { isIdentityName } from '../core/names.ts'
import { isDerived, kindsOf, providerOf } from '../providers/registry.ts'
import { nearest } from './nearest.ts'

export interface Fault {
  path: readonly string[]
  on: 'key' | 'value'
  /** `{in}` becomes the path, or the block around it where the fault is of the key. */
  message: string
}

type Block = Readonly<Record<string, unknown>>

const EMPTY: Block = {}
const block = (value: unknown): Block =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Block) : EMPTY
const own = (of: unknown, key: string): unknown =>
  Object.hasOwn(block(of), key) ? block(of)[key] : undefined
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

export function crossCheck(config: unknown, builtIn: readonly string[]): Fault[] {
  const auth = own(config, 'auth')
  const identities = block(own(auth, 'identities'))
  const providers = block(own(auth, 'providers'))
  const known = [...builtIn, ...Object.keys(providers).filter(isIdentityName)]
  return [
    ...Object.keys(providers).flatMap((name) => providerFaults(name, own(providers, name), builtIn)),
    ...Object.keys(identities).flatMap((name) => identityFaults(name, own(identities, name), known)),
    ...cycleFaults(identities),
    ...defaultFaults(identities),
  ]
}

/** Names that valibot passes over in silence, for what they mean to JavaScript. */
const RESERVED: ReadonlySet<string> = new Set(['constructor', 'prototype', '__proto__'])

function reserved(path: readonly string[]): Fault[] {
  return RESERVED.has(path.at(-1)!) ? [{ path, on: 'key', message: 'this name is reserved in {in}' }] : []
}

function providerFaults(name: string, provider: unknown, builtIn: readonly string[]): Fault[] {
  const path = ['auth', 'providers', name]
  const faults = reserved(path)
  if (builtIn.includes(name)) {
    faults.push({
      path,
      on: 'key',
      message: `the provider "${name}" is built in, choose another name in {in}`,
    })
  }
  const described = own(provider, 'issuer') ?? own(provider, 'endpoints')
  if (block(provider) === provider && described === undefined) {
    faults.push({
      path: [...path, 'issuer'],
      on: 'key',
      message: 'missing key "issuer" or "endpoints" in {in}',
    })
  }
  return faults
}

function identityFaults(name: string, identity: unknown, providers: readonly string[]): Fault[] {
  const path = ['auth', 'identities', name]
  return [
    ...reserved(path),
    ...kindFaults(path, identity, providers),
    ...keyFaults([...path, 'credentials'], own(identity, 'credentials')),
    ...derivedFaults(path, identity),
  ]
}

function kindFaults(path: readonly string[], identity: unknown, providers: readonly string[]): Fault[] {
  const kind = text(own(identity, 'kind'))
  const provider = text(own(identity, 'provider'))
  const via = text(own(own(identity, 'via'), 'provider'))
  const faults = [
    ...oneOf([...path, 'provider'], provider, providers, 'provider'),
    ...oneOf([...path, 'via', 'provider'], via, providers, 'provider'),
  ]
  if (kind === undefined) return faults
  faults.push(...oneOf([...path, 'kind'], kind, providers.flatMap(kindsOf), 'kind'))
  if (faults.length === 0 && provider !== undefined && provider !== providerOf(kind)) {
    faults.push({ path: [...path, 'provider'], on: 'value', message: 'kind says another provider than {in}' })
  }
  return faults
}

/** An unknown word is not repeated: it may be anything. The nearest known one is. */
function oneOf(
  path: readonly string[],
  given: string | undefined,
  known: readonly string[],
  what: string,
): Fault[] {
  if (given === undefined || known.includes(given)) return []
  const meant = nearest(given, known)
  const advice = meant === undefined ? `known are ${known.join(', ')}` : `did you mean "${meant}"`
  return [{ path, on: 'value', message: `unknown ${what} in {in}, ${advice}` }]
}

function keyFaults(path: readonly string[], credentials: unknown): Fault[] {
  const has = (key: string) => own(credentials, key) !== undefined
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

/** A role without a parent, or a parent without a role, is nothing that could be used. */
function derivedFaults(path: readonly string[], identity: unknown): Fault[] {
  if (!isDerived(text(own(identity, 'kind')) ?? '')) return []
  const via = own(identity, 'via')
  const principal = own(identity, 'principal')
  const faults: Fault[] = []
  if ((own(via, 'identity') ?? own(via, 'provider')) === undefined) {
    faults.push({ path: [...path, 'via', 'identity'], on: 'key', message: 'missing key "identity" in {in}' })
  }
  if ((own(principal, 'role_arn') ?? own(principal, 'assume_role')) === undefined) {
    faults.push({
      path: [...path, 'principal', 'role_arn'],
      on: 'key',
      message: 'missing key "role_arn" in {in}',
    })
  }
  return faults
}

/**
 * A parent that is not in the file may be in the vault, so its absence is no fault here. Each cycle is told once,
 * at the `via` of the member that stands first.
 */
function cycleFaults(identities: Block): Fault[] {
  const done = new Set<string>()
  return Object.keys(identities).flatMap((start) => {
    const cycle = done.has(start) ? undefined : cycleFrom(start, identities, done)
    if (cycle === undefined) return []
    const path = ['auth', 'identities', start, 'via', 'identity']
    return [{ path, on: 'value', message: `a cycle in {in}: ${[...cycle, start].join(' -> ')}` }]
  })
}

/**
 * The cycle that leads from an identity back to itself; `undefined` when it is on none. `done` are those that need
 * not be looked at again: their cycle was told, or their way comes to an end.
 */
function cycleFrom(start: string, identities: Block, done: Set<string>): string[] | undefined {
  const seen = new Set([start])
  for (let at = start; ; ) {
    const parent = text(own(own(own(identities, at), 'via'), 'identity'))
    const over = parent === undefined || parent === start || done.has(parent)
    if (over) for (const each of seen) done.add(each)
    if (parent === start) return [...seen].every(isIdentityName) ? [...seen] : undefined
    if (over || seen.has(parent)) return undefined
    seen.add(parent)
    at = parent
  }
}

function defaultFaults(identities: Block): Fault[] {
  const flagged = Object.keys(identities).filter((name) => own(own(identities, name), 'default') === true)
  return flagged.slice(1).map((name) => ({
    path: ['auth', 'identities', name, 'default'],
    on: 'key',
    message: 'another identity is the default already, in {in}',
  }))
}

/** Access keys of the configuration, and the credentials made from them. */
import { createHash } from 'node:crypto'
import { DaypassError, type Hint } from '../core/errors.ts'
import type { Header, Host, KeysCredential, Time } from '../core/types.ts'
import { assertBound, assertNoStrayVariable, type ConfiguredKeys, type Definition } from './definition.ts'

/** Throws where the record belongs to another server, or was made from other keys of the configuration. */
export function assertUsableRecord(definition: Definition, header: Header): void {
  assertNoStrayVariable(definition, header)
  assertBound(definition, header)
  if (!definition.keys || header.madeFrom === computeSourceDigest(definition)) return
  throw new DaypassError(
    'login_required',
    `${definition.name} has keys in config.yaml, and no session of theirs is open`,
    { advice: { verb: 'login', identity: definition.name } },
  )
}

/** Digests the configured keys and the device that a session was opened with. */
export const computeSourceDigest = ({ keys, params }: Definition) =>
  keys &&
  createHash('sha256')
    .update(JSON.stringify([keys.accessKeyId, params.mfa_arn]))
    .digest('hex')

/**
 * Returns the configured keys. Returns undefined with an MFA device: then a stored session is used instead.
 */
export function findConfiguredKeys(
  { now }: Pick<Host, 'now'>,
  definition: Definition,
): KeysCredential | undefined {
  const { keys, params } = definition
  return keys && params.mfa_arn === undefined ? createKeysCredential(definition, keys, now()) : undefined
}

export const createKeysCredential = (
  { provider }: Definition,
  keys: ConfiguredKeys,
  issuedAt: Time,
): KeysCredential => ({
  kind: 'keys',
  cloud: provider.keys!.cloud,
  ...keys,
  issuedAt,
})

/** Creates the error of refused keys. `hint` is for keys that are not from the configuration. */
export function createRefusedKeysError(
  { name, keys }: Definition,
  error: DaypassError,
  hint: Hint,
): DaypassError {
  const own = keys ? `mend credentials of ${name} in config.yaml` : hint
  return error.as(error.code, own)
}

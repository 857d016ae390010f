/** Keys that the configuration holds, and what is made of them. */
import { createHash } from 'node:crypto'
import { DaypassError, type Hint } from '../core/errors.ts'
import type { Header, Host, KeysCredential, Time } from '../core/types.ts'
import { assertBound, assertNoStrayVariable, type ConfiguredKeys, type Definition } from './definition.ts'

/** What is kept may be used: at the server that issued it, and under keys of the configuration no other than theirs. */
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

/** Which keys of the configuration a session was opened with. */
export const computeSourceDigest = ({ keys, params }: Definition) =>
  keys &&
  createHash('sha256')
    .update(JSON.stringify([keys.accessKeyId, params.mfa_arn]))
    .digest('hex')

/** Without a device: with one, it is a session that is handed out, and that is kept. */
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

/** Those of the configuration are mended there; `hint` is for all others. */
export function createRefusedKeysError(
  { name, keys }: Definition,
  error: DaypassError,
  hint: Hint,
): DaypassError {
  const own = keys ? `mend credentials of ${name} in config.yaml` : hint
  return error.as(error.code, own)
}

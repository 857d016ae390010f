import type { Clock } from '../clock.ts'
import type { TemporaryKeys } from './principals.ts'
import type { Xml } from './xml.ts'

/** `Credentials` of STS' answers; `Expiration` is told on the server's own clock, in whole seconds. */
export function credentials(keys: TemporaryKeys, clock: Clock): Xml {
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = keys
  const Expiration = new Date(expiresAt + clock.offset).toISOString().replace(/\.\d{3}/, '')
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken,
    Expiration,
  }
}

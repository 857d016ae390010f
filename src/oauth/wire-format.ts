import { Secret } from '../core/secret.ts'
import type { KeysCredential, WireFormat } from '../core/types.ts'

/** Reads the keys that an access token of such a server holds. Throws where it holds none. */
export function parseTokenKeys(
  wireFormat: WireFormat,
  accessToken: Secret,
): Omit<KeysCredential, 'issuedAt' | 'expiresAt'> {
  const { cloud, accessKeyId, secretAccessKey, sessionToken } = wireFormat.parseKeys(accessToken.reveal())
  return {
    kind: 'keys',
    cloud,
    accessKeyId,
    secretAccessKey: new Secret(secretAccessKey),
    sessionToken: new Secret(sessionToken),
  }
}

/** Records for tests; imports nothing of vitest, so that the spawned worker can have them too. */
import { createCipheriv, randomBytes } from 'node:crypto'
import { Secret } from '../../src/core/secret.ts'
import type { Entry, Header } from '../../src/core/types.ts'

export function headerOf(name: string, more: Partial<Header> = {}): Header {
  return {
    v: 2,
    name,
    kind: 'oidc/user',
    provider: 'oidc',
    params: { issuer: 'https://id.example.com' },
    method: 'browser',
    renewable: true,
    createdAt: 1_700_000_000_000,
    ...more,
  }
}

export function entryOf(name: string, token = 'access-token-of-the-test'): Entry {
  return {
    header: headerOf(name),
    grant: {
      credential: {
        kind: 'bearer',
        token: new Secret(token),
        tokenType: 'bearer',
        issuedAt: 1_700_000_000_000,
        expiresAt: 1_700_000_600_000,
      },
      refreshToken: new Secret('refresh-token-of-the-test'),
    },
  }
}

export function tokenOf(entry: Entry | undefined): string | undefined {
  const credential = entry?.grant?.credential
  return credential?.kind === 'bearer' ? credential.token.reveal() : undefined
}

/** `toJSON` of a Secret comes before any replacer. */
function encode(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const own = this[key]
  return own instanceof Secret ? { $secret: own.reveal() } : value
}

/** A record as it was written before it had two parts: all of the grant in one, with the key that renews. */
export function sealVersion1({ header, grant }: Entry, id: string, key: Buffer): string {
  const line = JSON.stringify({ ...header, v: 1, key: { id, where: 'file' } })
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(line))
  const sealed = Buffer.concat([cipher.update(JSON.stringify(grant, encode)), cipher.final()])
  return `${line}\n${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')}\n`
}

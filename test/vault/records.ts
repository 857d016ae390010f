/** Records for tests; imports nothing of vitest, so that the spawned worker can have them too. */
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

/** What is known of a provider's server: `fixtures/<id>.ts`, answers as they were recorded, or as its documentation has them. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Account } from '../../src/core/types.ts'

/** What is asked for, by the end of its path, is answered with this. */
type Answers = Record<string, (asked: URLSearchParams) => object | string>

export interface Fixture {
  /** What the service says of a person, and the account that is read from it. */
  claims: Record<string, unknown>
  reads: Account
  login: {
    given?: { params?: Record<string, string>; clientId?: string }
    answers: Answers
    /** What has to come of it: the credential's own secret, and whose it is. */
    secret: string
    account: string
    revokes: boolean
  }
}

const FOLDER = join(import.meta.dirname, 'fixtures')

/** By the provider's id. */
export async function loadFixtures(): Promise<Record<string, Fixture>> {
  const ids = readdirSync(FOLDER).map((name) => name.replace(/\.ts$/, ''))
  const loaded = ids.map(async (id) => [id, (await import(join(FOLDER, `${id}.ts`))).fixture])
  return Object.fromEntries(await Promise.all(loaded))
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** Nobody checks the signature of what came from the token endpoint itself (OpenID Connect Core §3.1.3.7). */
export const jwt = (claims: object) => `${part({ alg: 'RS256', kid: '1' })}.${part(claims)}.c2lnbmVk`

export const SOON = 3600
export const now = Math.floor(Date.now() / 1000)
export const inAnHour = new Date((now + SOON) * 1000).toISOString().replace(/\.\d+Z/, 'Z')
export const bearer = {
  access_token: 'the-access-token',
  refresh_token: 'the-refresh-token',
  token_type: 'Bearer',
}
export const person = { sub: '7', name: 'Ada Lovelace', email: 'ada@example.com' }
export const temporary = 'the-temporary-secret'

/** A server of OpenID Connect that is found at its issuer. */
export function discovered(issuer: string, claims: object = person): Answers {
  return {
    'openid-configuration': () => ({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      revocation_endpoint: `${issuer}/revoke`,
    }),
    ...tokens(issuer, claims),
  }
}

export const tokens = (issuer: string, claims: object): Answers => ({
  token: (asked) => ({
    ...bearer,
    expires_in: SOON,
    id_token: jwt({
      iss: issuer,
      aud: 'a-client',
      exp: now + SOON,
      iat: now,
      nonce: asked.get('nonce'),
      ...claims,
    }),
  }),
  revoke: () => ({}),
})

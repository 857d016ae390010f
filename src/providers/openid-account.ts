import type { Account } from '../core/types.ts'

/** Claims of an id_token, or a profile document. */
export type Claims = Record<string, unknown>

/** Reads the account from the claims of OpenID Connect Core §5.1. */
export function parseOpenidAccount(claims: Claims): Account {
  const text = (name: string) => (typeof claims[name] === 'string' ? (claims[name] as string) : undefined)
  const account = text('email') ?? text('preferred_username') ?? text('upn') ?? text('sub')
  const principal = text('sub')
  const nameOfPerson = text('name')
  const email = text('email')
  return {
    ...(account && { account }),
    ...(principal && { principal }),
    ...(nameOfPerson && { nameOfPerson }),
    ...(email && { email }),
  }
}

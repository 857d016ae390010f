/** One tenant that the person is a member of. */
interface Membership {
  slug: string
  name: string
}

export interface PassportOptions {
  /** The redirects that are registered for the client, as its operator wrote them. Default: the five of 8765 to 8769. */
  redirects?: readonly string[]
  /** Default a UUID. */
  clientId?: string
  consent?: 'approve' | 'deny'
  /** Of league/oauth2-server, which says no in other words from 9 on. Default 8. */
  release?: 8 | 9
  /** Seconds. Default 3600. */
  accessTokenTtl?: number
  /** Milliseconds. Default a month. */
  refreshTokenTtl?: number
  /** Scopes that the application knows. Default `orders`. */
  scopes?: readonly string[]
  /** Personal access tokens, good for ever. */
  personalTokens?: readonly string[]
  /** Default `acme` and `globex`. */
  tenants?: readonly Membership[]
  person?: { id: number; name: string; email: string }
  /** Its operator has added RFC 7009, at `/oauth/revoke`. Default false, as it comes. */
  revocation?: boolean
  /** False: resources are not wrapped in `data`. */
  wrapped?: boolean
  /** The clock that lifetimes run on. */
  now?(): number
  clockOffset?: number
}

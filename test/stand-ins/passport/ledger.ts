import { randomBytes, randomUUID } from 'node:crypto'

export interface Code {
  value: string
  clientId: string
  redirectUri: string
  challenge: string
  expiresAt: number
  revoked: boolean
}

/** An access token and the refresh token that was issued with it: they are revoked together. */
interface Pair {
  clientId: string
  access: string
  refresh: string
  accessExpiresAt: number
  refreshExpiresAt: number
  accessRevoked: boolean
  refreshRevoked: boolean
}

export interface Lifetimes {
  now(): number
  accessTokenTtl: number
  refreshTokenTtl: number
}

export type Ledger = ReturnType<typeof createLedger>

const CODE_TTL = 10 * 60_000

/** As `defuse/php-encryption` writes it, and as long. */
const encrypted = () => `def50200${randomBytes(280).toString('hex')}`

/** As `lcobucci/jwt` writes it; nobody verifies the signature. */
function jwt(clientId: string, iat: number, seconds: number): string {
  const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url')
  const claims = { aud: clientId, jti: randomBytes(40).toString('hex'), iat, nbf: iat, exp: iat + seconds }
  const signature = randomBytes(512).toString('base64url')
  return `${part({ typ: 'JWT', alg: 'RS256' })}.${part({ ...claims, sub: randomUUID(), scopes: [] })}.${signature}`
}

/** What was issued, and what became of it. */
export function createLedger({ now, accessTokenTtl, refreshTokenTtl }: Lifetimes) {
  const codes = new Map<string, Code>()
  const pairs: Pair[] = []
  const secrets: string[] = []
  const counts = { codes: 0, exchanges: 0, refreshes: 0, reuses: 0, revocations: 0 }

  const kept = (secret: string) => {
    secrets.push(secret)
    return secret
  }

  function issueCode(about: Pick<Code, 'clientId' | 'redirectUri' | 'challenge'>): string {
    const value = kept(encrypted())
    codes.set(value, { ...about, value, expiresAt: now() + CODE_TTL, revoked: false })
    counts.codes += 1
    return value
  }

  function issuePair(clientId: string): Pair {
    const pair: Pair = {
      clientId,
      access: kept(jwt(clientId, Math.floor(now() / 1000), accessTokenTtl)),
      refresh: kept(encrypted()),
      accessExpiresAt: now() + accessTokenTtl * 1000,
      refreshExpiresAt: now() + refreshTokenTtl,
      accessRevoked: false,
      refreshRevoked: false,
    }
    pairs.push(pair)
    return pair
  }

  function revoke(pair: Pair): void {
    pair.accessRevoked = true
    pair.refreshRevoked = true
  }

  return {
    issueCode,
    findCode: (value: string) => codes.get(value),
    exchange(code: Code): Pair {
      code.revoked = true
      counts.exchanges += 1
      return issuePair(code.clientId)
    },
    findRefresh: (value: string) => pairs.find(({ refresh }) => refresh === value),
    /** The old access token is over as well, whatever time it had left. */
    renew(old: Pair): Pair {
      revoke(old)
      counts.refreshes += 1
      return issuePair(old.clientId)
    },
    reused(): void {
      counts.reuses += 1
    },
    /** RFC 7009, where there is such an endpoint. */
    revokeToken(value: string, clientId: string): void {
      const pair = pairs.find(({ access, refresh }) => access === value || refresh === value)
      if (pair?.clientId !== clientId) return
      revoke(pair)
      counts.revocations += 1
    },
    isGood(access: string): boolean {
      const pair = pairs.find((one) => one.access === access)
      return pair !== undefined && !pair.accessRevoked && now() < pair.accessExpiresAt
    },
    revokeAll: () => pairs.forEach(revoke),
    remember: kept,
    issued: () => [...secrets],
    counts: () => ({ ...counts }),
  }
}

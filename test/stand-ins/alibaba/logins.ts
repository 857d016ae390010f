import type { Clock } from '../clock.ts'
import type { Ledger } from './ledger.ts'
import type { AlibabaOptions, FamilyStats } from './options.ts'
import type { Principal } from './principals.ts'

/** One login, with all tokens that came of it. */
interface Family {
  principal: Principal
  clientId: string
  /** On the clock of lifetimes. */
  endsAt: number
  stats: FamilyStats
}

export interface Code {
  principal: Principal
  clientId: string
  redirectUri: string
  challenge: string
  expiresAt: number
  /** What came of it: a code that comes again ends that. */
  family?: Family
}

export interface AccessToken {
  family: Family
  expiresAt: number
}

interface RefreshToken {
  family: Family
  spent: boolean
}

export interface Pair {
  accessToken: string
  refreshToken?: string
  family: Family
}

interface LoginSetting extends Required<Pick<AlibabaOptions, 'accessTtl' | 'refreshTtl' | 'refreshTokens'>> {
  clock: Clock
  ledger: Ledger
}

const CODE_TTL = 10 * 60_000

export type Logins = ReturnType<typeof createLogins>

/** Codes, access tokens and refresh tokens. Which of them is good for what is judged by the doors. */
export function createLogins({ clock, ledger, accessTtl, refreshTtl, refreshTokens }: LoginSetting) {
  const codes = new Map<string, Code>()
  const access = new Map<string, AccessToken>()
  const refreshable = new Map<string, RefreshToken>()
  const families: Family[] = []
  const ttl = { access: accessTtl }

  function pair(family: Family, before?: RefreshToken): Pair {
    const accessToken = ledger.secret(60)
    access.set(accessToken, { family, expiresAt: clock.now() + ttl.access * 1000 })
    if (refreshTokens === 'none' || (before && refreshTokens === 'omitted')) return { accessToken, family }
    const refreshToken = ledger.secret(60)
    refreshable.set(refreshToken, { family, spent: false })
    return { accessToken, refreshToken, family }
  }

  function end(family: Family): void {
    family.stats.ended = true
  }

  return {
    ttl,
    issueCode(bound: Omit<Code, 'expiresAt' | 'family'>): string {
      const code = ledger.secret(40)
      codes.set(code, { ...bound, expiresAt: clock.now() + CODE_TTL })
      return code
    },
    findCode: (value: string) => codes.get(value),
    open(code: Code): Pair {
      const { principal, clientId } = code
      const stats = ledger.opened({ arn: principal.arn, clientId })
      const family = { principal, clientId, endsAt: clock.now() + refreshTtl * 1000, stats }
      code.family = family
      families.push(family)
      return pair(family)
    },
    findRefreshToken: (value: string) => refreshable.get(value),
    findAccessToken: (value: string) => access.get(value),
    /** Why the token is worth nothing. One that comes again ends its whole login. */
    problemOf(token: RefreshToken): string | undefined {
      if (token.family.stats.ended) return 'The refresh token is revoked.'
      if (clock.now() >= token.family.endsAt) return 'The refresh token is expired.'
      if (!token.spent) return undefined
      token.family.stats.reuses += 1
      end(token.family)
      return 'The refresh token was used before.'
    },
    redeem(token: RefreshToken): Pair {
      token.spent = refreshTokens === 'single-use'
      token.family.stats.refreshes += 1
      return pair(token.family, token)
    },
    end,
    endAll: () => families.forEach(end),
    /** Access tokens end before their time. */
    expireAccess() {
      for (const token of access.values()) token.expiresAt = clock.now()
    },
  }
}

import { randomBytes } from 'node:crypto'
import type { RefreshRule, ServerEvent, Stats } from './options.ts'

/** A login and everything that was issued for it. */
export interface Family {
  number: number
  clientId: string
  scope: string
  nonce?: string | undefined
  /** The key that its refresh tokens are bound to: only for a public client with a proof (RFC 9449 §5). */
  jkt?: string | undefined
  dead: boolean
}

export interface Code {
  value: string
  family: Family
  redirectUri: string
  challenge: string
  /** The only key that may exchange it (RFC 9449 §10). */
  jkt: string | undefined
  expiresAt: number
  spent: boolean
}

interface Token {
  use: 'access' | 'refresh'
  family: Family
  /** The key it is bound to. */
  jkt: string | undefined
  expiresAt: number
  spentAt?: number
  revoked?: boolean
}

export interface LedgerOptions {
  refresh: RefreshRule
  accessTokenTtl: number
  refreshTokenTtl: number
  codeTtl: number
  /** Returns the text of an access token. Default: random. */
  accessToken?(family: Family, expiresAt: number): string
  now(): number
  emit(event: ServerEvent): void
}

export type Ledger = ReturnType<typeof createLedger>

const createCounts = () => ({
  codes: 0,
  exchanges: 0,
  refreshes: 0,
  reuses: 0,
  revocations: 0,
  families: 0,
  tokensIssued: 0,
})

/**
 * Creates the record of what was issued, to whom, and its state. Lifetimes use the passed clock;
 * `clockOffset` changes only the times that the server reports.
 */
export function createLedger({
  refresh,
  accessTokenTtl,
  refreshTokenTtl,
  codeTtl,
  accessToken,
  now,
  emit,
}: LedgerOptions) {
  const counts = createCounts()
  const families: Family[] = []
  const codes = new Map<string, Code>()
  const tokens = new Map<string, Token>()
  const secrets: string[] = []

  function remember(value: string): string {
    secrets.push(value)
    return value
  }

  const createSecret = (prefix: string) => remember(`${prefix}_${randomBytes(32).toString('base64url')}`)

  function emitEvent(type: Exclude<ServerEvent['type'], 'request' | 'fault'>, family: Family): void {
    emit({ type, family: family.number })
  }

  function openFamily(clientId: string, scope: string, nonce?: string): Family {
    const family: Family = { number: families.length + 1, clientId, scope, nonce, dead: false }
    families.push(family)
    counts.families += 1
    return family
  }

  function kill(family: Family): void {
    if (family.dead) return
    family.dead = true
    emitEvent('family-dead', family)
  }

  function issueCode(family: Family, bound: Pick<Code, 'redirectUri' | 'challenge' | 'jkt'>): string {
    const value = createSecret('code')
    codes.set(value, { value, family, ...bound, expiresAt: now() + codeTtl, spent: false })
    counts.codes += 1
    emitEvent('code', family)
    return value
  }

  /** Spends a code. RFC 6749 §4.1.2: a second use revokes every token issued for it. */
  function spendCode(code: Code): boolean {
    if (code.spent) {
      counts.reuses += 1
      emitEvent('reuse', code.family)
      kill(code.family)
      return false
    }
    code.spent = true
    return now() < code.expiresAt
  }

  function issueToken(family: Family, use: Token['use'], jkt?: string): string {
    const ttl = use === 'access' ? accessTokenTtl : refreshTokenTtl
    const expiresAt = now() + ttl
    const said = use === 'access' ? accessToken?.(family, expiresAt) : undefined
    const value = said === undefined ? createSecret(use === 'access' ? 'at' : 'rt') : remember(said)
    tokens.set(value, { use, family, jkt, expiresAt })
    counts.tokensIssued += 1
    return value
  }

  function issueExchanged(family: Family, jkt?: string): { access: string; refresh?: string } {
    counts.exchanges += 1
    emitEvent('exchange', family)
    const access = issueToken(family, 'access', jkt)
    return refresh === 'none' ? { access } : { access, refresh: issueToken(family, 'refresh') }
  }

  /** Applies the rule to a reused refresh token. Returns true if it is accepted once more. */
  function handleReuse(token: Token): boolean {
    if (typeof refresh === 'object' && now() - token.spentAt! < refresh.grace) return true
    counts.reuses += 1
    emitEvent('reuse', token.family)
    if (refresh !== 'survives') kill(token.family)
    return false
  }

  /** Returns undefined where the token is refused. */
  function renew(value: string, clientId: string, jkt?: string) {
    const token = tokens.get(value)
    if (token?.use !== 'refresh' || token.family.clientId !== clientId) return undefined
    if (token.family.jkt !== undefined && token.family.jkt !== jkt) return undefined
    if (token.revoked || token.family.dead || now() >= token.expiresAt) return undefined
    if (token.spentAt !== undefined && !handleReuse(token)) return undefined
    counts.refreshes += 1
    emitEvent('refresh', token.family)
    const access = issueToken(token.family, 'access', jkt)
    if (refresh === 'reusable') return { family: token.family, access }
    token.spentAt ??= now()
    return { family: token.family, access, refresh: issueToken(token.family, 'refresh') }
  }

  /** Revokes a token. RFC 7009 §2.1: a refresh token ends the login; a token of another client stays. */
  function revoke(value: string, clientId: string): void {
    const token = tokens.get(value)
    if (token === undefined || token.family.clientId !== clientId) return
    counts.revocations += 1
    emitEvent('revocation', token.family)
    if (token.use === 'refresh') kill(token.family)
    else token.revoked = true
  }

  /** Returns an access token while it is valid. */
  function findAccessToken(value: string): Token | undefined {
    const token = tokens.get(value)
    const good = token?.use === 'access' && !token.revoked && !token.family.dead
    return good && now() < token.expiresAt ? token : undefined
  }

  function expire(use: Token['use']): void {
    for (const token of tokens.values()) if (token.use === use) token.expiresAt = 0
  }

  function getStats(): Omit<Stats, 'requests' | 'by' | 'faults'> {
    return { ...counts, deadFamilies: families.filter(({ dead }) => dead).length }
  }

  return {
    secret: createSecret,
    remember: (value: string) => void remember(value),
    issued: () => [...new Set(secrets)],
    openFamily,
    killAll: () => families.forEach(kill),
    issueCode,
    findCode: (value: string) => codes.get(value),
    spendCode,
    exchanged: issueExchanged,
    renew,
    revoke,
    holder: findAccessToken,
    expire,
    stats: getStats,
  }
}

import type { Clock } from '../clock.ts'
import type { Ledger } from './ledger.ts'
import type { SessionEnd, SessionStats } from './options.ts'
import type { KeyRing, Principal, TemporaryKeys } from './principals.ts'

/** One login, for as long as its keys may be renewed. */
interface Session {
  principal: Principal
  clientId: string
  region: string
  /** The thumbprint of the one key that proves. */
  jkt: string
  /** On the clock of lifetimes. */
  endsAt: number
  end?: SessionEnd
  stats: SessionStats
}

export interface Code {
  value: string
  principal: Principal
  clientId: string
  region: string
  redirectUri: string
  challenge: string
  expiresAt: number
  spent: boolean
}

export interface Tokens {
  keys: TemporaryKeys
  refreshToken: string
}

interface RefreshToken {
  session: Session
  /** The first time, and what was answered. */
  redeemed?: { at: number; tokens: Tokens }
}

export interface SessionSetting {
  clock: Clock
  ledger: Ledger
  keyRing: KeyRing
  credentialsTtl: number
  codeTtl: number
  sessionTtl: number
  refreshWindow: number
}

/** A real code had 1567 characters: more than AWS' own model of the service allows. */
const CODE_BYTES = 1175

export type Sessions = ReturnType<typeof createSessions>

/** Codes, logins and refresh tokens of Sign-In. What may be redeemed by whom is judged by `token.ts`. */
export function createSessions(setting: SessionSetting) {
  const { clock, ledger, keyRing, credentialsTtl, codeTtl, sessionTtl, refreshWindow } = setting
  const codes = new Map<string, Code>()
  const refreshTokens = new Map<string, RefreshToken>()
  const sessions: Session[] = []

  function issueCode(bound: Omit<Code, 'value' | 'expiresAt' | 'spent'>): string {
    const value = ledger.secret(CODE_BYTES)
    codes.set(value, { ...bound, value, expiresAt: clock.now() + codeTtl, spent: false })
    return value
  }

  function newKeys({ principal, endsAt }: Session): TemporaryKeys {
    const left = Math.floor((endsAt - clock.now()) / 1000)
    return keyRing.issue(principal, Math.max(1, Math.min(credentialsTtl, left)))
  }

  function newTokens(session: Session): Tokens {
    const refreshToken = ledger.secret(600)
    refreshTokens.set(refreshToken, { session })
    return { keys: newKeys(session), refreshToken }
  }

  function open(code: Code, jkt: string): Tokens {
    code.spent = true
    const { principal, clientId, region } = code
    const stats = ledger.opened({ arn: principal.arn, region, clientId })
    const session = { principal, clientId, region, jkt, endsAt: clock.now() + sessionTtl, stats }
    sessions.push(session)
    return newTokens(session)
  }

  /** Why the token is worth nothing any more. */
  function ended({ session, redeemed }: RefreshToken): SessionEnd | undefined {
    if (session.end !== undefined) return session.end
    if (clock.now() >= session.endsAt) return 'TOKEN_EXPIRED'
    if (redeemed === undefined || clock.now() - redeemed.at < refreshWindow) return undefined
    session.stats.reuses += 1
    return 'TOKEN_EXPIRED'
  }

  /** The same again within the window: new keys only where those of the first answer are over. */
  function again(session: Session, { tokens }: NonNullable<RefreshToken['redeemed']>): Tokens {
    session.stats.replays += 1
    if (keyRing.isExpired(tokens.keys)) tokens.keys = newKeys(session)
    return tokens
  }

  function redeem(token: RefreshToken): Tokens {
    if (token.redeemed) return again(token.session, token.redeemed)
    token.session.stats.renewals += 1
    token.redeemed = { at: clock.now(), tokens: newTokens(token.session) }
    return token.redeemed.tokens
  }

  return {
    issueCode,
    open,
    ended,
    redeem,
    findCode: (value: string) => codes.get(value),
    findRefreshToken: (value: string) => refreshTokens.get(value),
    /** Every login so far is renewed no more. */
    endAll(end: SessionEnd) {
      for (const session of sessions) session.end = end
    },
  }
}

import { randomBytes } from 'node:crypto'
import type { AwsStats, DoorName, Refusal, SessionStats } from './options.ts'

export type Ledger = ReturnType<typeof createLedger>

/** What happened, and every secret that left. */
export function createLedger() {
  const counts = { requests: 0, keysIssued: 0, faults: 0 }
  const by: AwsStats['by'] = {}
  const refusals: Refusal[] = []
  const sessions: SessionStats[] = []
  const secrets = new Set<string>()

  function remember(secret: string): string {
    secrets.add(secret)
    return secret
  }

  function requested(door: DoorName): void {
    counts.requests += 1
    by[door] = (by[door] ?? 0) + 1
  }

  function opened(login: Pick<SessionStats, 'arn' | 'region' | 'clientId'>): SessionStats {
    const session = { ...login, renewals: 0, replays: 0, reuses: 0 }
    sessions.push(session)
    return session
  }

  return {
    remember,
    /** Random bytes, kept as a secret. */
    secret: (bytes: number, encoding: 'base64' | 'base64url' = 'base64url') =>
      remember(randomBytes(bytes).toString(encoding)),
    requested,
    opened,
    refused: (refusal: Refusal) => void refusals.push(refusal),
    keysIssued() {
      counts.keysIssued += 1
    },
    faultStruck() {
      counts.faults += 1
    },
    issued: () => [...secrets],
    stats: (): AwsStats => ({
      ...counts,
      by: { ...by },
      refusals: [...refusals],
      sessions: sessions.map((session) => ({ ...session })),
    }),
  }
}

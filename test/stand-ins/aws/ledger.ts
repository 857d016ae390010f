import { createTally } from '../serve.ts'
import type { AwsStats, DoorName, Refusal, SessionStats } from './options.ts'

export type Ledger = ReturnType<typeof createLedger>

/** What happened, and every secret that left. */
export function createLedger() {
  const { tally, ...counting } = createTally<DoorName, Refusal>()
  const sessions: SessionStats[] = []
  return {
    ...counting,
    opened(login: Pick<SessionStats, 'arn' | 'region' | 'clientId'>): SessionStats {
      const session = { ...login, renewals: 0, replays: 0, reuses: 0 }
      sessions.push(session)
      return session
    },
    stats: (): AwsStats => ({ ...tally(), sessions: sessions.map((session) => ({ ...session })) }),
  }
}

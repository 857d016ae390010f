import { createTally } from '../serve.ts'
import type { AlibabaStats, DoorName, FamilyStats, Refusal } from './options.ts'

export type Ledger = ReturnType<typeof createLedger>

/** What happened, and every secret that left. */
export function createLedger() {
  const { tally, ...counting } = createTally<DoorName, Refusal>()
  const families: FamilyStats[] = []
  return {
    ...counting,
    opened(login: Pick<FamilyStats, 'arn' | 'clientId'>): FamilyStats {
      const family = { ...login, refreshes: 0, reuses: 0, ended: false }
      families.push(family)
      return family
    },
    stats: (): AlibabaStats => ({ ...tally(), families: families.map((family) => ({ ...family })) }),
  }
}

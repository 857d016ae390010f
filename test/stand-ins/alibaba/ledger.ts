import { randomBytes } from 'node:crypto'
import type { AlibabaStats, DoorName, FamilyStats, Fault, Refusal } from './options.ts'

export type Ledger = ReturnType<typeof createLedger>

/** What happened, every secret that left, and what is planned to go wrong. */
export function createLedger() {
  const counts = { requests: 0, keysIssued: 0, faults: 0 }
  const by: AlibabaStats['by'] = {}
  const refusals: Refusal[] = []
  const families: FamilyStats[] = []
  const secrets = new Set<string>()
  const planned: { fault: Fault; left: number }[] = []

  function remember(secret: string): string {
    secrets.add(secret)
    return secret
  }

  return {
    remember,
    secret: (bytes: number) => remember(randomBytes(bytes).toString('base64url')),
    requested(door: DoorName) {
      counts.requests += 1
      by[door] = (by[door] ?? 0) + 1
    },
    opened(login: Pick<FamilyStats, 'arn' | 'clientId'>): FamilyStats {
      const family = { ...login, refreshes: 0, reuses: 0, ended: false }
      families.push(family)
      return family
    },
    refused: (refusal: Refusal) => void refusals.push(refusal),
    keysIssued() {
      counts.keysIssued += 1
    },
    plan: (fault: Fault) => void planned.push({ fault, left: fault.times ?? 1 }),
    /** Each request takes the first fault that is meant for its door. */
    fault(door: DoorName): Fault | undefined {
      const index = planned.findIndex(({ fault }) => fault.door === undefined || fault.door === door)
      const found = planned[index]
      if (found === undefined) return undefined
      found.left -= 1
      if (found.left <= 0) planned.splice(index, 1)
      counts.faults += 1
      return found.fault
    },
    issued: () => [...secrets],
    stats: (): AlibabaStats => ({
      ...counts,
      by: { ...by },
      refusals: [...refusals],
      families: families.map((family) => ({ ...family })),
    }),
  }
}

/** A kept grant, a renewal that is scripted, and a clock that is set. */
import { DaypassError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import type { BearerCredential, Entry } from '../../src/core/types.ts'
import type { RenewalOutcome, RenewalSource } from '../../src/refresh/renew.ts'
import type { RenewalSteps } from '../../src/refresh/renewal-journal.ts'
import { createMemoryVault } from '../../src/vault/open-vault.ts'
import type { Vault } from '../../src/vault/vault.ts'

export const HOUR = 3_600_000
export const MINUTE = 60_000
export const BORN = 1_800_000_000_000

export interface Kept {
  token?: string
  refreshToken?: string | undefined
  life?: number
  header?: Partial<Entry['header']>
}

export function kept({ token = 'at-1', refreshToken = 'rt-1', life = HOUR, header }: Kept = {}): Entry {
  const credential: BearerCredential = {
    kind: 'bearer',
    token: new Secret(token),
    tokenType: 'bearer',
    issuedAt: BORN,
    expiresAt: BORN + life,
  }
  return {
    header: {
      v: 2,
      name: 'work',
      kind: 'oidc/user',
      provider: 'oidc',
      params: {},
      method: 'browser',
      issuedAt: BORN,
      expiresAt: BORN + life,
      renewable: true,
      createdAt: BORN,
      ...header,
    },
    grant: { credential, ...(refreshToken && { refreshToken: new Secret(refreshToken) }) },
  }
}

/** The record after its n-th renewal, an hour's life from `at`. */
export function next(n: number, at: number, life = HOUR): Entry {
  const entry = kept({ token: `at-${n}`, refreshToken: `rt-${n}` })
  const times = { issuedAt: at, expiresAt: at + life }
  const credential = { ...(entry.grant!.credential as BearerCredential), ...times }
  return { header: { ...entry.header, ...times }, grant: { ...entry.grant!, credential } }
}

export const tokenOf = (entry: Entry | undefined) =>
  entry?.grant?.credential.kind === 'bearer' ? entry.grant.credential.token.reveal() : undefined

export const blip = new DaypassError('network', 'cannot reach id.example.com: connection refused')

export async function bench(entry: Entry = kept(), vault: Vault = createMemoryVault()) {
  await vault.write(entry)
  let issued = 1
  const clock = { now: BORN + HOUR - MINUTE / 2 }
  const warned: string[] = []
  const calls = { renew: 0, exclusive: 0, deferred: 0, reserve: 0 }
  const trace: string[] = []
  const script: ((entry: Entry, steps: RenewalSteps) => RenewalOutcome | Promise<RenewalOutcome>)[] = []
  const spends = { refreshToken: true }
  const spied: Vault = {
    ...vault,
    exclusive(name, purpose, work) {
      calls.exclusive += 1
      return vault.exclusive(name, purpose, work)
    },
    async write(entry) {
      await vault.write(entry)
      trace.push(entry.header.unanswered === undefined ? 'written' : 'noted')
    },
    async reserve(entry) {
      trace.push('reserve')
      const slot = await vault.reserve(entry)
      return {
        async write(written) {
          await slot.write(written)
          trace.push('kept')
        },
        release: slot.release,
      }
    },
  }
  const lease: RenewalSource = {
    name: 'work',
    vault: spied,
    margin: MINUTE,
    login: { verb: 'login', identity: 'work' },
    assertUsable: () => undefined,
    host: {
      now: () => clock.now,
      terminal: { warn: (text: string) => void warned.push(text) } as never,
      async deferSignals(work) {
        trace.push('deferred')
        calls.deferred += 1
        try {
          return await work()
        } finally {
          trace.push('over')
        }
      },
    },
    async renew(held, steps) {
      if (spends.refreshToken) await steps.markSpending()
      calls.renew += 1
      trace.push('renew')
      const scripted = script.shift()
      return scripted ? scripted(held, steps) : { entry: next(++issued, clock.now) }
    },
  }
  return { lease, vault, clock, warned, calls, script, trace, spends, read: () => vault.read('work') }
}

import type { AddressInfo } from 'node:net'
import type { Endpoint, Fault } from '../../../src/testing/options.ts'
import { closeServer, createTestServer, startListening } from '../../../src/testing/serve.ts'
import { apiDoors } from './api.ts'
import { authorizeDoors } from './authorize.ts'
import { createLedger } from './ledger.ts'
import type { PassportOptions } from './options.ts'
import { tokenDoors } from './token.ts'

export interface PassportStandIn {
  /** `http://127.0.0.1:<port>`. */
  url: string
  /** What a person gives as `--api-url`. */
  apiUrl: string
  clientId: string
  stats(): ReturnType<ReturnType<typeof createLedger>['counts']> & { by: Partial<Record<Endpoint, number>> }
  /** Every secret that ever left the server, and the personal tokens: nothing of it may lie about in clear. */
  issued(): string[]
  failNext(fault: Fault): void
  setConsent(consent: 'approve' | 'deny'): void
  /** Every login is over, as an administrator would end it. */
  revokeAll(): void
  setClockOffset(milliseconds: number): void
  close(): Promise<void>
}

export const REDIRECTS = [8765, 8766, 8767, 8768, 8769].map((port) => `http://127.0.0.1:${port}/callback`)

const MONTH = 30 * 24 * 3_600_000

const TENANTS = [
  { slug: 'acme', name: 'Acme' },
  { slug: 'globex', name: 'Globex Corporation' },
]

/** Starts a strict stand-in for an API that Laravel Passport guards, on 127.0.0.1. For tests only. */
export async function startPassport(options: PassportOptions = {}): Promise<PassportStandIn> {
  const { clientId = '9d1f6c1e-5b0a-4d8e-9a3c-2f0a7b6c5d4e', redirects = REDIRECTS, release = 8 } = options
  const { accessTokenTtl = 3600, refreshTokenTtl = MONTH, now: real = Date.now, revocation = false } = options
  const { personalTokens = [], tenants = TENANTS, scopes = ['orders'], wrapped = true } = options
  const { person = { id: 7, name: 'Ada Lovelace', email: 'ada@example.com' } } = options
  const state = { consent: options.consent ?? 'approve', offset: options.clockOffset ?? 0 }
  const now = () => real() + state.offset
  const ledger = createLedger({ now, accessTokenTtl, refreshTokenTtl })
  personalTokens.forEach(ledger.remember)
  const doors = [
    ...authorizeDoors({ ledger, clientId, redirects, scopes, consent: () => state.consent }),
    ...tokenDoors({ ledger, clientId, release, accessTokenTtl, revocation, now }),
    ...apiDoors({ ledger, person, tenants, personalTokens: new Set(personalTokens), wrapped }),
  ]
  const { server, failNext, seen } = createTestServer({
    doors,
    now,
    emit: () => undefined,
    mangle: undefined,
  })
  await startListening(server, 0)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    apiUrl: `${url}/api/v1`,
    clientId,
    stats: () => ({ ...ledger.counts(), by: seen().by }),
    issued: ledger.issued,
    failNext,
    setConsent(consent) {
      state.consent = consent
    },
    revokeAll: ledger.revokeAll,
    setClockOffset(milliseconds) {
      state.offset = milliseconds
    },
    close: () => closeServer(server),
  }
}

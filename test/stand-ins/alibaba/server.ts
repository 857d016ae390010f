import type { AddressInfo } from 'node:net'
import { createFaultQueue } from '../../../src/testing/faults.ts'
import { closeServer, startListening } from '../../../src/testing/serve.ts'
import { createClock } from '../clock.ts'
import { serve } from '../serve.ts'
import { authDoors } from './auth.ts'
import { createLedger } from './ledger.ts'
import { createLogins } from './logins.ts'
import { type Ask, type Reply, refused, stsRefused } from './message.ts'
import { oauthDoors } from './oauth.ts'
import type { AlibabaOptions, AlibabaStats, Consent, DoorName, Fault, Person, User } from './options.ts'
import { createKeyRing, personPrincipal } from './principals.ts'
import { stsDoors } from './sts.ts'

export interface AlibabaStandIn {
  /** `http://127.0.0.1:<port>`: sign-in, OAuth and STS. */
  url: string
  account: string
  stats(): AlibabaStats
  /** Every secret that ever left, and the long-term keys': nothing of it may lie about in clear. */
  issued(): string[]
  /** Plans a fault. Planned faults strike in order, each request at most one. */
  failNext(fault: Fault): void
  /** Who signs in from now on. */
  signInAs(person: Person): void
  setConsent(consent: Consent): void
  /** Seconds that access tokens live from now on. */
  setAccessTtl(seconds: number): void
  /** No login so far is good for anything any more. */
  endLogins(): void
  expireAccess(): void
  expireKeys(): void
  disable(accessKeyId: string): void
  /** Milliseconds that the servers' clock is ahead. */
  setClockOffset(milliseconds: number): void
  close(): Promise<void>
}

const CLIENTS = { cn: '4038181954557748008', intl: '4103531455503354461' }
const ACCOUNT = '1234567890123456'
const DAY = 86_400

export const ADA: User = {
  name: 'ada',
  accessKeyId: 'LTAI5tExampleOfAccessKey',
  accessKeySecret: 'v7Jq3ExampleOfASecretOfAda0000',
}

const BOSS: User = {
  name: 'root',
  accessKeyId: 'LTAI5tExampleOfTheOwner0',
  accessKeySecret: 'v7Jq3ExampleOfASecretOfRoot000',
}

function build(options: AlibabaOptions) {
  const { account = ACCOUNT, users = [ADA, BOSS], site = 'cn', client, roles } = options
  const clock = createClock(options.now, options.clockOffset)
  const ledger = createLedger()
  const keyRing = createKeyRing(account, users, clock, ledger)
  const clients = [CLIENTS[site], ...(client === undefined ? [] : [client])]
  const { accessTtl = 3600, refreshTtl = 30 * DAY, refreshTokens = 'single-use' } = options
  const logins = createLogins({ clock, ledger, accessTtl, refreshTtl, refreshTokens })
  const person = {
    now: options.person ?? ({ kind: 'user', name: 'ada' } as Person),
    consent: options.consent ?? ('approve' as Consent),
  }
  const { keysTtl = 3600, shortest = 900, expiresIn = 'number', refreshExpiresIn = false } = options
  const doors = [
    ...authDoors({
      logins,
      clients,
      principal: () => personPrincipal(account, person.now),
      consent: () => person.consent,
    }),
    ...oauthDoors({
      ...{ logins, keyRing, clock, clients, keysTtl, shortest, expiresIn, refreshExpiresIn },
      ...(options.exchanged && { exchanged: options.exchanged }),
    }),
    ...stsDoors({
      keyRing,
      clock,
      roles: roles ?? [{ arn: `acs:ram::${account}:role/Deploy`, trust: [`acs:ram::${account}:root`] }],
    }),
  ]
  return { doors, clock, ledger, keyRing, logins, person, account }
}

function instead({ refuse, sts }: Fault): Reply | undefined {
  if (refuse) return refused(...refuse)
  return sts && stsRefused(...sts)
}

/** Starts a strict stand-in for Alibaba Cloud's sign-in, OAuth and STS on 127.0.0.1. For tests only. */
export async function startAlibaba(options: AlibabaOptions = {}): Promise<AlibabaStandIn> {
  const { keyRing, logins, person, account, doors, clock, ledger } = build(options)
  const faults = createFaultQueue(({ door }: Fault, name: DoorName) => door === undefined || door === name)
  const at = { url: '' }
  const server = serve<DoorName, Ask, Fault>(
    { doors, clock, ledger, faults, instead, refused: (door, no) => ledger.refused({ door, ...no }) },
    () => at.url,
    ({ headers, ...ask }) => {
      // What the client believes that it speaks to, where a test leads it here.
      const { 'x-forwarded-host': host = headers.host, ...others } = headers
      return { ...ask, headers: { ...others, host: String(host) } }
    },
  )
  await startListening(server, 0)
  at.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: at.url,
    account,
    stats: ledger.stats,
    issued: ledger.issued,
    failNext: faults.plan,
    signInAs(one) {
      person.now = one
    },
    setConsent(consent) {
      person.consent = consent
    },
    setAccessTtl(seconds) {
      logins.ttl.access = seconds
    },
    endLogins: logins.endAll,
    expireAccess: logins.expireAccess,
    expireKeys: keyRing.expireAll,
    disable: keyRing.disable,
    setClockOffset(milliseconds) {
      clock.offset = milliseconds
    },
    close: () => closeServer(server),
  }
}

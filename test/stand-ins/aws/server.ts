import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { closeServer, startListening } from '../../../src/testing/serve.ts'
import { type Clock, createClock } from '../clock.ts'
import { authorizeDoors } from './authorize.ts'
import { createFaults } from './faults.ts'
import { federationDoors } from './federation.ts'
import { createIdTokens } from './id-token.ts'
import { createLedger } from './ledger.ts'
import { createMfa } from './mfa.ts'
import type { AwsOptions, AwsStats, Consent, Fault, Person, Role, SessionEnd, User } from './options.ts'
import { createKeyRing, type KeyRing, personPrincipal } from './principals.ts'
import { createProofs } from './proof.ts'
import { type Serving, serve } from './serve.ts'
import { createSessions } from './sessions.ts'
import { stsDoors } from './sts.ts'
import { tokenDoors } from './token.ts'

interface Region {
  name: string
  /** `http://127.0.0.1:<port>`: Sign-In, STS and the federation endpoint of this region. */
  url: string
}

export interface AwsStandIn {
  /** The one of the first region. */
  url: string
  region(name: string): Region
  account: string
  /** For a service of another address, which takes the same keys. */
  keyRing: KeyRing
  clock: Clock
  stats(): AwsStats
  /** Every secret that ever left, and the long-term keys': nothing of it may lie about in clear. */
  issued(): string[]
  /** Plans a fault. Planned faults strike in order, each request at most one. */
  failNext(fault: Fault): void
  /** Who signs in from now on. */
  signInAs(person: Person): void
  setConsent(consent: Consent): void
  /** No login so far is renewed any more, and that is why. */
  endSessions(end?: SessionEnd): void
  /** All temporary keys are over, before their time. */
  expireKeys(): void
  /** Milliseconds that the servers' clock is ahead. */
  setClockOffset(milliseconds: number): void
  close(): Promise<void>
}

const ACCOUNT = '111122223333'

/** The keys are AWS' own, of its documentation. */
const usersOf = (account: string): readonly User[] => [
  {
    name: 'ada',
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    mfa: { serial: `arn:aws:iam::${account}:mfa/ada`, codes: ['123456', '234567', '345678'] },
  },
]

const rolesOf = (account: string): readonly Role[] => [
  { arn: `arn:aws:iam::${account}:role/Deploy`, trust: [`arn:aws:iam::${account}:root`] },
]

const MINUTE = 60_000

function lifetimesOf(options: AwsOptions) {
  const { credentialsTtl = 900, codeTtl = 10 * MINUTE } = options
  const { sessionTtl = 720 * MINUTE, refreshWindow = MINUTE } = options
  if (credentialsTtl < 1 || credentialsTtl > 900) throw new RangeError('credentialsTtl is 1 to 900 seconds')
  return { credentialsTtl, codeTtl, sessionTtl, refreshWindow }
}

/** The doors, and what they stand on: the same for all regions. */
function build(options: AwsOptions) {
  const { account = ACCOUNT } = options
  const { users = usersOf(account), roles = rolesOf(account) } = options
  const clock = createClock(options.now, options.clockOffset)
  const ledger = createLedger()
  const faults = createFaults()
  const keyRing = createKeyRing(account, users, clock, ledger)
  const sessions = createSessions({ clock, ledger, keyRing, ...lifetimesOf(options) })
  const person = {
    now: options.person ?? ({ kind: 'user', name: 'ada' } as Person),
    consent: options.consent ?? ('approve' as Consent),
  }
  const doors = [
    ...authorizeDoors({
      sessions,
      principal: () => personPrincipal(account, person.now),
      consent: () => person.consent,
    }),
    ...tokenDoors({ sessions, clock, proofs: createProofs(clock), idToken: createIdTokens(clock, ledger) }),
    ...federationDoors({ keyRing, clock, ledger }),
    ...stsDoors({ keyRing, clock, roles, mfa: createMfa(keyRing) }),
  ]
  const serving: Serving = { doors, clock, ledger, faults }
  return { serving, account, keyRing, sessions, person }
}

async function open(serving: Serving, name: string): Promise<Region & { server: Server }> {
  const at = { url: '' }
  const server = serve(serving, name, () => at.url)
  await startListening(server, 0)
  at.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { name, url: at.url, server }
}

/** Starts a strict stand-in for AWS Sign-In, STS and the federation endpoint on 127.0.0.1. For tests only. */
export async function startAws(options: AwsOptions = {}): Promise<AwsStandIn> {
  const { serving, account, keyRing, sessions, person } = build(options)
  const names = options.regions ?? ['us-east-1', 'eu-west-1']
  const regions = await Promise.all(names.map((name) => open(serving, name)))
  const region = (name: string): Region => {
    const found = regions.find((one) => one.name === name)
    if (found === undefined) throw new Error(`the stand-in has no region ${name}: name it in regions`)
    return { name, url: found.url }
  }
  return {
    url: region(names[0] ?? '').url,
    region,
    account,
    keyRing,
    clock: serving.clock,
    stats: serving.ledger.stats,
    issued: serving.ledger.issued,
    failNext: serving.faults.plan,
    signInAs(one) {
      person.now = one
    },
    setConsent(consent) {
      person.consent = consent
    },
    endSessions: (end = 'TOKEN_EXPIRED') => sessions.endAll(end),
    expireKeys: keyRing.expireAll,
    setClockOffset(milliseconds) {
      serving.clock.offset = milliseconds
    },
    close: async () => void (await Promise.all(regions.map(({ server }) => closeServer(server)))),
  }
}

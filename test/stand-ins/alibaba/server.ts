import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readBody } from '../../../src/testing/message.ts'
import { close, listen } from '../../../src/testing/serve.ts'
import { type Clock, createClock } from '../aws/clock.ts'
import { authDoors } from './auth.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { createLogins } from './logins.ts'
import { type Ask, type Door, type Reply, refused, stsRefused } from './message.ts'
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

interface Serving {
  doors: readonly Door[]
  clock: Clock
  ledger: Ledger
}

function find(doors: readonly Door[], ask: Ask): { name: DoorName; answer(ask: Ask): Reply } {
  const here = doors.filter(({ path }) => path === ask.url.pathname)
  const door = here.find(({ method }) => method === ask.method)
  if (door === undefined) {
    const status = here.length > 0 ? 405 : 404
    const refusal = { code: String(status), why: `${ask.method} ${ask.url.pathname} is no door` }
    return { name: 'unknown', answer: () => ({ status, refusal }) }
  }
  const { name, answer } = door
  return { name: typeof name === 'function' ? name(ask) : name, answer }
}

/** What is answered in place of the work, if the fault says so. */
function instead({ refuse, sts, status, body }: Fault): Reply | undefined {
  if (refuse) return refused(...refuse)
  if (sts) return stsRefused(...sts)
  return status === undefined ? undefined : { status, body: body ?? '' }
}

async function handle(
  { doors, clock, ledger }: Serving,
  ask: Ask,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const { name, answer } = find(doors, ask)
  ledger.requested(name)
  const fault = ledger.fault(name) ?? {}
  if (fault.cut === 'before') return void request.socket.destroy()
  const reply = instead(fault) ?? answer(ask)
  if (reply.refusal) ledger.refused({ door: name, ...reply.refusal })
  if (fault.cut === 'after') return void request.socket.destroy()
  const headers = { date: new Date(clock.told()).toUTCString(), ...reply.headers, ...fault.headers }
  response.writeHead(reply.status, headers).end(fault.body ?? reply.body ?? '')
}

/** Starts a strict stand-in for Alibaba Cloud's sign-in, OAuth and STS on 127.0.0.1. For tests only. */
export async function startAlibaba(options: AlibabaOptions = {}): Promise<AlibabaStandIn> {
  const { keyRing, logins, person, account, ...serving } = build(options)
  const at = { url: '' }
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request)
    const { method = '' } = request
    // What the client believes that it speaks to, where a test leads it here.
    const { 'x-forwarded-host': host = request.headers.host, ...others } = request.headers
    const headers = { ...others, host: String(host) }
    await handle(
      serving,
      { method, url: new URL(request.url ?? '/', at.url), headers, body },
      request,
      response,
    )
  }
  const server = createServer((request, response) => {
    receive(request, response).catch((error: unknown) => {
      if (response.headersSent) return response.destroy()
      return response.writeHead(500).end(`the stand-in failed: ${String(error)}`)
    })
  })
  server.keepAliveTimeout = 0
  await listen(server, 0)
  at.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: at.url,
    account,
    stats: serving.ledger.stats,
    issued: serving.ledger.issued,
    failNext: serving.ledger.plan,
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
      serving.clock.offset = milliseconds
    },
    close: () => close(server),
  }
}

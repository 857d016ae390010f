/** What the stand-ins for clouds share: a request comes to a door, may be befallen by a fault, and is counted. */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { createFaultQueue } from '../../src/testing/faults.ts'
import { readBody } from '../../src/testing/message.ts'
import { findDoor } from '../../src/testing/serve.ts'
import type { Clock } from './clock.ts'

/** A request, as far as the doors look at it. */
export interface Ask {
  method: string
  url: URL
  headers: IncomingMessage['headers']
  body: string
}

interface No {
  code: string
  why: string
}

export interface Reply {
  status: number
  headers?: Record<string, string>
  body?: string
  /** For the ledger: this is a no. */
  refusal?: No
}

export interface Door<Name extends string, A extends Ask = Ask> {
  method: 'GET' | 'POST'
  path: string
  /** A function where one path is several doors. */
  name: Name | ((ask: A) => Name)
  answer(ask: A): Reply
}

/** What befalls the next request of a door, once. */
export interface Fault<Name extends string> {
  /** Without it: whatever comes next. */
  door?: Name
  /** How many requests it befalls. Default 1. */
  times?: number
  /** In place of the work. */
  status?: number
  /** Alone, in place of the answer: the work is done. */
  body?: string
  headers?: Record<string, string>
  /** Milliseconds that the answer, or the cut, is held back; the work is done at once. */
  delay?: number
  /** The connection drops before anything happened, or after it happened and in place of the answer. */
  cut?: 'before' | 'after'
}

export interface Tally<Name extends string, Refused> {
  requests: number
  by: Partial<Record<Name, number>>
  /** In order. */
  refusals: readonly Refused[]
  /** Sets of temporary keys. */
  keysIssued: number
  /** Faults that struck. */
  faults: number
}

/** Counts what came and what was refused, and knows every secret that left. */
export function createTally<Name extends string, Refused>() {
  const counts = { requests: 0, keysIssued: 0, faults: 0 }
  const by: Partial<Record<Name, number>> = {}
  const refusals: Refused[] = []
  const secrets = new Set<string>()

  function remember(secret: string): string {
    secrets.add(secret)
    return secret
  }

  return {
    remember,
    /** Random bytes, kept as a secret. */
    secret: (bytes: number, encoding: 'base64' | 'base64url' = 'base64url') =>
      remember(randomBytes(bytes).toString(encoding)),
    requested(door: Name): void {
      counts.requests += 1
      by[door] = (by[door] ?? 0) + 1
    },
    refused: (refusal: Refused) => void refusals.push(refusal),
    keysIssued() {
      counts.keysIssued += 1
    },
    faultStruck() {
      counts.faults += 1
    },
    issued: () => [...secrets],
    tally: (): Tally<Name, Refused> => ({ ...counts, by: { ...by }, refusals: [...refusals] }),
  }
}

export interface Serving<Name extends string, A extends Ask, F extends Fault<Name>> {
  doors: readonly Door<Name, A>[]
  clock: Clock
  ledger: Pick<ReturnType<typeof createTally<Name, never>>, 'requested' | 'faultStruck'>
  faults: ReturnType<typeof createFaultQueue<F, Name>>
  /** For the ledger. */
  refused(door: Name, no: No, ask: A): void
  /** An error in the cloud's own words, in place of the work, if the fault says so. */
  instead(fault: F): Reply | undefined
  /** What is written in place of the answer, if the fault says so. */
  changed?(reply: Reply, fault: F): Reply
}

function find<Name extends string, A extends Ask>(doors: readonly Door<Name, A>[], ask: A) {
  const door = findDoor(doors, ask)
  if (typeof door !== 'number') {
    return { name: typeof door.name === 'function' ? door.name(ask) : door.name, answer: door.answer }
  }
  const refusal = { code: String(door), why: `${ask.method} ${ask.url.pathname} is no door` }
  return { name: 'unknown' as Name, answer: (): Reply => ({ status: door, refusal }) }
}

/** `undefined`: the connection drops before anything happened. */
function work<Name extends string, A extends Ask, F extends Fault<Name>>(
  serving: Serving<Name, A, F>,
  { answer }: ReturnType<typeof find<Name, A>>,
  ask: A,
  fault: F | undefined,
): Reply | undefined {
  if (fault === undefined) return answer(ask)
  if (fault.cut === 'before') return undefined
  const { status, body, headers } = fault
  const trouble = serving.instead(fault) ?? (status === undefined ? undefined : { status, body: '' })
  const reply = trouble ?? answer(ask)
  const changed = serving.changed?.(reply, fault) ?? reply
  return { ...changed, body: body ?? changed.body ?? '', headers: { ...changed.headers, ...headers } }
}

async function handle<Name extends string, A extends Ask, F extends Fault<Name>>(
  serving: Serving<Name, A, F>,
  ask: A,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { ledger, clock } = serving
  const found = find(serving.doors, ask)
  ledger.requested(found.name)
  const fault = serving.faults.take(found.name)
  if (fault !== undefined) ledger.faultStruck()
  const reply = work(serving, found, ask, fault)
  if (reply?.refusal) serving.refused(found.name, reply.refusal, ask)
  if (fault?.delay !== undefined) await sleep(fault.delay, undefined, { ref: false })
  if (reply === undefined || fault?.cut === 'after') return void request.socket.destroy()
  const date = new Date(clock.told()).toUTCString()
  response.writeHead(reply.status, { date, ...reply.headers }).end(reply.body ?? '')
}

/** The only place that touches a socket: everything behind a door is a function from request to answer. */
export function serve<Name extends string, A extends Ask, F extends Fault<Name>>(
  serving: Serving<Name, A, F>,
  base: () => string,
  read: (ask: Ask) => A,
): Server {
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request
    const url = new URL(request.url ?? '/', base())
    await handle(serving, read({ method, url, headers, body: await readBody(request) }), request, response)
  }
  const server = createServer((request, response) => {
    receive(request, response).catch((error: unknown) => {
      if (response.headersSent) return response.destroy()
      return response.writeHead(500).end(`the stand-in failed: ${String(error)}`)
    })
  })
  // A machine that is busy pauses for seconds: no connection may end just when it is used again.
  server.keepAliveTimeout = 0
  return server
}

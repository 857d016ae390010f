import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { readBody } from '../../../src/testing/message.ts'
import type { Clock } from './clock.ts'
import type { faultQueue } from './faults.ts'
import type { Ledger } from './ledger.ts'
import { type Ask, type Door, isSignInError, type Reply, refused } from './message.ts'
import type { DoorName, Fault } from './options.ts'
import { stsTrouble } from './sts.ts'
import { snakeCase } from './token.ts'

export interface Serving {
  doors: readonly Door[]
  clock: Clock
  ledger: Ledger
  faults: ReturnType<typeof faultQueue>
}

interface Found {
  name: DoorName
  answer(ask: Ask): Reply
}

function find(doors: readonly Door[], ask: Ask): Found {
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
function instead({ refuse, status, body }: Fault): Reply | undefined {
  if (refuse !== undefined) return isSignInError(refuse) ? refused(refuse) : stsTrouble(refuse)
  return status === undefined ? undefined : { status, body: body ?? '' }
}

/** What is written in place of the answer, if the fault says so. */
function changed(reply: Reply, { body, snakeCase: snaky, headers }: Fault): Reply {
  const written = snaky ? JSON.stringify(snakeCase(JSON.parse(reply.body ?? '{}'))) : reply.body
  return { ...reply, body: body ?? written ?? '', headers: { ...reply.headers, ...headers } }
}

function worked({ name, answer }: Found, ask: Ask, ledger: Ledger, fault: Fault = {}): Reply | undefined {
  if (fault.cut === 'before') return undefined
  const reply = instead(fault) ?? answer(ask)
  if (reply.refusal) ledger.refused({ door: name, region: ask.region, ...reply.refusal })
  return changed(reply, fault)
}

async function handle(serving: Serving, ask: Ask, request: IncomingMessage, response: ServerResponse) {
  const { doors, ledger, faults, clock } = serving
  const found = find(doors, ask)
  ledger.requested(found.name)
  const fault = faults.take(found.name)
  if (fault !== undefined) ledger.faultStruck()
  const reply = worked(found, ask, ledger, fault)
  if (fault?.delay !== undefined) await sleep(fault.delay, undefined, { ref: false })
  if (reply === undefined || fault?.cut === 'after') return void request.socket.destroy()
  const date = new Date(clock.told()).toUTCString()
  response.writeHead(reply.status, { date, ...reply.headers }).end(reply.body ?? '')
}

/** The only place that touches a socket: everything behind a door is a function from request to answer. */
export function serve(serving: Serving, region: string, base: () => string): Server {
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request)
    const { method = '', headers } = request
    const url = new URL(request.url ?? '/', base())
    await handle(serving, { method, url, headers, body, region, base: base() }, request, response)
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

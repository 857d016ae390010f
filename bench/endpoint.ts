/** Measures how long programs wait for `daypass serve`, beside bare Node with the same answer. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import type { AuthorizationServer } from '../src/testing/authorization-server.ts'
import { type Home, loggedIn, withKeys } from './home.ts'
import { cleanEnvironment, type Program, spreadOf } from './measure.ts'
import { type Section, times } from './report.ts'

const ROUNDS = 12
const CONNECTIONS = 16
const REQUESTS = 4_000
const IDENTITIES = 1_000
/** The endpoint must serve at least 0.7 of the requests per second that bare Node serves. */
const LIMITS = { slower: 1 / 0.7, megabytes: 120 }

interface Target {
  port: number
  /** The complete text of one HTTP request. */
  request: string
  process: ChildProcess
}

export async function endpoint(server: AuthorizationServer): Promise<Section> {
  const ours = await serving(await withKeys())
  const bare = await answering(await oneAnswer(ours))
  const many = await serving(await loggedIn(server, 'file', IDENTITIES))
  const found = { bare: [] as Load[], ours: [] as Load[] }
  try {
    for (let round = -2; round < ROUNDS; round++) {
      for (const [name, target] of [['bare', bare] as const, ['ours', ours] as const]) {
        const load = await loaded(target)
        if (round >= 0) found[name].push(load)
      }
    }
    for (let round = 0; round < 5; round++) await loaded(many)
    return section(found, peakOf(many))
  } finally {
    for (const { process } of [ours, bare, many]) process.kill('SIGTERM')
  }
}

function section(found: Record<'bare' | 'ours', Load[]>, megabytes: number): Section {
  const rate = (loads: Load[]) => spreadOf(loads.map(({ perSecond }) => perSecond)).median
  const all = (loads: Load[]) => loads.flatMap(({ waits }) => waits).sort((a, b) => a - b)
  const at = (waits: number[], part: number) => `${waits[Math.floor(waits.length * part)]!.toFixed(2)} ms`
  const row = (name: string, loads: Load[]) => {
    const waits = all(loads)
    const per = rate(loads)
    return [name, per.toFixed(0), at(waits, 0.5), at(waits, 0.99), times(per / rate(found.bare))]
  }
  return {
    title: 'Programs that ask `daypass serve`',
    text: `${ROUNDS} rounds in turn of ${REQUESTS} requests over ${CONNECTIONS} connections that stay open, sent as bytes by the process that measures. The endpoint looks at the bearer and at the record of the identity each time, and answers with keys of AWS from memory; bare Node answers with the same bytes and looks at nothing. With ${IDENTITIES} identities in the vault \`serve\` held ${megabytes.toFixed(0)} MB at most.`,
    head: ['', 'requests per second', 'p50', 'p99', 'bare Node'],
    rows: [
      row('`node:http` with a constant answer', found.bare),
      row('`daypass serve`, keys of AWS', found.ours),
    ],
    limits: [
      {
        promise: 'requests per second of bare `node:http`, to those of `serve`',
        measured: rate(found.bare) / rate(found.ours),
        limit: LIMITS.slower,
        unit: '×',
      },
      {
        promise: `memory of \`serve\` with ${IDENTITIES} identities in the vault, in MB`,
        measured: Math.round(megabytes),
        limit: LIMITS.megabytes,
        unit: '',
      },
    ],
  }
}

/** Starts a server whose first line on stdout is its address. */
function started({
  command: [program, ...args],
  env,
}: Program): Promise<{ process: ChildProcess; line: string }> {
  const process = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    process.once('exit', () => reject(new Error(`${args.join(' ')} ended at once`)))
    process.stdout.once('data', (line) => resolve({ process, line: String(line) }))
  })
}

async function serving(home: Home): Promise<Target> {
  const { process, line } = await started(home.daypass('serve', 'bench', '--json'))
  const { url, authorization_token_file } = JSON.parse(line) as Record<string, string>
  const { host, port, pathname } = new URL(url!)
  const bearer = readFileSync(authorization_token_file!, 'utf8')
  const request = `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${bearer}\r\n\r\n`
  return { port: Number(port), request, process }
}

const SERVER = `
const body = process.env.BENCH_ANSWER
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
const server = require('node:http').createServer((request, response) => { response.writeHead(200, headers); response.end(body) })
server.listen(0, '127.0.0.1', () => console.log(server.address().port))`

async function answering(body: string): Promise<Target> {
  const { process, line } = await started({
    command: [globalThis.process.execPath, '-e', SERVER],
    env: cleanEnvironment({ BENCH_ANSWER: body }),
  })
  const port = Number(line)
  return { port, request: `GET /v1/aws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`, process }
}

interface Load {
  perSecond: number
  /** Milliseconds, one for each request. */
  waits: number[]
}

async function loaded(target: Target): Promise<Load> {
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => connected(target)))
  const waits: number[] = []
  const began = performance.now()
  const left = { requests: REQUESTS }
  await Promise.all(
    sockets.map(async (socket) => {
      while (left.requests-- > 0) {
        const asked = performance.now()
        await answerOn(socket, target)
        waits.push(performance.now() - asked)
      }
    }),
  )
  const perSecond = REQUESTS / ((performance.now() - began) / 1000)
  for (const socket of sockets) socket.destroy()
  return { perSecond, waits }
}

function connected({ port }: Target): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  return new Promise((resolve, reject) => socket.once('connect', () => resolve(socket)).once('error', reject))
}

/** Resolves with the whole answer, as long as its `Content-Length` says. */
function answerOn(socket: Socket, { request }: Target): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    const more = (bytes: Buffer) => {
      text += bytes.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
      if (end < 0 || text.length < end + 4 + length) return
      socket.off('data', more)
      if (text.startsWith('HTTP/1.1 200 ')) resolve(text.slice(end + 4))
      else reject(new Error(`the answer was ${text.slice(0, end)}`))
    }
    socket.on('data', more)
    socket.write(request)
  })
}

async function oneAnswer(target: Target): Promise<string> {
  const socket = await connected(target)
  const answer = await answerOn(socket, target)
  socket.destroy()
  return answer
}

/** Returns the largest resident set of the process until now. */
function peakOf({ process }: Target): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${process.pid}/status`, 'utf8'))![1]) / 1024
}

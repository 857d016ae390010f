/** An API that a proxy stands before, and a program that goes through it: both bare, to see what is on the wire. */
import {
  createServer,
  type IncomingMessage,
  type RequestOptions,
  request,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import type { Fetch } from '../../src/core/types.ts'
import type { Route } from '../../src/server/proxy-route.ts'
import { type ProxyToken, startProxy } from '../../src/server/reverse-proxy.ts'
import { closeServer, startListening } from '../../src/testing/serve.ts'

interface Seen {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: Buffer
}

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

/** `answer` is asked before the body was read. */
export async function api(answer: Answer): Promise<string> {
  const server = createServer((request, response) => void answer(request, response))
  await startListening(server, 0)
  onTestFinished(() => closeServer(server))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export async function bodyOf(message: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

interface Options {
  /** Below which the API lies. */
  path?: string
  token?: (rejected?: Secret) => Promise<Secret>
  answer?: Answer
  /** Another API instead. */
  upstream?: string
  /** Default: all of that API. */
  routes?: (upstream: string) => Route[]
  /** What else is said of the token. */
  shown?: Partial<ProxyToken>
  headers?: Record<string, string>
  fetch?: Fetch
}

/**
 * An API that takes `good`, tells what it has seen, and knows what it has been asked for tokens and how many have waited
 * for an answer, one after the other.
 */
export async function standing(options: Options = {}) {
  const seen: Seen[] = []
  const tokens: (string | undefined)[] = []
  const ok: Answer = async (asked, response) => {
    const body = await bodyOf(asked)
    const { method = '', url: path = '', headers } = asked
    seen.push({ method, path, headers, body })
    response.writeHead(headers.authorization === 'Bearer good' ? 200 : 401)
    response.end(`seen ${method}`)
  }
  const upstream = options.upstream ?? `${await api(options.answer ?? ok)}${options.path ?? ''}`
  const shown = async (rejected?: Secret) => {
    tokens.push(rejected?.reveal())
    const token = await (options.token ?? (async () => new Secret('good')))(rejected)
    return { token, renewable: true, ...options.shown }
  }
  const waiting: number[] = [0]
  const count = (by: number) => () => void waiting.push(waiting.at(-1)! + by)
  const proxy = await startProxy({
    place: { port: 0 },
    routes: options.routes?.(upstream) ?? [{ prefix: '', base: upstream }],
    host: { fetch: options.fetch ?? fetch, now: Date.now },
    getToken: shown,
    onAsked: count(1),
    onAnswered: count(-1),
    userFor: (given) => given || 'oauth2',
    ...(options.headers && { headers: options.headers }),
  })
  onTestFinished(proxy.close)
  const { port } = new URL(proxy.url)
  const authorization = `Bearer ${proxy.bearer.reveal()}`
  /** A request as its writer wants it, and the answer. */
  const send = (path: string, more: RequestOptions = {}) => {
    const headers = { authorization, ...(more.headers as Record<string, string>) }
    return request({ host: '127.0.0.1', port, path, ...more, headers })
  }
  const ask = async (path: string, { body, ...more }: RequestOptions & { body?: string | Buffer } = {}) => {
    const asked = send(path, more)
    const answered = answerTo(asked)
    asked.end(body)
    const answer = await answered
    const text = (await bodyOf(answer)).toString()
    return { status: answer.statusCode, headers: answer.headers, text }
  }
  return { proxy, port: Number(port), upstream, seen, tokens, waiting, authorization, send, ask }
}

export function answerTo(asked: ReturnType<typeof request>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => asked.once('response', resolve).once('error', reject))
}

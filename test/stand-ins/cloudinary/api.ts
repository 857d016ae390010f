/** The part of the Admin and Upload API that is asked: `ping`, `upload`, and something large to read. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { ApiFault, ApiKey, Seen } from './options.ts'

export interface ApiSetting {
  cloud(): string
  keys: readonly ApiKey[]
  /** Whether a token is good, for this cloud. */
  isHolder(token: string): boolean
  now(): number
}

/** A body larger than that is only counted; it cannot be signed here. */
const LARGEST = 8 << 20

interface Body {
  bytes: number
  sha256: string
  fields: Record<string, string>
}

async function read(request: IncomingMessage): Promise<Body> {
  const hash = createHash('sha256')
  const kept: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
    if (bytes <= LARGEST) kept.push(chunk)
  }
  const boundary = request.headers['content-type']?.match(/^multipart\/form-data;.*boundary="?([^";]+)/)?.[1]
  return {
    bytes,
    sha256: hash.digest('hex'),
    fields: boundary ? fieldsOf(Buffer.concat(kept), boundary) : {},
  }
}

/** The values of a form that are no files (RFC 7578). */
function fieldsOf(body: Buffer, boundary: string): Record<string, string> {
  const parts = body.toString('latin1').split(`--${boundary}`)
  const named = parts.map((part) => part.match(/name="([^"]+)"(?!; filename)[\s\S]*?\r\n\r\n([\s\S]*?)\r\n$/))
  return Object.fromEntries(named.flatMap((found) => (found ? [[found[1], found[2]]] : [])))
}

/** https://cloudinary.com/documentation/authentication_signatures */
function isSigned({ fields }: Body, setting: ApiSetting): boolean {
  const { api_key, signature, file: _, ...signed } = fields
  const secret = setting.keys.find(({ key }) => key === api_key)?.secret
  if (secret === undefined || signature === undefined) return false
  if (!(Math.abs(Number(signed.timestamp) - setting.now() / 1000) < 3600)) return false
  const text = Object.entries(signed)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join('&')
  return ['sha1', 'sha256'].some(
    (hash) =>
      createHash(hash)
        .update(text + secret)
        .digest('hex') === signature,
  )
}

const same = (one: string, other: string) =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))

/** How the request shows that it may come in; `undefined`: it does not. */
function admission(request: IncomingMessage, body: Body, setting: ApiSetting): string | undefined {
  const [scheme = '', value = ''] = request.headers.authorization?.split(' ') ?? []
  if (scheme === 'Bearer') return setting.isHolder(value) ? scheme : undefined
  if (scheme === 'Basic') {
    const pair = Buffer.from(value, 'base64').toString('utf8')
    return setting.keys.some(({ key, secret }) => same(pair, `${key}:${secret}`)) ? scheme : undefined
  }
  return isSigned(body, setting) ? 'signature' : undefined
}

interface Reply {
  status: number
  json?: unknown
  /** So many bytes, instead. */
  large?: number
}

const trouble = (status: number, message: string): Reply => ({ status, json: { error: { message } } })

function answer(request: IncomingMessage, body: Body, by: string | undefined, setting: ApiSetting): Reply {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1')
  const [, version, cloud, ...rest] = url.pathname.split('/')
  const door = `${request.method} ${rest.join('/')}`
  if (version !== 'v1_1') return trouble(404, 'Not Found')
  if (by === undefined) return trouble(401, 'Invalid credentials')
  if (cloud !== setting.cloud()) return trouble(401, 'cloud_name mismatch')
  if (door === 'GET ping') return { status: 200, json: { status: 'ok' } }
  if (door === 'GET download') return { status: 200, large: Number(url.searchParams.get('bytes')) }
  if (/^POST (raw|image|video|auto)\/upload$/.test(door))
    return { status: 200, json: { public_id: 'uploaded', bytes: body.bytes, sha256: body.sha256 } }
  return trouble(404, 'Not Found')
}

async function writeLarge(response: ServerResponse, bytes: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/octet-stream' })
  for (let left = bytes; left > 0; left -= CHUNK.length) {
    if (response.destroyed) return
    if (!response.write(CHUNK.subarray(0, left)))
      await new Promise<void>((resolve) => {
        const go = () => resolve(void response.off('close', go).off('drain', go))
        response.once('drain', go).once('close', go)
      })
  }
  response.end()
}

const CHUNK = Buffer.alloc(64 << 10, 'x')

export function createApi(setting: ApiSetting) {
  const seen: Seen[] = []
  const faults: ApiFault[] = []

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request)
    const fault = faults.shift()
    const by = admission(request, body, setting)
    const reply: Reply = fault ?? answer(request, body, by, setting)
    const { method = '', url: path = '', headers } = request
    const { status, json } = reply
    seen.push({ method, path, status, by, headers: headers as Record<string, string> })
    if (reply.large !== undefined) return writeLarge(response, reply.large)
    const date = new Date(setting.now()).toUTCString()
    const type = { 'content-type': 'application/json', ...fault?.headers }
    response.writeHead(status, { date, ...type }).end(fault ? fault.body : JSON.stringify(json))
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (request.destroyed || response.headersSent) return response.destroy()
      return response.writeHead(500).end(`the stand-in failed: ${String(error)}`)
    })
  })
  const fail = (fault: ApiFault) => void faults.push(...Array<ApiFault>(fault.times ?? 1).fill(fault))
  return { server, seen: () => [...seen], fail }
}

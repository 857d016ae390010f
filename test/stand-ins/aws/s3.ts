/** A bucket of S3 in memory, for whoever has keys of the stand-in. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readBody } from '../../../src/testing/message.ts'
import { closeServer, startListening } from '../../../src/testing/serve.ts'
import { type S3Ask, type S3No, signer } from './s3-signature.ts'
import type { AwsStandIn } from './server.ts'
import { written } from './xml.ts'

interface Seen {
  /** `PUT /states/one.tfstate`. */
  request: string
  status: number
  /** S3's word for it, where it is a no. */
  code?: string
  /** The access key that it was signed with, and whose that is. */
  key?: string
  arn?: string
}

interface S3StandIn {
  url: string
  /** In order. */
  seen(): readonly Seen[]
  /** What is in the bucket, by its key. */
  objects: ReadonlyMap<string, string>
  close(): Promise<void>
}

type Answer = { status: number; headers?: Record<string, string>; body?: string } | S3No

const no = (status: number, code: string, message: string): S3No => ({ status, code, message })

const NO_KEY = no(404, 'NoSuchKey', 'The specified key does not exist.')
const NO_BUCKET = no(404, 'NoSuchBucket', 'The specified bucket does not exist')
const NOT_ALLOWED = no(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.')
const EXISTS = no(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

const etagOf = (body: string) => `"${createHash('md5').update(body).digest('hex')}"`

/** Starts one on 127.0.0.1, in one region, with one bucket that is named in the path of each request. */
export async function startS3(aws: AwsStandIn, bucket: string): Promise<S3StandIn> {
  const objects = new Map<string, string>()
  const seen: Seen[] = []
  const at = { url: '' }

  async function answered(ask: S3Ask): Promise<{ reply: Answer; by?: { key: string; arn: string } }> {
    const signed = await signer(ask, aws)
    if ('status' in signed) return { reply: signed }
    const [, name, key = ''] = /^\/([^/]+)(?:\/(.*))?$/.exec(decodeURIComponent(ask.url.pathname)) ?? []
    const by = { key: signed.accessKeyId, arn: signed.principal.arn }
    if (name !== bucket) return { reply: NO_BUCKET, by }
    return { reply: key === '' ? listed(bucket, objects, ask) : kept(objects, key, ask), by }
  }

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request
    const body = await readBody(request)
    const url = new URL(request.url ?? '/', at.url)
    const { reply, by } = await answered({ method, url, headers, body })
    const code = 'code' in reply ? { code: reply.code } : {}
    seen.push({ request: `${method} ${url.pathname}`, status: reply.status, ...code, ...by })
    send(response, method, reply)
  }

  const server = createServer((request, response) => {
    receive(request, response).catch((error: unknown) => {
      response.writeHead(500).end(`the stand-in failed: ${String(error)}`)
    })
  })
  await startListening(server, 0)
  at.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url: at.url, seen: () => seen, objects, close: () => closeServer(server) }
}

function send(response: ServerResponse, method: string, reply: Answer): void {
  const error = 'code' in reply ? written({ Error: { Code: reply.code, Message: reply.message } }) : undefined
  const headers = 'headers' in reply ? reply.headers : undefined
  const body = error === undefined ? ('body' in reply && reply.body) || '' : DECLARATION + error
  const type = error === undefined ? {} : { 'content-type': 'application/xml' }
  response.writeHead(reply.status, { ...type, ...headers })
  response.end(method === 'HEAD' ? '' : body)
}

function kept(objects: Map<string, string>, key: string, { method, headers, body }: S3Ask): Answer {
  const there = objects.get(key)
  if (method === 'PUT') {
    if (headers['if-none-match'] === '*' && there !== undefined) return EXISTS
    objects.set(key, body)
    return { status: 200, headers: { etag: etagOf(body) } }
  }
  if (method === 'DELETE') {
    objects.delete(key)
    return { status: 204 }
  }
  if (method !== 'GET' && method !== 'HEAD') return NOT_ALLOWED
  if (there === undefined) return NO_KEY
  const length = String(Buffer.byteLength(there))
  const told = { etag: etagOf(there), 'content-length': length, 'last-modified': new Date().toUTCString() }
  return { status: 200, headers: told, body: there }
}

/** ListObjectsV2, whose answers are short enough for one page. */
function listed(bucket: string, objects: ReadonlyMap<string, string>, { method, url }: S3Ask): Answer {
  if (method === 'HEAD') return { status: 200 }
  if (method !== 'GET' || url.searchParams.get('list-type') !== '2') return NOT_ALLOWED
  const prefix = url.searchParams.get('prefix') ?? ''
  const found = [...objects].filter(([key]) => key.startsWith(prefix)).sort()
  const contents = found.map(([key, body]) =>
    written({ Contents: { Key: key, Size: Buffer.byteLength(body), ETag: etagOf(body) } }),
  )
  const head = written({ Name: bucket, Prefix: prefix, KeyCount: found.length, IsTruncated: 'false' })
  const body = `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${head}${contents.join('')}</ListBucketResult>`
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: DECLARATION + body }
}

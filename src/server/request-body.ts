import type { IncomingMessage } from 'node:http'

/** Bytes. A body up to this size can be sent twice. */
const MAX_BUFFERED = 1 << 20

export interface Body {
  content: Uint8Array | ReadableStream<Uint8Array>
  isBuffered: boolean
}

/** Reads a small body completely and streams a larger one. Returns undefined for no body. */
export async function readRequestBody(request: IncomingMessage): Promise<Body | undefined> {
  const chunks = request[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const first: Buffer[] = []
  for (let size = 0; size <= MAX_BUFFERED; ) {
    const { done, value } = await chunks.next()
    if (done) return size === 0 ? undefined : { content: Buffer.concat(first), isBuffered: true }
    first.push(value)
    size += value.length
  }
  return { content: createRequestStream(first, chunks), isBuffered: false }
}

/** Creates a stream that reads only on demand. The server discards what an early answer leaves unread. */
function createRequestStream(first: Buffer[], rest: AsyncIterator<Buffer>): ReadableStream<Uint8Array> {
  async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const held = first.shift()
    const { done, value } = held ? { done: false, value: held } : await rest.next()
    if (done) controller.close()
    else controller.enqueue(value)
  }
  return new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 })
}

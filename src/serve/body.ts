import type { IncomingMessage } from 'node:http'

/** A body that is no larger can be sent twice. */
const WHOLE = 1 << 20

export interface Body {
  content: Uint8Array | ReadableStream<Uint8Array>
  isWhole: boolean
}

/** The body of a request: whole where it is small, else as it comes. `undefined`: it has none. */
export async function requestBody(request: IncomingMessage): Promise<Body | undefined> {
  // An answer that comes before all of it was sent is no reason to cut the connection.
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
  const first: Buffer[] = []
  let size = 0
  for (;;) {
    const { done, value } = await chunks.next()
    if (done) return size === 0 ? undefined : { content: Buffer.concat(first), isWhole: true }
    first.push(value)
    size += value.length
    if (size > WHOLE) return { content: streamOf(first, chunks), isWhole: false }
  }
}

/** Read no faster than it is sent on. */
function streamOf(first: Buffer[], rest: AsyncIterator<Buffer>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const held = first.shift()
        const { done, value } = held ? { done: false, value: held } : await rest.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await rest.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

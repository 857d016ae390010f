import { DaypassError } from '../core/errors.ts'

/** Maximum size of standard input: 1 MiB. */
const MAX_INPUT_BYTES = 1024 * 1024

/** Reads all of standard input as UTF-8. Throws for more than 1 MiB. */
export async function readInput(stdin: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk)
    length += bytes.length
    if (length > MAX_INPUT_BYTES)
      throw new DaypassError('usage', 'what stands on standard input is longer than 1 MiB', {
        hint: 'this is for another program to call',
      })
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}

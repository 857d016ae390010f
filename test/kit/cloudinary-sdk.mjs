/**
 * A program of somebody else's that uses Cloudinary's own SDK, which reads CLOUDINARY_URL: for each line of standard
 * input one call and one line of JSON. `ping`; `upload N`: so many bytes; `env`: what of the environment is Cloudinary's.
 */
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { v2 as cloudinary } from 'cloudinary'

const calls = {
  ping: () => cloudinary.api.ping(),
  upload: (bytes) =>
    new Promise((resolve, reject) => {
      const options = { resource_type: 'raw', public_id: 'a/b c', tags: ['x', 'y'] }
      const stream = cloudinary.uploader.upload_stream(options, (error, result) =>
        error ? reject(error) : resolve(result),
      )
      Readable.from([Buffer.alloc(Number(bytes), 'x')]).pipe(stream)
    }),
  env: () => Object.fromEntries(Object.entries(process.env).filter(([name]) => /CLOUDINARY/.test(name))),
}

for await (const line of createInterface({ input: process.stdin })) {
  const [call, argument] = line.split(' ')
  try {
    process.stdout.write(`${JSON.stringify(await calls[call](argument))}\n`)
  } catch (error) {
    const { http_code: status, message } = error.error ?? error
    process.stdout.write(`${JSON.stringify({ status, message })}\n`)
  }
}

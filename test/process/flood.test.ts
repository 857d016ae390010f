/** Ten thousand connections of whoever else is on the machine, at the programs as they are built. */
import { readdirSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { answerTo, bodyOf } from '../server/upstream.ts'
import { signedIn as awsHome } from './aws-data-dir.ts'
import { signedIn as cloudinaryHome } from './cloudinary-data-dir.ts'

/** A program that listens, and one request of somebody who may ask. */
interface Program {
  pid: number
  url: string
  authorization: string
  end(): Promise<unknown>
}

async function serve(): Promise<Program> {
  const { one } = await awsHome()
  const running = one.start(['serve', 'work', '--json'])
  const [line] = await running.waitFor(/^\{.*\}$/m)
  const { url, authorization_token_file: file } = JSON.parse(line)
  const end = () => {
    running.kill()
    return running.ended
  }
  return { pid: running.pid, url, authorization: readFileSync(file, 'utf8'), end }
}

async function execEndpoint(): Promise<Program> {
  const { one } = await cloudinaryHome()
  const running = one.start([
    'exec',
    'acme',
    '--endpoint',
    '--',
    'sh',
    '-c',
    'echo "$CLOUDINARY_URL"; read end',
  ])
  const [, bearer, at] = await running.waitFor(/oauth_token=([\w-]+)&upload_prefix=(\S+)/)
  const end = () => {
    running.endInput()
    return running.ended
  }
  const url = `${decodeURIComponent(at!)}/v1_1/acme/ping`
  return { pid: running.pid, url, authorization: `Bearer ${bearer}`, end }
}

async function ask({ url, authorization }: Program): Promise<number | undefined> {
  const sent = request(url, { headers: { authorization }, agent: false })
  const answered = answerTo(sent)
  sent.end()
  const message = await answered
  await bodyOf(message)
  return message.statusCode
}

const TOTAL = 10_000
/** At once on their way, so that this side keeps few of them open. */
const BATCH = 200

/** One that has begun a request and says no more. */
function stranger(port: number, open: Set<Socket>): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      open.add(socket)
      socket.write('GET / HTTP/1.1\r\nX: ')
      resolve()
    })
    socket.on('error', () => resolve())
    socket.on('close', () => void open.delete(socket))
  })
}

/** Of the program: how many files and sockets it has open, and bytes in memory. */
function sizeOf(pid: number) {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
  return { files: readdirSync(`/proc/${pid}/fd`).length, memory: Number(kilobytes) * 1024 }
}

test.for([
  ['serve', serve],
  ['exec --endpoint', execEndpoint],
] as const)('%s answers whoever may ask, stays small, and leaves none behind', async ([, start], context) => {
  if (process.platform !== 'linux') context.skip('there is no /proc to look into')
  const program = await start()
  const port = Number(new URL(program.url).port)
  const before = sizeOf(program.pid)
  const open = new Set<Socket>()
  for (let come = 0; come < TOTAL; come += BATCH) {
    const answered = ask(program)
    await Promise.all(Array.from({ length: BATCH }, () => stranger(port, open)))
    expect(await answered).toBe(200)
  }
  const after = sizeOf(program.pid)
  expect(after.files - before.files).toBeLessThan(300)
  expect(after.memory - before.memory).toBeLessThan(200 << 20)
  await expect.poll(() => open.size).toBeLessThan(300)
  await program.end()
  await expect.poll(() => open.size).toBe(0)
})

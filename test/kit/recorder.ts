import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sandbox } from './cli.ts'

/** How a process is broken once the token endpoint has answered. What is thrown carries the answer, as libraries do. */
export type Break = 'throw' | 'reject' | 'fetch' | 'answer' | 'cipher' | 'rename'

const PRELOAD = `
const fs = require('node:fs')
const { writeSync } = fs
const record = fs.openSync(process.env.RECORD, 'a')
const note = (...said) => writeSync(record, JSON.stringify(said) + '\\n')
for (const name of ['writeSync', 'writeFileSync']) {
  const real = fs[name]
  fs[name] = (to, what, ...rest) => {
    if (to !== 1 && to !== 2) note('written', Buffer.from(what).toString('latin1'))
    return real(to, what, ...rest)
  }
}
const fail = (more) => { throw Object.assign(new Error('broken from outside'), more) }
const never = new Promise(() => {})
const breaks = {
  throw(held) { process.nextTick(fail, held); return never },
  reject(held) { Promise.reject(held).catch(fail); return never },
  fetch: fail,
  answer: (held) => async function* () {
    yield Buffer.from(held.text.slice(0, -9))
    fail(held)
  },
  cipher: () => void (require('node:crypto').createCipheriv = fail),
  rename: () => void (fs.renameSync = fail),
}
const { BREAK } = process.env
for (const web of [require('node:http'), require('node:https')]) {
  const { request } = web
  web.request = (...asked) => {
    const sent = request(...asked)
    const { end, emit } = sent
    let form = ''
    const breakWith = async (message) => {
      const { statusCode, statusMessage, rawHeaders } = message
      const text = Buffer.concat(await message.toArray()).toString()
      try {
        const body = (await breaks[BREAK]({ text, form })) ?? (() => [Buffer.from(text)])
        const answer = require('node:stream').Readable.from(body())
        emit.call(sent, 'response', Object.assign(answer, { statusCode, statusMessage, rawHeaders }))
      } catch (error) {
        emit.call(sent, 'error', error)
      }
    }
    sent.end = (body, ...rest) => {
      form = String(body ?? '')
      note('sent', form)
      return end.call(sent, body, ...rest)
    }
    sent.emit = (event, ...more) =>
      event === 'response' && form.includes('grant_type=') && BREAK
        ? breakWith(...more)
        : emit.call(sent, event, ...more)
    return sent
  }
}
`

/** Writes down, in another sandbox, all that the processes of one send and what they put into files. */
export function recorder({ home }: Sandbox) {
  const [preload, record] = [join(home, 'preload.cjs'), join(home, 'record')]
  writeFileSync(preload, PRELOAD)
  writeFileSync(record, '')
  const said = (kind: string): string[] =>
    readFileSync(record, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as [string, string])
      .filter(([each]) => each === kind)
      .map(([, text]) => text)
  return {
    env: (broken?: Break) => ({
      NODE_OPTIONS: `--require ${preload}`,
      RECORD: record,
      ...(broken && { BREAK: broken }),
    }),
    /** Every text that went into a file, if only for a moment. */
    written: () => said('written'),
    /** The PKCE verifiers, which the server is sent and does not issue. */
    verifiers: () => said('sent').flatMap((form) => new URLSearchParams(form).get('code_verifier') ?? []),
  }
}

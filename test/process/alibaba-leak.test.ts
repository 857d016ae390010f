/** What others see of a whole story with Alibaba Cloud, and what is left of it: no secret, unless it was asked for. */
import { expect, onTestFinished, test } from 'vitest'
import { ADA } from '../alibaba/server.ts'
import { box, filesBelow } from '../cli/story.ts'
import type { Result, RunOptions } from '../kit/cli.ts'
import { recorder } from '../kit/recorder.ts'
import { signedIn, stale } from './alibaba-home.ts'
import { expectNone, processesOf } from './leaks.ts'

const AK = { access_key_id: ADA.accessKeyId, access_key_secret: ADA.accessKeySecret }
const line = (more: object = {}) => `${JSON.stringify({ ...AK, ...more })}\n`
const ROLE = { ram_role_arn: 'acs:ram::1234567890123456:role/Admin' }

test.each([{}, { DAYPASS_DEBUG: '1' }])(
  'no secret of Alibaba Cloud is seen or lies about, with %j',
  async (loud) => {
    const { one, ali, close } = await signedIn()
    onTestFinished(close)
    const record = recorder(box())
    const seen: string[] = []
    const verbose = Object.keys(loud).length > 0 ? ['-v'] : []

    async function run(words: string, code: number, options: RunOptions = {}): Promise<Result> {
      const env = { ...record.env(), ...loud, ...options.env }
      const running = one.start([...words.split(' '), ...verbose], { ...options, env })
      if (options.input) running.write(String(options.input))
      running.endInput()
      // The program that `exec` starts has them in its environment: that is what it is for.
      if (!words.startsWith('exec')) seen.push(...processesOf(one))
      const result = await running.ended
      expect(result, words).toMatchObject({ code })
      // What was asked for may be seen.
      seen.push(result.stderr, /^(credential-process|env)/.test(words) ? '' : result.stdout)
      return result
    }

    await run('refresh work --force', 0)
    await run('credential-process work', 0)
    await run('credential-process admin', 0)
    await run('env admin --format bash', 0)
    await run('exec admin -- true', 0)
    for (const view of ['list', 'status work', 'whoami work', 'whoami admin', 'status work --check']) {
      await run(view, 0)
      await run(`${view} --json`, 0)
    }

    // What goes wrong talks more.
    for (const fault of [
      { door: 'refresh', refuse: [403, 'access_denied', 'no'] },
      { door: 'refresh', status: 500, body: 'trouble' },
      { door: 'exchange', body: '{"accessKeyId":"STS.x","accessKeySecret":"torn' },
      { door: 'exchange', refuse: [403, 'access_denied', 'not assigned'] },
      { door: 'exchange', cut: 'after' },
    ] as const) {
      await stale(one, 60_000)
      ali.failNext(fault)
      await run('credential-process work', 'refuse' in fault ? 6 : 5)
      await run('refresh work --force', 0)
    }
    ali.failNext({ door: 'AssumeRole', sts: [403, 'NoPermission', 'no'] })
    await run('refresh admin --force', 6)
    ali.failNext({ door: 'AssumeRole', body: '{"Credentials":{"AccessKeySecret":"torn' })
    await run('refresh admin --force', 5)
    ali.failNext({ door: 'exchange', refuse: [401, 'invalid_token', 'no'] })
    await run('login work', 4)
    await run('login keys --method keys', 4, { input: line({ access_key_secret: 'wrong' }) })
    await run('login keys --method keys', 0, { input: line() })
    await run('login keys --method keys', 2, { input: line().slice(1) })
    await run('login keys --method keys --force', 0, { input: line(ROLE) })
    await run('refresh keys --force', 0)
    await run('logout keys', 2)
    ali.endLogins()
    await run('refresh work --force', 4)
    await run('logout work', 0)

    const secrets = ali.issued()
    expect(secrets.length).toBeGreaterThan(30)
    expect(seen.length).toBeGreaterThan(40)
    expectNone(secrets, [...seen, ...filesBelow(one.home).values(), ...record.written()], seen)
  },
)

/** What others see of a whole story with Alibaba Cloud, and what is left of it: no secret, unless it was asked for. */
import { onTestFinished, test } from 'vitest'
import { ADA } from '../stand-ins/alibaba/server.ts'
import { signedIn, stale } from './alibaba-data-dir.ts'
import { watching } from './leaks.ts'

const AK = { access_key_id: ADA.accessKeyId, access_key_secret: ADA.accessKeySecret }
const line = (more: object = {}) => `${JSON.stringify({ ...AK, ...more })}\n`
const ROLE = { ram_role_arn: 'acs:ram::1234567890123456:role/Admin' }

test('no secret of Alibaba Cloud is seen or lies about', async () => {
  const { one, ali, close } = await signedIn()
  onTestFinished(close)
  const { run, expectNoneOf } = watching(one)

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

  expectNoneOf(ali.issued(), { secrets: 30, seen: 40 })
})

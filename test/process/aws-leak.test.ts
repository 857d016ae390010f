/** What others see of a whole story with AWS, and what is left of it: no secret, unless it was asked for. */
import { expect, test } from 'vitest'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { signedIn, stale } from './aws-data-dir.ts'
import { watching } from './leaks.ts'

const KEYS =
  '{"access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}'

test('no secret of AWS is seen or lies about', async () => {
  const { one, aws } = await signedIn()
  const { run, expectNoneOf } = watching(one)

  await run('refresh work --force', 0)
  await run('credential-process work', 0)
  await run('credential-process audit', 0)
  await run('env admin --format bash', 0)
  await run('exec admin -- true', 0)
  for (const view of [
    'list',
    'status',
    'status work',
    'whoami work',
    'whoami admin',
    'status work --check',
    'config show',
  ]) {
    await run(view, view === 'status' ? 4 : 0)
    await run(`${view} --json`, view === 'status' ? 4 : 0)
  }

  // What goes wrong talks more.
  for (const fault of [
    { refuse: 'INVALID_REQUEST' as const },
    { status: 500, body: 'trouble' },
    { cut: 'after' as const },
    { body: '{"accessToken":{"accessKeyId":"ASIAX"},"refreshToken":7}' },
  ]) {
    await stale(one, 'work')
    aws.failNext({ door: 'refresh', ...fault })
    await run('credential-process work', expect.toBeOneOf([4, 5, 6]))
  }
  aws.failNext({ door: 'AssumeRole', refuse: 'RegionDisabledException' })
  await run('refresh admin --force', 6)
  aws.failNext({ door: 'AssumeRole', body: '<AssumeRoleResponse><Credentials>torn' })
  await run('refresh admin --force', 5)
  aws.failNext({ door: 'code', refuse: 'AUTHCODE_EXPIRED' })
  await run('login aws two', 4)
  await run('login aws three --method keys', 4, { input: `${KEYS.replace('wJalr', 'wrong')}\n` })
  await run('login aws three --method keys', 0, { input: `${KEYS}\n` })
  await run('login aws three --method keys', 2, { input: `${KEYS.slice(1)}\n` })
  const started = JSON.parse((await run('login aws four --start --json', 8)).stdout)
  const { body } = await scriptedBrowser().visit(started.url)
  const blob = body.match(/<code id="paste">([^<]+)</)![1]!
  await run('login aws five --no-browser', 2, { input: `${blob}\n` })
  aws.endSessions('USER_CREDENTIALS_CHANGED')
  await run('refresh work --force', 4)
  await run('list --json', 0)
  await run('logout work', 0)

  expectNoneOf(aws.issued(), { secrets: 15, seen: 30 })
})

/** What others see of a whole story with an API of Laravel Passport: no secret, unless it was asked for. */
import { onTestFinished, test } from 'vitest'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { box, left } from '../cli/story.ts'
import { BROWSER } from '../kit/cli.ts'
import { startPassport } from '../stand-ins/passport/server.ts'
import { watching } from './leaks.ts'

const PAT = 'pat-of-the-platform-0123456789'

test('no secret is seen or lies about', async () => {
  const at = await startPassport({ personalTokens: [PAT], revocation: true })
  onTestFinished(() => at.close())
  const one = box({ AUTOCOM_API_URL: at.url, AUTOCOM_CLIENT_ID: at.clientId, BROWSER })
  const { run, expectNoneOf } = watching(one)

  await run('login autocom shop --tenant acme', 0)
  await run('token shop', 0)
  await run('env shop --format bash', 0)
  await run('exec shop --tenant globex -- true', 0)
  for (const view of [
    'list',
    'status',
    'status shop',
    'whoami shop',
    'status shop --check',
    'tenants list shop',
  ]) {
    await run(view, 0)
    await run(`${view} --json`, 0)
  }
  await run('tenants use globex shop', 0)
  await run(`whoami --api-url ${at.url}`, 0)
  await run('refresh shop --force', 0)

  // What goes wrong talks more; some servers repeat what they were sent.
  const refreshToken = at.issued().at(-1)!
  for (const [body, exit] of [
    [`{"error":"server_error","message":"${refreshToken}","hint":"${refreshToken}"}`, 5],
    [`{"error":"invalid_scope","error_description":"${refreshToken}","hint":"${refreshToken}"}`, 6],
    ['<html>', 4],
  ] as const) {
    await left(one, 'shop', -1000)
    at.failNext({ endpoint: 'refresh', status: exit === 5 ? 500 : 400, body })
    await run('exec shop -- true', exit)
  }
  at.failNext({ endpoint: 'refresh', cut: 'after' })
  await run('exec shop -- true', 5)
  await run('refresh shop --force', 4)
  await run('login shop', 0)
  const accessToken = at.issued().at(-2)!
  at.failNext({ endpoint: 'resource', status: 403, body: `{"message":"${accessToken}"}` })
  await run('tenants list shop', 6)
  at.failNext({ endpoint: 'userinfo', status: 403, body: `{"message":"${PAT}"}` })
  await run('login autocom ci --tenant acme --token-stdin', 4, { input: `${PAT}\n` })
  await run('login autocom ci --tenant acme --token-stdin', 4, { input: `${PAT}x\n` })
  await run('login autocom ci --tenant acme --token-stdin', 0, { input: `${PAT}\n` })
  await run('tenants list ci', 0)
  const started = JSON.parse((await run('login autocom two --tenant acme --start --json', 8)).stdout)
  const { url } = await scriptedBrowser({ stopAtCallback: true }).visit(started.url)
  await run('login autocom three --tenant acme --no-browser', 2, { input: `${url}\n` })
  await run('login autocom three --tenant acme --no-browser', 4, {
    input: `${new URL(url).searchParams.get('code')}\n`,
  })
  await run('logout ci', 0)
  await run('logout shop', 0)

  expectNoneOf(at.issued(), { secrets: 10, seen: 40 })
})

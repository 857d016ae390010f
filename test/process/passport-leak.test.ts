/** What others see of a whole story with an API of Laravel Passport: no secret, unless it was asked for. */
import { expect, onTestFinished, test } from 'vitest'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { box, filesBelow, left } from '../cli/story.ts'
import { BROWSER, type Result, type RunOptions } from '../kit/cli.ts'
import { recorder } from '../kit/recorder.ts'
import { startPassport } from '../stand-ins/passport/server.ts'

const PAT = 'pat-of-the-platform-0123456789'

test.each([{}, { DAYPASS_DEBUG: '1' }])('no secret is seen or lies about, with %j', async (loud) => {
  const at = await startPassport({ personalTokens: [PAT], revocation: true })
  onTestFinished(() => at.close())
  const record = recorder(box())
  const one = box({
    ...record.env(),
    ...loud,
    AUTOCOM_API_URL: at.url,
    AUTOCOM_CLIENT_ID: at.clientId,
    BROWSER,
  })
  const verbose = Object.keys(loud).length > 0 ? ['-v'] : []
  const seen: string[] = []

  async function run(words: string, code: number, options: RunOptions = {}): Promise<Result> {
    const result = await one.run([...words.split(' '), ...verbose], options)
    expect(result, `${words}\n${result.stderr}`).toMatchObject({ code })
    // What was asked for may be seen.
    seen.push(result.stderr, /^(token|env)/.test(words) ? '' : result.stdout)
    return result
  }

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

  const secrets = [...at.issued(), ...record.verifiers()]
  expect(secrets.length).toBeGreaterThan(10)
  const texts = [...seen, ...filesBelow(one.home).values(), ...record.written()]
  for (const secret of secrets) {
    for (const spelling of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]) {
      expect(texts.filter((text) => text.includes(spelling)).map((text) => text.slice(0, 300))).toEqual([])
    }
  }
  // Nor a piece of one. All of the server's begin alike.
  const joined = seen.join('\n')
  for (const secret of secrets) expect(joined.includes(secret.slice(-24))).toBe(false)
})

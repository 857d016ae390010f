/** What others see of a whole story with Cloudinary, and what is left of it: no secret, unless it was asked for. */
import { expect, test } from 'vitest'
import { BY_CLOCK, MINUTE, signedIn } from './cloudinary-data-dir.ts'
import { watching } from './leaks.ts'

/** Asks through the endpoint, says what it is answered, and nothing of what it has been given. */
const ASKING = `
  const [, token, url] = process.env.CLOUDINARY_URL.match(/oauth_token=([^&]+).*upload_prefix=(.*)/)
  const headers = { authorization: 'Bearer ' + token }
  fetch(decodeURIComponent(url) + '/v1_1/acme/ping', { headers })
    .then(async (answer) => console.log(answer.status, await answer.text(), JSON.stringify([...answer.headers])))`

test('no secret of Cloudinary is seen or lies about', async () => {
  const { one, cloudinary, advance } = await signedIn()
  const { run, expectNoneOf } = watching(one, { program: BY_CLOCK })
  const asking = ['--', process.execPath, '-e', ASKING]

  await run('refresh acme --force', 0)
  await run('token acme', 0)
  await run('env acme --format bash', 0)
  await run('exec acme', 0, { more: ['--', 'true'] })
  for (const view of ['list', 'status', 'status acme', 'whoami acme', 'status acme --check', 'config show']) {
    await run(view, 0)
    await run(`${view} --json`, 0)
  }
  const { key, secret } = cloudinary.key
  const keys = `cloudinary://${key}:${secret}@acme`
  await run('login cloudinary --method keys', 0, { input: `${keys}\n` })
  await run('login cloudinary two --method keys', 4, { input: `${keys.replace('@acme', '@other')}\n` })
  for (const wrong of [
    keys.slice(1),
    `${keys}x?upload_prefix=https://other.example`,
    JSON.stringify({ api_secret: secret }),
  ])
    await run('login cloudinary two --method keys', 2, { input: `${wrong}\n` })
  await run('exec acme-keys --endpoint', 2, { more: ['--', 'true'] })
  await run('status acme-keys --check', 0)

  // Through the endpoint, and what goes wrong there.
  await run('exec acme --endpoint', 0, { more: asking })
  cloudinary.failApi({ status: 503, body: 'trouble' })
  await run('exec acme --endpoint', 0, { more: asking })
  cloudinary.expireAccessTokens()
  cloudinary.failNext({ endpoint: 'refresh', status: 500, body: '{"error":"trouble"}' })
  await run('exec acme --endpoint', 0, { more: asking })

  // What goes wrong talks more.
  for (const fault of [
    { status: 500, body: 'trouble' },
    { cut: 'after' as const },
    { mangle: (json: object) => ({ ...json, access_token: 7 }) },
    { mangle: (json: object) => ({ ...json, access_token: 'no jwt' }) },
  ]) {
    advance(10 * MINUTE)
    cloudinary.failNext({ endpoint: 'refresh', ...fault })
    await run('token acme', expect.any(Number))
    await run('login acme', 0)
  }
  cloudinary.signInTo('')
  await run('login cloudinary', 6)
  const env = { CLOUDINARY_URL: `${keys}?refresh_token=${secret}` }
  await run('list', 0, { env })
  await run('list --json', 0, { env })
  cloudinary.killFamilies()
  await run('refresh acme --force', 4)
  await run('logout acme', 0)

  expectNoneOf(cloudinary.issued(), { secrets: 15, seen: 30 })
})

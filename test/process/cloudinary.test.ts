/** Programs with Cloudinary's own SDK, and what `env` and `exec` give them. */
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { BY_CLOCK, home, MINUTE, needsSdk, SDK, sdk, signedIn } from './cloudinary-data-dir.ts'

const OK = { status: 'ok' }

test('exec: the SDK asks and uploads with the token, of which it gets nothing else', async (context) => {
  needsSdk(context)
  const at = await signedIn()
  const program = sdk(at, 'exec acme')
  expect(await program.ask('ping')).toMatchObject(OK)
  expect(await program.ask('upload 100000')).toMatchObject({ public_id: 'uploaded' })
  const { CLOUDINARY_URL: url, ...others } = await program.ask('env')
  const api = encodeURIComponent(at.cloudinary.apiUrl)
  const { stdout: token } = await at.run('token acme')
  expect(url).toBe(`cloudinary://acme?oauth_token=${token.trim()}&upload_prefix=${api}`)
  expect(others).toEqual(at.cloudinary.env)
  program.endInput()
  expect((await program.ended).code).toBe(0)
  expect(at.cloudinary.seen().map(({ by }) => by)).toEqual(['Bearer', 'Bearer'])
  // After five minutes it is over.
  const late = sdk(at, 'exec acme')
  expect(await late.ask('ping')).toMatchObject(OK)
  at.advance(6 * MINUTE)
  expect(await late.ask('ping')).toMatchObject({ status: 401 })
  late.kill()
  await late.ended
})

test('env: a shell that takes it has the same', async (context) => {
  needsSdk(context)
  const { one, cloudinary, run } = await signedIn()
  const { stdout: exports } = await run('env acme --format bash')
  const env = { CLOUDINARY_CLOUD_NAME: 'other', CLOUDINARY_OAUTH_TOKEN: 'x' }
  const words = `${exports}\necho ping | ${process.execPath} ${SDK}`
  const { stdout, stderr } = await one.run([], { program: ['bash', '-c', words], env })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toMatchObject(OK)
  expect(cloudinary.seen()).toMatchObject([{ path: '/v1_1/acme/ping', by: 'Bearer' }])
})

test('exec with API keys: the SDK asks and signs its uploads with them', async (context) => {
  needsSdk(context)
  const at = await home()
  const { key, secret } = at.cloudinary.key
  const input = `cloudinary://${key}:${secret}@acme\n`
  expect(await at.run('login cloudinary --method keys', { input })).toMatchObject({ code: 0 })
  const program = sdk(at, 'exec acme')
  expect(await program.ask('ping')).toMatchObject(OK)
  expect(await program.ask('upload 10')).toMatchObject({ public_id: 'uploaded' })
  const { CLOUDINARY_URL: url } = await program.ask('env')
  const api = encodeURIComponent(at.cloudinary.apiUrl)
  expect(url).toBe(`cloudinary://${key}:${secret}@acme?upload_prefix=${api}`)
  program.kill()
  await program.ended
  expect(at.cloudinary.seen().map(({ by }) => by)).toEqual(['Basic', 'Basic', 'signature'])
})

test('exec --endpoint: a program that runs for an hour never meets a token that is over', async (context) => {
  needsSdk(context)
  const at = await signedIn()
  const program = sdk(at, 'exec acme --endpoint')
  const { CLOUDINARY_URL: url } = await program.ask('env')
  expect(url).toMatch(
    /^cloudinary:\/\/acme\?oauth_token=[\w-]{43}&upload_prefix=http%3A%2F%2F127\.0\.0\.1%3A\d+$/,
  )
  for (let minutes = 0; minutes < 60; minutes += 6) {
    expect(await program.ask('ping')).toMatchObject(OK)
    at.advance(6 * MINUTE)
  }
  expect(await program.ask('upload 5000000')).toMatchObject({ public_id: 'uploaded' })
  // Before its time, too; what is too large to be sent twice says so, and the next one goes.
  at.cloudinary.expireAccessTokens()
  expect(await program.ask('ping')).toMatchObject(OK)
  at.cloudinary.expireAccessTokens()
  expect(await program.ask('upload 5000000')).toMatchObject({ status: 401 })
  expect(await program.ask('upload 5000000')).toMatchObject({ public_id: 'uploaded' })
  program.endInput()
  expect((await program.ended).code).toBe(0)
  expect(at.cloudinary.stats()).toMatchObject({ refreshes: 12, reuses: 0, deadFamilies: 0 })
  const tokens = new Set(at.cloudinary.seen().map(({ headers }) => headers.authorization))
  expect([...tokens].some((token) => url!.toString().includes(token!.split(' ')[1]!))).toBe(false)
})

const LISTENING = /http%3A%2F%2F127\.0\.0\.1%3A(\d+)/

test('the endpoint ends with the program, whose exit code is ours', async () => {
  const at = await signedIn()
  const program = [
    '--',
    process.execPath,
    '-e',
    'console.log(process.env.CLOUDINARY_URL); process.exitCode = 7',
  ]
  const { code, stdout } = await at.one.run(['exec', 'acme', '--endpoint', ...program])
  expect(code).toBe(7)
  const port = Number(stdout.match(LISTENING)![1])
  const socket = connect(port, '127.0.0.1')
  expect(
    await new Promise((resolve) => socket.once('error', (e: NodeJS.ErrnoException) => resolve(e.code))),
  ).toBe('ECONNREFUSED')
})

/** Asks at `ask`, and waits for no answer; says when it is to end, and ends at `end`. */
const HASTY = `
  process.on('SIGTERM', () => console.log('told to end'))
  const [, token, url] = process.env.CLOUDINARY_URL.match(/oauth_token=([^&]+).*upload_prefix=(.*)/)
  const headers = { authorization: 'Bearer ' + token }
  process.stdin.setEncoding('utf8').on('data', (line) => {
    if (line === 'end\\n') process.exit(0)
    fetch(decodeURIComponent(url) + '/v1_1/acme/ping', { headers }).catch(() => {})
  })`

test('a program that is ended while its token is renewed hears of it at once, and the login survives', async () => {
  const at = await signedIn()
  const words = ['exec', 'acme', '--endpoint', '--', process.execPath, '-e', HASTY]
  const program = at.one.start(words, { program: BY_CLOCK })
  const delay = 4000
  at.cloudinary.failNext({ endpoint: 'refresh', delay })
  program.write('ask\n')
  await expect.poll(() => at.cloudinary.seen().length).toBe(1)
  at.advance(10 * MINUTE)
  program.write('ask\n')
  await expect.poll(() => at.cloudinary.stats().by.refresh).toBe(1)
  const killed = Date.now()
  program.kill()
  await program.waitFor(/told to end/)
  expect(Date.now() - killed).toBeLessThan(delay - 1000)
  program.write('end\n')
  // Some of them come when the program has ended, and its token is not there yet.
  const impatient = setInterval(() => program.kill(), 100)
  onTestFinished(() => clearInterval(impatient))
  await program.ended
  expect((await at.run('token acme')).code).toBe(0)
  expect(at.cloudinary.stats()).toMatchObject({ refreshes: 1, reuses: 0, deadFamilies: 0 })
})

test('a login that ends meanwhile is told to the program in the words of its API', async (context) => {
  needsSdk(context)
  const at = await signedIn()
  const program = sdk(at, 'exec acme --endpoint')
  expect(await program.ask('ping')).toMatchObject(OK)
  expect((await at.run('logout acme')).code).toBe(0)
  expect(await program.ask('ping')).toEqual({
    status: 401,
    message: 'acme needs a login: it was logged out; daypass login acme',
  })
  expect((await at.run('login acme')).code).toBe(0)
  expect(await program.ask('ping')).toMatchObject(OK)
  program.kill()
  await program.ended
})

test.each([
  ['acme --endpoint --min-ttl 1m', 'an endpoint renews by itself: --min-ttl does not go with it'],
  ['robot --endpoint', 'robot has static keys, which nobody has to renew\n  daypass exec robot -- CMD'],
])('exec %s is a mistake, and no program is started', async (words, message) => {
  const at = await signedIn()
  const { key, secret } = at.cloudinary.key
  const input = `cloudinary://${key}:${secret}@acme`
  expect(await at.run('login cloudinary robot --method keys', { input })).toMatchObject({ code: 0 })
  const { code, stdout, stderr } = await at.run(`exec ${words} -- echo started`)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(message)
})

test('exec --endpoint with CLOUDINARY_URL is a mistake: a credential of the environment is not renewed', async () => {
  const { one } = await home()
  const env = { CLOUDINARY_URL: 'cloudinary://acme?oauth_token=x' }
  const { code, stderr } = await one.run(['exec', '--endpoint', '--', 'true'], { env })
  expect(code).toBe(2)
  expect(stderr).toContain('the credential of CLOUDINARY_URL is not ours to renew')
})

const distinct = (texts: string[]) => [...new Set(texts)]

test('twenty processes with one stale login renew it once, and all get the same token', async () => {
  const { cloudinary, advance, run } = await signedIn()
  advance(10 * MINUTE)
  const results = await Promise.all(Array.from({ length: 20 }, () => run('token', { timeout: 60_000 })))
  expect(distinct(results.map(({ stderr, code }) => `${code}${stderr}`))).toEqual(['0'])
  expect(distinct(results.map(({ stdout }) => stdout))).toHaveLength(1)
  expect(cloudinary.stats()).toMatchObject({ refreshes: 1, reuses: 0, deadFamilies: 0 })
})

test('eighty processes over an hour renew as often as the clock demands, and no token comes twice', async () => {
  const { cloudinary, advance, run } = await signedIn()
  const [life, margin, pause] = [5 * MINUTE, MINUTE, 3 * MINUTE]
  let [renewals, end] = [0, life]
  for (let now = 0; now < 60 * MINUTE; now += pause) {
    if (end - now <= margin) [renewals, end] = [renewals + 1, now + life]
    const results = await Promise.all(Array.from({ length: 4 }, () => run('token', { timeout: 60_000 })))
    expect(distinct(results.map(({ stderr, code }) => `${code}${stderr}`))).toEqual(['0'])
    expect(distinct(results.map(({ stdout }) => stdout))).toHaveLength(1)
    const headers = { authorization: `Bearer ${results[0]!.stdout.trim()}` }
    expect((await fetch(`${cloudinary.apiUrl}/v1_1/acme/ping`, { headers })).status).toBe(200)
    expect(cloudinary.stats().refreshes).toBe(renewals)
    advance(pause)
  }
  expect(renewals).toBe(9)
  expect(cloudinary.stats()).toMatchObject({ reuses: 0, deadFamilies: 0, families: 1 })
})

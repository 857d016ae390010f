/** `serve` and `exec --endpoint` with programs that use the SDKs of AWS and Alibaba Cloud. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:http'
import { connect, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startAuthorizationServer } from '../../src/testing/index.ts'
import { box, filesBelow, logIn, withKeys } from '../cli/story.ts'
import { BROWSER, type Sandbox } from '../kit/cli.ts'
import { needs } from '../kit/needs.ts'
import { answerTo, api, bodyOf } from '../server/upstream.ts'
import { startPassport } from '../stand-ins/passport/server.ts'
import { signedIn as alibabaHome } from './alibaba-data-dir.ts'
import { signedIn as awsHome, stale } from './aws-data-dir.ts'
import { BY_CLOCK, MINUTE } from './cloudinary-data-dir.ts'
import { expectNone } from './leaks.ts'

const SDK = join(import.meta.dirname, '../kit/asking-sdk.mjs')

/** From now on, programs of the home go by a clock that is moved, each time farther than keys live. */
function clockOf(one: Sandbox, server: { setClockOffset(milliseconds: number): void; expireKeys(): void }) {
  const file = join(one.home, 'clock')
  one.env.CLOCK_FILE = file
  let ahead = 0
  return (milliseconds: number) => {
    ahead += milliseconds
    writeFileSync(file, String(ahead))
    server.setClockOffset(ahead)
    server.expireKeys()
  }
}

/** A program with the SDK, asked line by line. */
function sdk(one: Sandbox, cloud: string, words: string[], env: Record<string, string> = {}) {
  const program = [process.execPath, '--require', BY_CLOCK[2]!, SDK, cloud]
  const running =
    words.length > 0
      ? one.start([...words, '--', ...program], { program: BY_CLOCK, env })
      : one.start([], { program, env })
  let asked = 0
  async function ask(line = 'ask'): Promise<Record<string, string>> {
    asked += 1
    running.write(`${line}\n`)
    const [answers] = await running.waitFor(new RegExp(`^(\\{.+\\n){${asked}}`))
    return JSON.parse(answers.trimEnd().split('\n').at(-1)!)
  }
  const end = async () => {
    running.write('end\n')
    return running.ended
  }
  return { ...running, ask, end }
}

const ADA = 'arn:aws:iam::111122223333:user/ada'
const ADA_OF_ALIBABA = 'acs:ram::1234567890123456:user/ada'

describe('exec --endpoint', () => {
  test('a program with the SDK of AWS calls through three expiries, and has no keys in its environment', async () => {
    const { one, aws } = await awsHome()
    const advance = clockOf(one, aws)
    mkdirSync(join(one.home, '.aws'))
    writeFileSync(
      join(one.home, '.aws/credentials'),
      '[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other\n',
    )
    const others = {
      AWS_PROFILE: 'default',
      AWS_ACCESS_KEY_ID: 'AKIAOTHER',
      AWS_SECRET_ACCESS_KEY: 'other',
      AWS_ACCESS_KEY: 'AKIAOTHER',
      AWS_SECRET_KEY: 'other',
      AWS_CREDENTIAL_FILE: 'other',
    }
    const program = sdk(one, 'aws', ['exec', 'work', '--endpoint'], others)
    const seen = await program.ask('env')
    expect(seen.AWS_CONTAINER_CREDENTIALS_FULL_URI).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1\/aws$/)
    expect(seen.AWS_CONTAINER_AUTHORIZATION_TOKEN).toMatch(/^[\w-]{43}$/)
    expect(seen).toMatchObject({
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_CREDENTIAL_PROFILES_FILE: '/dev/null',
      BOTO_CONFIG: '/dev/null',
      AWS_REGION: 'us-east-1',
    })
    for (const name of [...Object.keys(others), 'AWS_SESSION_TOKEN']) expect(seen).not.toHaveProperty(name)
    const keys = new Set<string>()
    for (let round = 0; round < 4; round++) {
      const { key, who, error } = await program.ask()
      expect([who, error]).toEqual([ADA, undefined])
      keys.add(key!)
      advance(16 * MINUTE)
    }
    expect(keys.size).toBe(4)
    expect((await program.end()).code).toBe(0)
    expect(aws.stats().sessions[0]!.renewals).toBe(3)
    expect(aws.stats().refusals).toEqual([])
  })

  test('a proxy of the environment is not told the bearer', async (context) => {
    needs(context, 'curl')
    const { one } = await awsHome()
    const told: string[] = []
    const proxy = await api((asked, response) => {
      told.push(asked.url!)
      response.end()
    })
    const ask =
      'curl -s -H "Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN" $AWS_CONTAINER_CREDENTIALS_FULL_URI'
    const words = ['exec', 'work', '--endpoint', '--', 'sh', '-c', `${ask}; echo; echo "$NO_PROXY"`]
    const env = { http_proxy: proxy, HTTP_PROXY: proxy, NO_PROXY: 'intra.test' }
    const { stdout } = await one.run(words, { env })
    expect(stdout).toMatch(/^\{"AccessKeyId":.+\}\nintra\.test,127\.0\.0\.1\n$/)
    const whole = await one.run(words, { env: { ...env, NO_PROXY: '*' } })
    expect(whole.stdout).toMatch(/\}\n\*\n$/)
    expect(told).toEqual([])
  })

  test('a program with the SDK of Alibaba Cloud calls through three expiries', async () => {
    const { one, ali, close } = await alibabaHome()
    onTestFinished(close)
    one.env.STS_HOST = new URL(ali.url).host
    const advance = clockOf(one, ali)
    mkdirSync(join(one.home, '.aliyun'))
    const profile = { name: 'default', mode: 'AK', access_key_id: 'LTAIother', access_key_secret: 'other' }
    writeFileSync(join(one.home, '.aliyun/config.json'), JSON.stringify({ profiles: [profile] }))
    mkdirSync(join(one.home, '.alibabacloud'))
    const ini = '[default]\ntype=access_key\naccess_key_id=LTAIother\naccess_key_secret=other\n'
    writeFileSync(join(one.home, '.alibabacloud/credentials'), ini)
    const program = sdk(one, 'alibaba', ['exec', 'work', '--endpoint'], {
      ALIBABA_CLOUD_ACCESS_KEY_ID: 'LTAIother',
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'other',
    })
    const seen = await program.ask('env')
    expect(seen.ALIBABA_CLOUD_CREDENTIALS_URI).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1\/alibaba\/[\w-]{43}$/)
    expect(seen).toMatchObject({
      ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true',
      ALIBABA_CLOUD_CLI_PROFILE_DISABLED: 'true',
      ALIBABA_CLOUD_IGNORE_PROFILE: 'TRUE',
    })
    expect(Object.keys(seen).filter((name) => /ACCESS_KEY|SECRET|SECURITY_TOKEN/.test(name))).toEqual([])
    const keys = new Set<string>()
    for (let round = 0; round < 4; round++) {
      const { key, who, error } = await program.ask()
      expect([who, error]).toEqual([ADA_OF_ALIBABA, undefined])
      keys.add(key!)
      advance(61 * MINUTE)
    }
    expect(keys.size).toBe(4)
    expect(ali.stats().refusals).toEqual([])
    expect((await program.end()).code).toBe(0)
  })

  test('after a logout nothing is handed out, and after a login again', async () => {
    const { one, daypass, close } = await alibabaHome()
    onTestFinished(close)
    const { url, bearer, running } = await served(one, 'work')
    expect((await get(`${url}/${bearer}`)).status).toBe(200)
    expect((await one.run(['logout', 'work'])).code).toBe(0)
    expect(await get(`${url}/${bearer}`)).toMatchObject({
      status: 401,
      body: { Code: 'login_required', Message: expect.stringContaining('daypass login work') },
    })
    await daypass.login('work', { method: 'browser' })
    expect((await get(`${url}/${bearer}`)).status).toBe(200)
    running.kill()
    await running.ended
  })
})

/** `serve` as another program sees it. */
async function served(one: Sandbox, ...words: string[]) {
  const running = one.start(['serve', ...words, '--json'], { program: BY_CLOCK })
  const [line] = await running.waitFor(/^\{.*\}$/m)
  const told = JSON.parse(line)
  const bearer = readFileSync(told.authorization_token_file, 'utf8')
  return { running, ...told, bearer, told, line }
}

async function get(url: string, authorization?: string, socketPath?: string) {
  const headers = authorization === undefined ? {} : { authorization }
  const sent = request(url, { headers, agent: false, ...(socketPath && { socketPath }) })
  const answered = answerTo(sent)
  sent.end()
  const message = await answered
  return { status: message.statusCode, body: JSON.parse((await bodyOf(message)).toString()) }
}

const refuses = (port: number) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    socket.once('connect', () => resolve('listens'))
  })

const hexOf = (port: string) => Number(port).toString(16).toUpperCase().padStart(4, '0')

/** The places where a process waits for others: of TCP by the kernel's table, and every one of UDP. */
function listening(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  const inodes = readdirSync(folder).flatMap((fd) => {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(join(folder, fd))) ?? []
    return inode === undefined ? [] : [inode]
  })
  expect(inodes).not.toEqual([])
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(
        ([, , , state, , , , , , inode]) =>
          inodes.includes(inode!) && (state === '0A' || table.startsWith('udp')),
      )
      .map(([, local]) => local!),
  )
}

describe('serve', () => {
  test('one line says where; the bearer is in a file of its own; SIGTERM ends all of it', async () => {
    const { one, aws } = await awsHome()
    const { running, url, authorization_token_file: file, env, bearer, line } = await served(one, 'work')
    expect(running.stdout()).toBe(`${line}\n`)
    expect(line).not.toContain(bearer)
    expect(bearer).toMatch(/^[\w-]{43}$/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700)
    expect(env).toMatchObject({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
    })
    const { status, body } = await get(url, bearer)
    expect(status).toBe(200)
    expect(Object.keys(body).sort()).toEqual([
      'AccessKeyId',
      'AccountId',
      'Expiration',
      'SecretAccessKey',
      'Token',
    ])
    expect(body.AccountId).toBe('111122223333')
    expect(body.Expiration).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    const program = sdk(one, 'aws', [], env)
    expect(await program.ask()).toMatchObject({ who: ADA, key: body.AccessKeyId })
    await program.end()
    running.kill()
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
    expect(existsSync(file)).toBe(false)
    expect(await refuses(Number(new URL(url).port))).toBe('ECONNREFUSED')
    expect(aws.stats().sessions[0]!.renewals).toBe(0)
  })

  test('the SDK of Alibaba Cloud asks there, too, across an expiry', async () => {
    const { one, ali, close } = await alibabaHome()
    onTestFinished(close)
    one.env.STS_HOST = new URL(ali.url).host
    const advance = clockOf(one, ali)
    const { running, env } = await served(one, 'work')
    const program = sdk(one, 'alibaba', [], env)
    const first = await program.ask()
    advance(61 * MINUTE)
    const second = await program.ask()
    expect([first.who, second.who, second.error]).toEqual([ADA_OF_ALIBABA, ADA_OF_ALIBABA, undefined])
    expect(second.key).not.toBe(first.key)
    await program.end()
    running.kill()
    expect((await running.ended).code).toBe(0)
  })

  test('however often it is asked, a cloud that is down is asked now and then', async () => {
    const { one, aws } = await awsHome()
    const { running, url, bearer } = await served(one, 'work')
    await stale(one, 'work')
    aws.failNext({ door: 'refresh', status: 503, times: 100 })
    for (let round = 0; round < 20; round++) expect((await get(url, bearer)).status).toBe(502)
    expect(aws.stats().by.refresh).toBeLessThan(10)
    running.kill()
    await running.ended
  })

  test('it listens at that port of 127.0.0.1, and nowhere else', async (context) => {
    if (process.platform !== 'linux') context.skip('there is no table of sockets to read')
    const { one } = await awsHome()
    const { running, url } = await served(one, 'work')
    expect(listening(running.pid)).toEqual([`0100007F:${hexOf(new URL(url).port)}`])
    const program = sdk(one, 'aws', ['exec', 'work', '--endpoint'])
    const { AWS_CONTAINER_CREDENTIALS_FULL_URI: own } = await program.ask('env')
    expect(listening(program.pid)).toEqual([`0100007F:${hexOf(new URL(own!).port)}`])
    await program.end()
    running.kill()
    await running.ended
  })

  test('a token is answered at /v1/token', async () => {
    const server = await startAuthorizationServer()
    onTestFinished(() => server.close())
    const one = box()
    await logIn(one, server)
    const { running, url, bearer, env } = await served(one, 'work')
    expect(env).toEqual({})
    const { status, body } = await get(url, `Bearer ${bearer}`)
    const { stdout } = await one.run(['token', 'work'])
    expect([status, body]).toEqual([
      200,
      { token: stdout.trim(), token_type: 'bearer', expires_at: expect.stringMatching(/Z$/) },
    ])
    // What is kept there now is for a cloud, and this address for whoever wants a token.
    await withKeys(one, 'work')
    expect(await get(url, `Bearer ${bearer}`)).toEqual({
      status: 403,
      body: {
        Code: 'refused',
        Message: 'work was logged in elsewhere meanwhile; end this one, and start it anew',
      },
    })
    running.kill('SIGINT')
    expect((await running.ended).code).toBe(0)
  })

  test('keys of another cloud are not handed out in place of the first one’s', async () => {
    const { one } = await awsHome()
    await withKeys(one, 'work')
    const { running, url, bearer } = await served(one, 'work')
    expect((await get(url, bearer)).status).toBe(200)
    await withKeys(one, 'work', { cloud: 'alibaba' })
    expect((await get(url, bearer)).status).toBe(403)
    running.kill()
    await running.ended
  })

  test('--unix: a socket for its owner alone, which replaces no other server’s', async () => {
    const { one } = await awsHome()
    const path = join(one.home, 'agent')
    const { running, url, bearer, socket } = await served(one, 'work', '--unix', path)
    expect(socket).toBe(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect((await get(url, bearer, path)).status).toBe(200)
    expect((await get(url, 'x', path)).status).toBe(401)
    expect(await one.run(['serve', 'work', '--unix', path])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('somebody listens at'),
    })
    running.kill('SIGKILL')
    await running.ended
    // What a killed one left is taken away.
    const again = await served(one, 'work', '--unix', path)
    expect((await get(again.url, again.bearer, path)).status).toBe(200)
    again.running.kill()
    await again.running.ended
    expect(existsSync(path)).toBe(false)
    writeFileSync(path, 'of somebody else')
    expect((await one.run(['serve', 'work', '--unix', path])).code).toBe(5)
    expect(readFileSync(path, 'utf8')).toBe('of somebody else')
  })

  test('--idle: it ends by itself', async () => {
    const { one } = await awsHome()
    const result = await one.run(['serve', 'work', '--idle', '1s'])
    expect(result.code).toBe(0)
    expect(result.stdout).toContain("export AWS_CONTAINER_CREDENTIALS_FULL_URI='http://127.0.0.1:")
  })

  test('what cannot be served is said at once', async () => {
    const { one } = await awsHome()
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as { port: number }
    for (const [words, code, message] of [
      [`work --port ${port}`, 5, 'is in use'],
      ['work --port x', 2, '--port is a number'],
      ['work --port 1 --unix x', 2, 'two places'],
      [`work --unix ${'x'.repeat(104)}`, 2, '103 bytes at most'],
      ['work --idle soon', 2, 'is not a length of time'],
      ['nobody', 3, 'nobody'],
    ] as const) {
      const result = await one.run(['serve', ...words.split(' ')])
      expect([result.code, result.stdout], words).toEqual([code, ''])
      expect(result.stderr).toContain(message)
    }
    await one.run(['logout', 'work'])
    expect(await one.run(['serve', 'work'])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('daypass login work'),
    })
  })
})

describe('serve --proxy', () => {
  /** A home that is logged in as `work`, whose own server is its API, too. */
  async function home() {
    const server = await startAuthorizationServer()
    onTestFinished(() => server.close())
    const one = box()
    await logIn(one, server)
    const { host, pathname } = new URL(server.endpoints.resource)
    return { server, one, host, pathname }
  }

  test('curl asks as bearer and as user, at a port and at a socket; what is said holds no secret', async (context) => {
    needs(context, 'curl')
    const { server, one, host, pathname } = await home()
    const path = join(one.home, 'agent')
    const at = one.start(['serve', 'work', '--proxy'])
    const [, url, file] = await at.waitFor(/^In the name of work: (\S+), with the bearer of (\S+)$/m)
    await at.waitFor(/Ctrl-C/)
    const bearer = readFileSync(file!, 'utf8')
    expect([at.stdout(), at.stderr()]).toEqual([
      '',
      `In the name of work: ${url}, with the bearer of ${file}
  ${url}/${host}/
Try it: sed 's/^/Authorization: Bearer /' ${file} | curl -H @- ${url}/${host}/
It ends with Ctrl-C.
`,
    ])
    const socket = await served(one, 'work', '--proxy', '--unix', path)
    expect(socket.told).toMatchObject({
      socket: path,
      hosts: { [host]: `http://localhost/${host}` },
      env: {},
    })
    const curl = async (...words: string[]) => {
      const program = ['curl', '--silent', '--show-error', '--write-out', ' %{http_code}']
      return (await one.run(words, { program, env: { DAYPASS_HOME: undefined } })).stdout
    }
    const header = ['--header', `Authorization: Bearer ${bearer}`]
    const ada = expect.stringMatching(/^\{.*"email":"ada@example.com".*\} 200$/)
    expect(await curl(...header, `${url}/${host}${pathname}`)).toEqual(ada)
    const github = ['--header', `Authorization: token ${socket.bearer}`, '--unix-socket', path]
    expect(await curl(...github, `${socket.url}/${host}${pathname}`)).toEqual(ada)
    // A resource of OAuth knows no passwords, and says so.
    expect(await curl('--user', `ada:${bearer}`, `${url}/${host}${pathname}`)).toMatch(/ 401$/)
    expect(await curl('--user', 'ada:x', `${url}/${host}${pathname}`)).toMatch(/without the bearer.* 401$/)
    expect(await curl(...header, `${url}/evil.test/`)).toMatch(/nothing here.* 404$/)
    for (const running of [at, socket.running]) running.kill()
    const said = await Promise.all([at.ended, socket.running.ended])
    expect(said.map(({ code }) => code)).toEqual([0, 0])
    const texts = [
      ...said.flatMap(({ stdout, stderr }) => [stdout, stderr]),
      ...filesBelow(one.home).values(),
    ]
    expectNone([...server.issued(), bearer, socket.bearer], texts, texts)
  })

  test('a token that is bound to a key goes with its proof, whatever form our bearer comes in', async () => {
    const server = await startAuthorizationServer({ dpop: 'required', dpopNonce: true })
    onTestFinished(() => server.close())
    const one = box({ BROWSER })
    const { issuer, clientId } = server
    const work = `kind: oidc/user, issuer: "${issuer}", client_id: ${clientId}, dpop_bound_access_tokens: true`
    mkdirSync(one.daypassHome)
    writeFileSync(join(one.daypassHome, 'config.yaml'), `auth: { identities: { work: { ${work} } } }\n`)
    expect((await one.run(['login', 'work'])).code).toBe(0)
    const { running, url, bearer } = await served(one, 'work', '--proxy')
    const { host, pathname } = new URL(server.endpoints.resource)
    const asked = `${url}/${host}${pathname}`
    expect(await get(asked, `Bearer ${bearer}`)).toMatchObject({ status: 200, body: { sub: 'user-1' } })
    const password = Buffer.from(`ada:${bearer}`).toString('base64')
    expect(await get(asked, `Basic ${password}`)).toMatchObject({ status: 200 })
    running.kill()
    await running.ended
  })

  test('the tenant of an identity goes along, and a token without a renewal is hidden, too', async () => {
    const pat = 'pat-of-the-platform-0123456789'
    const at = await startPassport({ personalTokens: [pat] })
    onTestFinished(() => at.close())
    const one = box()
    const words = ['login', 'autocom', 'shop', '--tenant', 'acme', '--api-url', at.apiUrl, '--token-stdin']
    expect(await one.run(words, { input: pat })).toMatchObject({ code: 0 })
    const { running, url, bearer } = await served(one, 'shop', '--proxy')
    const { host, pathname } = new URL(at.apiUrl)
    expect(await get(`${url}/${host}${pathname}/profile`, `Bearer ${bearer}`)).toMatchObject({ status: 200 })
    running.kill()
    await running.ended
  })

  test('of another login of that name, at another server, it is not for the hosts of the first', async () => {
    const { server, one, host, pathname } = await home()
    const { running, url, bearer } = await served(one, 'work', '--proxy')
    const ask = () => get(`${url}/${host}${pathname}`, `Bearer ${bearer}`)
    expect(await ask()).toMatchObject({ status: 200 })
    const other = await startAuthorizationServer()
    onTestFinished(() => other.close())
    await logIn(one, other, 'work', '--force')
    const before = server.stats().by.resource
    expect(await ask()).toEqual({
      status: 403,
      body: { error: { message: 'work was logged in elsewhere meanwhile; end this one, and start it anew' } },
    })
    expect(server.stats().by.resource).toBe(before)
    await logIn(one, server, 'work', '--force')
    expect(await ask()).toMatchObject({ status: 200 })
    running.kill()
    await running.ended
  })

  test('what cannot be stood before is said at once', async () => {
    const { one } = await awsHome()
    expect(await one.run(['serve', 'work', '--proxy'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr:
        'error: work has keys of AWS, and requests are signed with them by their own tools\n  daypass serve work, or daypass exec work --endpoint -- CMD\n',
    })
    const env = { GITHUB_TOKEN: 'ghp_of-the-environment' }
    expect(await box(env).run(['serve', '--proxy'])).toMatchObject({
      code: 2,
      stderr:
        'error: the credential of GITHUB_TOKEN is not ours to renew\n  daypass serve --proxy <identity>\n',
    })
    const { one: other, server } = await home()
    const identity = `{ kind: oidc/user, issuer: "${server.issuer}", client_id: ${server.clientId}, hosts: [] }`
    writeFileSync(join(other.daypassHome, 'config.yaml'), `auth: { identities: { work: ${identity} } }\n`)
    expect(await other.run(['serve', 'work', '--proxy'])).toMatchObject({
      code: 2,
      stderr:
        'error: no host is known that the token of work is for\n  write hosts: [api.example.com] into the configuration of work\n',
    })
  })
})

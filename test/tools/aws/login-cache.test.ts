import { execFileSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import * as fs from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { fromIni, fromLoginCredentials } from '@aws-sdk/credential-providers'
import { describe, expect, type TestContext, test, vi } from 'vitest'
import { Secret } from '../../../src/core/secret.ts'
import {
  listLoginSessions,
  readLoginSession,
  removeLoginSession,
  reserveLoginSession,
  resolveLoginSessionPath,
  writeLoginSession,
} from '../../../src/tools/aws/login-cache.ts'
import { getPrincipal, type LoginSession } from '../../../src/tools/aws/login-session.ts'
import { failure, skipLoudly } from '../../vault/support.ts'
import { awsHome, put, setUpAws } from './cli.ts'

const ARN = 'arn:aws:sts::012345678910:assumed-role/Admin/admin'
const ROOT = process.getuid?.() === 0
const mode = (path: string) => fs.statSync(path).mode & 0o777
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const { kty, crv, x, y, d } = privateKey.export({ format: 'jwk' })
const JWK = JSON.stringify({ kty, crv, x, y, d })
const idTokenOf = (sub: string) => `e30.${Buffer.from(JSON.stringify({ sub })).toString('base64url')}.sig`
const soon = (seconds: number) => Math.floor(Date.now() / 1000 + seconds) * 1000

const SESSION: LoginSession = {
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: new Secret('secret-1'),
  sessionToken: new Secret('session-1'),
  accountId: '012345678910',
  expiresAt: Date.parse('2026-11-20T21:35:02Z'),
  clientId: 'arn:aws:signin:::devtools/same-device',
  refreshToken: new Secret('refresh-1'),
  idToken: new Secret(idTokenOf(ARN)),
  proofKey: new Secret(JWK),
  signInRegion: 'eu-central-1',
}

/** As the AWS command line writes it. */
const theirs = (change: Record<string, unknown> = {}, inner: Record<string, unknown> = {}) => ({
  accessToken: {
    accessKeyId: 'ASIA1',
    secretAccessKey: 'secret-1',
    sessionToken: 'session-1',
    accountId: '012345678910',
    expiresAt: '2026-11-20T21:35:02Z',
    ...inner,
  },
  tokenType: 'aws_sigv4',
  clientId: 'arn:aws:signin:::devtools/same-device',
  refreshToken: 'refresh-1',
  idToken: idTokenOf(ARN),
  dpopKey: privateKey.export({ type: 'sec1', format: 'pem' }),
  ...change,
})

function cacheOf(context: Pick<TestContext, 'onTestFinished'>) {
  const home = awsHome(context)
  return { ...home, folder: home.paths.loginCache, path: resolveLoginSessionPath(home.paths.loginCache, ARN) }
}

const json = (path: string) => JSON.parse(fs.readFileSync(path, 'utf8')) as ReturnType<typeof theirs>

test.each([
  [ARN, '4b0ba8f99f075c0633e122fd73346ce203a3faf18ea0310eb2d29df1bab2e255'],
  ['my-login-session', '85a19150f6728d225f1da22f304c53c9f1ca13d715083b33bc8df22081280d15'],
])('the file of %s has the name that every tool looks for', (session, name) => {
  expect(resolveLoginSessionPath('/c', session)).toBe(`/c/${name}.json`)
})

describe('written', () => {
  test('as the AWS command line would have, for the owner alone', async (context) => {
    const { folder, path } = cacheOf(context)
    writeLoginSession(path, SESSION)
    expect([mode(path), mode(folder), fs.readdirSync(folder).length]).toEqual([0o600, 0o700, 1])
    expect(json(path)).toEqual({
      ...theirs({ signInRegion: 'eu-central-1' }, { accessKeyId: 'ASIAEXAMPLE' }),
    })
    const lines = json(path).dpopKey.toString().trimEnd().split('\n')
    expect(lines[0]).toBe('-----BEGIN EC PRIVATE KEY-----')
    expect(lines.slice(1, -2).every((line) => line.length === 64)).toBe(true)
  })

  test('it reads back the same', async (context) => {
    const { path } = cacheOf(context)
    writeLoginSession(path, SESSION)
    const { extra, ...read } = (await readLoginSession(path))!
    expect(reveal(read)).toEqual(reveal(SESSION))
    expect(extra!.reveal()).toContain('aws_sigv4')
    expect(getPrincipal(read)).toBe(ARN)
  })

  test('unknown members stay, within and without', async (context) => {
    const { path } = cacheOf(context)
    put(path, JSON.stringify(theirs({ future: { a: [1] } }, { also: 'this' })))
    const session = (await readLoginSession(path))!
    writeLoginSession(path, { ...session, refreshToken: new Secret('refresh-2') })
    expect(json(path)).toEqual(theirs({ future: { a: [1] }, refreshToken: 'refresh-2' }, { also: 'this' }))
  })

  test('nothing of it can be printed by accident', async (context) => {
    const { path } = cacheOf(context)
    put(path, JSON.stringify(theirs({ identityToken: 'other-token' })))
    const session = (await readLoginSession(path))!
    const said = `${inspect(session, { depth: 9 })}${JSON.stringify(session)}`
    for (const hidden of ['secret-1', 'session-1', 'refresh-1', 'other-token', d!, idTokenOf(ARN)])
      expect(said).not.toContain(hidden)
  })

  test('room is there before, as much as the answer can need, and gone after', (context) => {
    const { folder, path } = cacheOf(context)
    const room = reserveLoginSession(path, SESSION)
    const [temporary] = fs.readdirSync(folder)
    const { size } = fs.statSync(join(folder, temporary!))
    const renewed = {
      ...SESSION,
      sessionToken: new Secret('s'.repeat(8000)),
      refreshToken: new Secret('r'.repeat(4000)),
    }
    room.write(renewed)
    room.release()
    expect(fs.readdirSync(folder)).toHaveLength(1)
    expect(size).toBeGreaterThan(fs.statSync(path).size)
    reserveLoginSession(path).release()
    expect(fs.readdirSync(folder)).toHaveLength(1)
  })

  test('a full disk is found out before, and what is there stays whole', async (context) => {
    const { folder, path } = cacheOf(context)
    fs.mkdirSync(folder, { recursive: true })
    mountSmall(folder, context)
    writeLoginSession(path, SESSION)
    const before = fs.readFileSync(path)
    expect(() => fs.writeFileSync(join(folder, 'filler'), Buffer.alloc(1024 * 1024))).toThrow('ENOSPC')
    const error = await failure(() => reserveLoginSession(path, SESSION), 'vault')
    expect(error.message).toContain('the disk is full')
    expect([fs.readFileSync(path), fs.readdirSync(folder).length]).toEqual([before, 2])
  })

  test('something in the way is said in words that help', async (context) => {
    const { folder, path } = cacheOf(context)
    put(folder, 'a file in the place of the folder')
    expect((await failure(() => reserveLoginSession(path), 'vault')).hint).toContain('ls -ld')
  })

  test('it is removed once', (context) => {
    const { path } = cacheOf(context)
    writeLoginSession(path, SESSION)
    expect([removeLoginSession(path), removeLoginSession(path)]).toEqual([true, false])
  })
})

describe('read', () => {
  test.each([
    ['seconds', '2026-11-20T21:35:02Z', 0],
    ['milliseconds', '2026-11-20T21:35:02.580Z', 580],
    ['an offset', '2026-11-20T22:35:02+01:00', 0],
    ['a number of seconds', 1795210502, 0],
    ['a number of milliseconds', 1795210502580, 580],
  ])('the end of its validity in %s', async (_, expiresAt, more) => {
    const { path } = cacheOf(await context())
    put(path, JSON.stringify(theirs({}, { expiresAt })))
    expect((await readLoginSession(path))!.expiresAt).toBe(Date.parse('2026-11-20T21:35:02Z') + more)
  })

  test('a key in either form', async (context) => {
    const { path } = cacheOf(context)
    put(path, JSON.stringify(theirs({ dpopKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) })))
    expect((await readLoginSession(path))!.proofKey.reveal()).toBe(JWK)
  })

  test('what one of the SDKs leaves of it', async (context) => {
    const { path } = cacheOf(context)
    put(
      path,
      JSON.stringify(theirs({ idToken: undefined, identityToken: idTokenOf(ARN) }, { accountId: undefined })),
    )
    const session = (await readLoginSession(path))!
    expect([session.accountId, session.idToken?.reveal()]).toEqual(['012345678910', idTokenOf(ARN)])
  })

  test('no file is no session', async (context) => {
    expect(await readLoginSession(cacheOf(context).path)).toBe(undefined)
    expect(await listLoginSessions(cacheOf(context).folder)).toEqual([])
  })

  test('half of a file is read again, until it is whole', async (context) => {
    const { path } = cacheOf(context)
    const whole = JSON.stringify(theirs())
    const texts = ['', whole.slice(0, 40), whole.slice(0, -1), whole]
    put(path, texts.shift()!)
    const sleep = async () => fs.writeFileSync(path, texts.shift()!)
    expect((await readLoginSession(path, { sleep }))!.accessKeyId).toBe('ASIA1')
    expect(texts).toEqual([])
  })

  test('half of a file that stays so is said after some 300 ms', async (context) => {
    const { path } = cacheOf(context)
    put(path, JSON.stringify(theirs()).slice(0, 100))
    const waited: number[] = []
    const sleep = async (milliseconds: number) => void waited.push(milliseconds)
    const error = await failure(() => readLoginSession(path, { sleep }), 'vault')
    expect(error.message).toContain('damaged')
    expect(waited.reduce((a, b) => a + b)).toBeGreaterThan(250)
    expect(waited.reduce((a, b) => a + b)).toBeLessThan(400)
  })

  test.each([
    ['refreshToken', theirs({ refreshToken: undefined })],
    ['clientId', theirs({ clientId: '' })],
    ['sessionToken', theirs({}, { sessionToken: 7 })],
    ['expiresAt', theirs({}, { expiresAt: 'soon' })],
    ['accountId', theirs({ idToken: 'x.y.z' }, { accountId: undefined })],
    ['dpopKey', theirs({ dpopKey: 'none' })],
    [
      'dpopKey',
      theirs({
        dpopKey: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({
          type: 'sec1',
          format: 'pem',
        }),
      }),
    ],
    ['accessKeyId', []],
    ['accessKeyId', { accessToken: 'text' }],
  ])('a file without a usable %s is refused by name', async (what, said) => {
    const { path } = cacheOf(await context())
    put(path, JSON.stringify(said))
    const error = await failure(() => readLoginSession(path), 'vault')
    expect(error.message).toContain(what)
    expect(error.message).not.toMatch(/secret-1|refresh-1/)
  })

  test('a link is refused, a folder too, and looser permissions are mended', async (context) => {
    const { path, home } = cacheOf(context)
    put(path, JSON.stringify(theirs()))
    fs.chmodSync(path, 0o644)
    const said: string[] = []
    await readLoginSession(path, { report: (message) => said.push(message) })
    expect([mode(path), said]).toEqual([0o600, [expect.stringContaining('0644')]])
    fs.renameSync(path, join(home, 'elsewhere'))
    fs.symlinkSync(join(home, 'elsewhere'), path)
    expect((await failure(() => readLoginSession(path), 'vault')).message).toContain('symbolic link')
    fs.rmSync(path)
    fs.mkdirSync(path)
    await failure(() => readLoginSession(path), 'vault')
  })

  test('a file of another user is refused', async (context) => {
    if (!ROOT) skipLoudly(context, 'only root can give a file away')
    const { path } = cacheOf(context)
    put(path, JSON.stringify(theirs()))
    fs.chownSync(path, 12345, 12345)
    expect((await failure(() => readLoginSession(path), 'refused')).message).toContain('another user')
  })

  test('every session of the folder is listed, the broken ones with what is wrong', async (context) => {
    const { folder, path } = cacheOf(context)
    writeLoginSession(path, SESSION)
    put(resolveLoginSessionPath(folder, 'zzz'), JSON.stringify(theirs()))
    put(join(folder, `${'0'.repeat(64)}.json`), JSON.stringify(theirs({ clientId: undefined })))
    put(join(folder, 'notes.txt'), 'mine')
    put(join(folder, '.tmp-1-ab-x.json'), 'x')
    const all = await listLoginSessions(folder)
    expect(all).toHaveLength(3)
    expect(all.find((one) => one.path === path)?.principal).toBe(ARN)
    expect(all.filter(({ principal }) => principal !== undefined)).toHaveLength(1)
    expect(all[0]!.problem?.message).toContain('clientId')
  })
})

describe('the official SDK', () => {
  const options = ({ paths }: ReturnType<typeof cacheOf>) => ({
    profile: 'dev',
    configFilepath: paths.config,
    filepath: paths.credentials,
    ignoreCache: true,
  })
  const setUp = async (home: ReturnType<typeof cacheOf>) => {
    vi.stubEnv('AWS_LOGIN_CACHE_DIRECTORY', home.folder)
    await setUpAws(
      { profile: 'dev', identity: 'work', form: 'login-session', loginSession: ARN, region: 'eu-central-1' },
      home,
    )
  }

  test('reads the session that we wrote, by the profile that we wrote', async (context) => {
    const home = cacheOf(context)
    await setUp(home)
    writeLoginSession(home.path, { ...SESSION, expiresAt: soon(800) })
    for (const provider of [fromIni(options(home)), fromLoginCredentials(options(home))]) {
      expect(await provider()).toMatchObject({
        accessKeyId: 'ASIAEXAMPLE',
        secretAccessKey: 'secret-1',
        sessionToken: 'session-1',
        accountId: '012345678910',
      })
    }
  })

  test('renews it with our key, and we read what it writes', async (context) => {
    const home = cacheOf(context)
    await setUp(home)
    writeLoginSession(home.path, { ...SESSION, expiresAt: soon(60) })
    const { url, asked } = await signIn(context)
    const credentials = await fromLoginCredentials({ ...options(home), clientConfig: { endpoint: url } })()
    expect(credentials.accessKeyId).toBe('ASIA2')
    expect(asked).toMatchObject([
      { body: { refreshToken: 'refresh-1', clientId: SESSION.clientId }, isOurs: true },
    ])
    const session = (await readLoginSession(home.path))!
    expect(reveal(session)).toMatchObject({
      accessKeyId: 'ASIA2',
      refreshToken: 'refresh-2',
      proofKey: JWK,
      signInRegion: 'eu-central-1',
      idToken: idTokenOf(ARN),
    })
    expect(mode(home.path)).toBe(0o600)
  })
})

/** A sign-in server that answers one thing, and looks at who asks. */
async function signIn({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
  const asked: { body: unknown; isOurs: boolean }[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    asked.push({ body: JSON.parse(body), isOurs: isSigned(String(request.headers.dpop)) })
    response.setHeader('content-type', 'application/json')
    const accessToken = { accessKeyId: 'ASIA2', secretAccessKey: 'secret-2', sessionToken: 'session-2' }
    response.end(
      JSON.stringify({ accessToken, tokenType: 'aws_sigv4', expiresIn: 900, refreshToken: 'refresh-2' }),
    )
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

function isSigned(proof: string): boolean {
  const [header, payload, signature] = proof.split('.')
  const key = { key: createPublicKey(privateKey), dsaEncoding: 'ieee-p1363' } as const
  return verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature!, 'base64url'))
}

/** Secrets as text, for comparing. */
function reveal(session: LoginSession) {
  return Object.fromEntries(
    Object.entries(session).map(([name, value]) => [
      name,
      value instanceof Secret ? value.reveal() : (value as unknown),
    ]),
  )
}

/** For tests by table, which are given their row in the place of the context. */
async function context() {
  const { onTestFinished } = await import('vitest')
  return { onTestFinished }
}

/** A file system of a few pages, for the test. */
function mountSmall(folder: string, context: TestContext): void {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    skipLoudly(context, `a full disk (${String(error)})`)
  }
  context.onTestFinished(() => void execFileSync('umount', [folder]))
}

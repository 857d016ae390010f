/** The stand-in for AWS, a machine that is logged in there, and AWS' own tools on it. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fromIni } from '@aws-sdk/credential-providers'
import { onTestFinished } from 'vitest'
import type { KeysCredential, Terminal } from '../../src/core/types.ts'
import { createDaypass, type Daypass } from '../../src/index.ts'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { resolveLoginSessionPath } from '../../src/tools/aws/login-cache.ts'
import { type Result, type RunOptions, type Sandbox, sandbox } from '../kit/cli.ts'
import { attempt, CROSS_DEVICE, codeOf, exchange, proofKey, shownText } from '../stand-ins/aws/client.ts'
import type { AwsOptions } from '../stand-ins/aws/options.ts'
import { type AwsStandIn, startAws } from '../stand-ins/aws/server.ts'

export const ADA = 'arn:aws:iam::111122223333:user/ada'

const SDK = join(import.meta.dirname, '../kit/aws-sdk.mjs')

export interface Cloud {
  aws: AwsStandIn
  one: Sandbox
  /** The same vault in this process, which spares the start of another. Each has memory of its own. */
  daypass(): Daypass
  /** What it warned of. */
  warned: string[]
  /** Logs in with the scripted browser. */
  logIn(name?: string): Promise<unknown>
  run(...args: string[]): Promise<Result>
  /** AWS' own SDK as a process would print its keys, but in this one: its start takes longer than its answer. */
  sdk(profile: string): Promise<Result>
  /** The same in a process of its own; without a profile, by the SDK's own chain. */
  sdkProcess(profile?: string, options?: RunOptions): Promise<Result>
  /** Below HOME. */
  path(name: string): string
  read(name: string): string
  put(name: string, text: string): void
  /** The file that the tools share. */
  cache: SharedFile
  /** Done when the test is over, if nobody has before. */
  close(): Promise<void>
}

export interface CloudOptions extends AwsOptions {
  /** The tools' cache is in our own folder, where `steps` are told of it. */
  cacheInside?: boolean
}

interface SharedFile {
  path: string
  there(): boolean
  mode(): number
  json(): Json
  change(edit: (json: Json) => void): void
  /** The keys have so many milliseconds left. */
  left(milliseconds: number): void
}

type Json = Record<string, unknown> & { accessToken: Record<string, string> }

export async function cloud(options: CloudOptions = {}, env: RunOptions['env'] = {}): Promise<Cloud> {
  const aws = await startAws(options)
  const one = sandbox({
    AWS_ENDPOINT_URL: aws.url,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    ...env,
  })
  if (options.cacheInside) one.env.AWS_LOGIN_CACHE_DIRECTORY = join(one.daypassHome, 'aws')
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= one.remove().then(() => aws.close())
    return closed
  }
  onTestFinished(close)
  const warned: string[] = []
  const { openBrowser } = scriptedBrowser()
  const daypass = () =>
    createDaypass({ env: one.env, cwd: one.home, host: { terminal: silent(warned), openBrowser } })
  const path = (name: string) => join(one.home, name)
  return {
    aws,
    one,
    daypass,
    warned,
    logIn: (name = 'work') => daypass().login('aws', { name, method: 'browser' }),
    run: (...args) => one.run(args),
    sdk: (profile) => askSdk(one.env, profile),
    sdkProcess: (profile, more) =>
      one.run(profile === undefined ? [] : [profile], { program: [process.execPath, SDK], ...more }),
    path,
    read: (name) => readFileSync(path(name), 'utf8'),
    put(name, text) {
      mkdirSync(dirname(path(name)), { recursive: true, mode: 0o700 })
      writeFileSync(path(name), text, { mode: 0o600 })
    },
    close,
    cache: sharedFile(
      resolveLoginSessionPath(one.env.AWS_LOGIN_CACHE_DIRECTORY ?? path('.aws/login/cache'), ADA),
    ),
  }
}

/** The SDK reads the environment of its process, so there is one question at a time. */
let turn: Promise<unknown> = Promise.resolve()

function askSdk({ TMPDIR: _, ...env }: Record<string, string>, profile: string): Promise<Result> {
  const asked = turn.then(async () => {
    const before = { ...process.env }
    Object.assign(process.env, env)
    try {
      const credentials = await fromIni({ profile, ignoreCache: true })()
      return { code: 0, signal: null, stdout: `${JSON.stringify(credentials)}\n`, stderr: '' }
    } catch (error) {
      const { name, message } = error as Error
      return { code: 1, signal: null, stdout: '', stderr: `${name}: ${message}\n` }
    } finally {
      for (const name of Object.keys(env)) {
        if (before[name] === undefined) delete process.env[name]
        else process.env[name] = before[name]
      }
    }
  })
  turn = asked
  return asked
}

/** Logged in, and shared with the tools under a profile of the same name. */
export async function sharing(options: CloudOptions = {}, env: RunOptions['env'] = {}): Promise<Cloud> {
  const made = await cloud(options, env)
  await made.logIn()
  const { code, stderr } = await made.run('setup', 'aws', 'work', '--login-session')
  if (code !== 0) throw new Error(`setup failed (${code})\n${stderr}`)
  return made
}

function sharedFile(path: string): SharedFile {
  const json = () => JSON.parse(readFileSync(path, 'utf8')) as Json
  const change = (edit: (json: Json) => void) => {
    const said = json()
    edit(said)
    writeFileSync(path, JSON.stringify(said))
  }
  return {
    path,
    there: () => existsSync(path),
    mode: () => statSync(path).mode & 0o777,
    json,
    change,
    left: (milliseconds) =>
      change(({ accessToken }) => {
        accessToken.expiresAt = new Date(Date.now() + milliseconds).toISOString()
      }),
  }
}

/** The access key id that daypass hands out. */
export const keyOf = async ({ daypass }: Pick<Cloud, 'daypass'>, name = 'work') =>
  ((await daypass().credential(name)) as KeysCredential).accessKeyId

/** As other tools log in: another session of the same person in the file. Gives its access key id. */
export async function loginOfTheirs({ aws, cache }: Cloud, remote = false): Promise<string> {
  const confirmation = {
    client_id: CROSS_DEVICE,
    redirect_uri: `${aws.url}/v1/sessions/confirmation`,
  }
  const [begun, key] = [attempt(aws.url, remote ? confirmation : {}), proofKey()]
  const code = remote ? codeIn(await shownText(begun)) : await codeOf(begun)
  const { json } = await exchange(begun, code, key)
  const accessToken = json.accessToken as Record<string, string>
  const expiresAt = new Date(Date.now() + 800_000).toISOString()
  const file = {
    accessToken: { ...accessToken, accountId: aws.account, expiresAt },
    tokenType: json.tokenType,
    clientId: begun.clientId,
    refreshToken: json.refreshToken,
    idToken: json.idToken,
    dpopKey: key.pem,
  }
  mkdirSync(dirname(cache.path), { recursive: true })
  writeFileSync(cache.path, JSON.stringify(file))
  return accessToken.accessKeyId ?? ''
}

const codeIn = (shown: string) =>
  new URLSearchParams(Buffer.from(shown, 'base64').toString()).get('code') ?? ''

function silent(warned: string[]): Terminal {
  return {
    interactive: false,
    say: () => undefined,
    warn: (text) => void warned.push(text),
    busy: () => () => undefined,
    readSecret: async () => undefined,
    choose: async () => undefined,
    confirm: async () => false,
    ask: async () => '',
  }
}

/** The access key id of what a tool was given. */
export const keyIn = ({ stdout, stderr }: Result): string => {
  const said = JSON.parse(stdout || JSON.stringify({ error: stderr })) as Record<string, string>
  return said.AccessKeyId ?? said.accessKeyId ?? `none: ${said.error}`
}

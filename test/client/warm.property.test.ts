/**
 * The quick way of `token` and `credential-process` against the full one, and the full one with and without the warm
 * rule: whatever the configuration, the record, the environment, the folder and the words are, they answer the same.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import fc from 'fast-check'
import { afterAll, expect, test, vi } from 'vitest'
import { createUsageError, normalizeArgv, splitCommand } from '../../src/cli/argv.ts'
import { type CommonFlags, resolveByApi } from '../../src/cli/flags.ts'
import type { CommandContext, CommandResult } from '../../src/cli/output/result.ts'
import { createProgram } from '../../src/cli/program.ts'
import type { Runner } from '../../src/cli/runner.ts'
import { readWarmAnswer } from '../../src/cli/warm-answer.ts'
import { resolveCompiledPath } from '../../src/config/compiled.ts'
import { ENDPOINTS } from '../../src/config/endpoints.ts'
import { loadCompiled } from '../../src/config/load.ts'
import { getExitCode } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Credential, Entry, Header } from '../../src/core/types.ts'
import { createDaypass } from '../../src/index.ts'
import { resolvePaths } from '../../src/platform/paths.ts'
import { scriptedTerminal } from '../../src/testing/index.ts'
import { encodeGrantFileName } from '../../src/vault/file-name.ts'
import { splitGrant } from '../../src/vault/grant-parts.ts'
import { openKey } from '../../src/vault/keys.ts'
import { openDiskVault } from '../../src/vault/open-vault.ts'
import { encodeRecord, sealRecord } from '../../src/vault/seal.ts'
import { runs } from '../fuzz.ts'
import { sealVersion1 } from '../vault/records.ts'

/** Whether the full way asks the rule, and whether the rule said yes. */
const rule = vi.hoisted(() => ({ isAsked: true, saidYes: false }))
vi.mock('../../src/client/warm.ts', async (original) => {
  const real = await original<typeof import('../../src/client/warm.ts')>()
  const isWarm: typeof real.isWarm = (...args) => {
    const isGood = rule.isAsked && real.isWarm(...args)
    rule.saidYes ||= isGood
    return isGood
  }
  return { ...real, isWarm }
})

const HOME = realpathSync(mkdtempSync(join(tmpdir(), 'daypass-warm-')))
const WORK = join(HOME, 'work')
mkdirSync(WORK)
afterAll(() => rmSync(HOME, { recursive: true, force: true }))

const BASE = { HOME, DAYPASS_HOME: join(HOME, 'daypass'), DAYPASS_AUDIT: 'off' }
const where = resolvePaths(BASE, process.platform)
const key = await openDiskVault(where.vault, { wanted: 'file' }).location()
const opened = await openKey(where.vault, key)

const NOW = Math.floor(Date.now() / 1000) * 1000
const MINUTE = 60_000

type Env = Record<string, string | undefined>

interface Case {
  config: object | undefined
  records: { work: Entry | undefined; other: Entry | undefined }
  env: Env
  folder: string | undefined
  state: string | undefined
  argv: string[]
}

/** Mostly the first one, so that what is drawn is often warm. */
const mostly = <T, U>(usual: T, ...others: U[]) =>
  fc.oneof(
    { weight: 12 * others.length, arbitrary: fc.constant(usual) },
    ...others.map((one) => ({ weight: 1, arbitrary: fc.constant(one) })),
  )
const either = <T>(...all: T[]) => fc.constantFrom(...all)
const seldom = <T>(one: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: one })

const [HERE, THERE] = ['https://a.example', 'https://b.example']
const VARIABLES = ['ONE', 'TWO'] as const

/** Written in YAML as `!env NAME`. */
const reference = either(...VARIABLES).map((env) => ({ '!env': env }))
const url = fc.oneof(either(`${HERE}/x`, `${HERE}/x`, `${THERE}/x`), reference)
const issuer = fc.oneof(either(HERE, `${HERE}/`, THERE), reference)
const endpoints = fc.dictionary(either(...Object.keys(ENDPOINTS)), url, { maxKeys: 2, noNullPrototype: true })
const client = {
  issuer: seldom(issuer),
  endpoints: seldom(endpoints),
  client_id: seldom(fc.oneof(fc.constant('cli'), reference)),
  client_secret: seldom(fc.oneof(fc.constant('secret'), reference)),
  scopes: seldom(fc.array(fc.oneof(fc.constant('openid'), reference), { maxLength: 2 })),
}

const accessKey = fc.oneof(fc.constant('AKIAEXAMPLE'), reference)
const ROLE = 'arn:aws:iam::123456789012:role/Admin'
const KINDS = ['oidc/user', 'acme/user', 'passport/user', 'github/user', 'aws/user'] as const
const identityOf = (kind: string) =>
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({
        kind: mostly(kind, ...KINDS),
        ...client,
        api_url: seldom(fc.oneof(either(`${HERE}/api/v1`, HERE, THERE), reference)),
        region: seldom(fc.oneof(fc.constant('eu-west-1'), reference)),
        default: seldom(fc.constant(true)),
        credentials: seldom(fc.record({ access_key_id: accessKey, secret_access_key: accessKey })),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.constant({
        kind: 'aws/assume-role',
        via: { identity: 'other' },
        principal: { role_arn: ROLE },
      }),
    },
  )

const ownProviders = fc.record({
  acme: fc.record({ ...client, issuer, env: seldom(fc.constant('ACME_TOKEN')) }),
})
const configOf = (kind: string) =>
  fc.record({
    auth: fc.record({
      identities: fc.record({
        work: fc.option(identityOf(kind), { nil: undefined, freq: 2 }),
        other: seldom(identityOf(kind)),
      }),
      providers: (kind === 'acme/user' ? (one: typeof ownProviders) => one : seldom)(ownProviders),
      keyring: seldom(fc.record({ type: either('auto', 'system', 'file', 'memory') })),
    }),
    default: seldom(either('work', 'other', 'nobody')),
  })

const oauth = { issuer: HERE, authorization: `${HERE}/a`, token: `${HERE}/t`, userinfo: `${HERE}/u` }
const bearer: Credential = {
  kind: 'bearer',
  token: new Secret('at_kept'),
  tokenType: 'bearer',
  issuedAt: NOW,
}
const keys: Credential = {
  kind: 'keys',
  cloud: 'aws',
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: new Secret('secret/of+the=keys'),
  issuedAt: NOW,
}

const made = (provider: string, more: Partial<Header>, credential: Credential = bearer) => ({
  header: { provider, kind: `${provider}/user`, params: {}, method: 'browser' as const, ...more },
  credential,
})
const RECORDS = [
  made('oidc', { params: { issuer: HERE }, endpoints: oauth }),
  made('oidc', { endpoints: { token: `${HERE}/t` } }),
  made('oidc', { params: { issuer: HERE }, method: 'token' }),
  made('oidc', { method: 'token', endpoints: { userinfo: `${HERE}/u` } }),
  made('acme', { params: { issuer: HERE }, endpoints: oauth }),
  made('acme', { method: 'token', endpoints: { userinfo: `${HERE}/u` } }),
  made('passport', {
    params: { api_url: `${HERE}/api/v1` },
    endpoints: { token: `${HERE}/oauth/token`, userinfo: `${HERE}/api/v1/profile` },
  }),
  made('github', { method: 'token' }),
  made('aws', { params: { region: 'eu-west-1' }, method: 'keys' }, keys),
  made(
    'aws',
    {
      params: { region: 'eu-west-1' },
      endpoints: { token: 'https://eu-west-1.signin.aws.amazon.com/v1/token' },
    },
    keys,
  ),
]

const recordOf = (of: (typeof RECORDS)[number]) =>
  fc
    .record({
      left: mostly(60 * MINUTE, 30_000, 4 * MINUTE, -1, undefined),
      lived: mostly(1000, 50 * MINUTE, -90 * MINUTE),
      clockOffset: mostly(undefined, 20 * MINUTE, -20 * MINUTE),
      renewable: fc.boolean(),
      isBoundToKey: mostly(false, true),
      loginRequired: mostly(undefined, 'the server refused it'),
      isEmpty: mostly(false, true),
      v: either(1 as const, 2 as const),
    })
    .map(({ left, lived, clockOffset = 0, renewable, isBoundToKey, loginRequired, isEmpty, v }): Entry => {
      const issuedAt = NOW - lived + clockOffset
      const times = { issuedAt, ...(left !== undefined && { expiresAt: NOW + left + clockOffset }) }
      const header: Header = {
        v,
        name: '',
        ...of.header,
        ...times,
        renewable,
        createdAt: NOW,
        ...(clockOffset && { clockOffset }),
        ...(loginRequired && { loginRequired }),
      }
      const credential = {
        ...of.credential,
        ...times,
        ...(isBoundToKey && { tokenType: 'dpop' }),
      } as Credential
      const refresh = renewable ? { refreshToken: new Secret('rt_kept') } : {}
      return isEmpty ? { header } : { header, grant: { credential, ...refresh } }
    })

const value = either(undefined, undefined, '', HERE, `${HERE}/x`, `${THERE}/x`, 'eu-west-1', 'two\nlines')
const env = fc.record({
  ONE: value,
  TWO: value,
  DAYPASS_IDENTITY: mostly(undefined, '', 'work', 'other', 'nobody', '../work', '__x'),
  DAYPASS_STORE: mostly('file', undefined, '', 'auto', 'memory', 'cloud'),
  GITHUB_TOKEN: seldom(either('', 'ghp_of-the-environment')),
  ACME_TOKEN: seldom(fc.constant('of-the-environment')),
  PASSPORT_API_URL: mostly(undefined, THERE),
  AWS_ENDPOINT_URL_SIGNIN: mostly(undefined, THERE),
  AWS_REGION: mostly(undefined, 'us-east-1'),
})

const flag = fc.oneof(
  { weight: 3, arbitrary: either(['work'], ['other'], ['-i', 'work'], ['--identity', 'work']) },
  { weight: 3, arbitrary: either('1m', '10m', '45m', '61m', '90', 'x').map((time) => ['--min-ttl', time]) },
  { weight: 3, arbitrary: either(['--json'], ['--header']) },
  { weight: 2, arbitrary: either(['--format', 'aws'], ['--format', 'alibaba'], ['--format', 'ibm']) },
  {
    weight: 1,
    arbitrary: either(['-q'], ['-v'], ['--identity=work'], ['--profile', 'work'], ['--nonsense'], ['nobody']),
  },
)
const argvOf = (verb: string) =>
  fc
    .tuple(
      seldom(fc.constant('auth')),
      mostly(verb, 'token', 'credential-process'),
      fc.array(flag, { maxLength: 2 }),
    )
    .map(([auth, verb, flags]) => [...(auth ? [auth] : []), verb, ...flags.flat()])

const drawn: fc.Arbitrary<Case> = either(...RECORDS).chain((of) =>
  fc.record({
    config: fc.oneof(
      { weight: 1, arbitrary: fc.constant(undefined) },
      { weight: 4, arbitrary: configOf(of.header.kind) },
    ),
    records: fc.record({
      work: fc.option(recordOf(of), { freq: 20, nil: undefined }),
      other: seldom(recordOf(of)),
    }),
    env,
    folder: mostly(
      undefined,
      'identity: work\n',
      '# ours\nidentity: "other"\n',
      '{identity: work}\n',
      'identty: work\n',
      '',
    ),
    state: mostly('{"default":"work"}', undefined, '{"default":"other"}', '{}', '[]'),
    argv: argvOf(of.credential.kind === 'keys' ? 'credential-process' : 'token'),
  }),
)

/** YAML in flow style. Keys that are undefined are left out. */
function yaml(given: unknown): string {
  if (Array.isArray(given)) return `[${given.map(yaml).join(', ')}]`
  if (typeof given !== 'object' || given === null) return JSON.stringify(given)
  if ('!env' in given) return `!env ${given['!env']}`
  const entries = Object.entries(given).filter(([, item]) => item !== undefined)
  return `{${entries.map(([name, item]) => `${name}: ${yaml(item)}`).join(', ')}}`
}

function put(file: string, text: string | undefined): void {
  rmSync(file, { force: true })
  if (text === undefined) return
  writeFileSync(file, text, { mode: 0o600 })
  // Only of a file that is not from this very moment is a compiled copy kept.
  utimesSync(file, new Date('2026-01-02'), new Date('2026-01-02'))
}

const sealGrant = ({ header, grant }: Required<Entry>) =>
  header.v === 1
    ? sealVersion1({ header, grant }, key.id, opened.renew)
    : sealRecord({ ...header, key }, splitGrant(grant), opened)

function prepare({ config, records, folder, state }: Case): void {
  for (const name of ['work', 'other'] as const) {
    const { header, grant } = records[name] ?? {}
    const named = header && { ...header, name }
    const sealed = named && (grant ? sealGrant({ header: named, grant }) : encodeRecord(named))
    put(join(where.vault, encodeGrantFileName(name)), sealed)
  }
  put(where.state, state)
  put(join(WORK, '.daypass.yaml'), folder)
  put(where.config, config && yaml(config))
  rmSync(resolveCompiledPath(where.dataDir), { force: true })
  try {
    loadCompiled(where.config, resolveCompiledPath(where.dataDir))
  } catch {
    // It is wrong, and both ways say so.
  }
}

interface Outcome {
  code: number
  stdout: string
  /** What the network was asked. */
  requests: number
}

async function runQuick({ argv, env }: Case): Promise<Outcome | undefined> {
  const machine = { env: { ...BASE, ...env }, cwd: () => WORK, now: () => NOW, report: () => {} }
  const answer = await readWarmAnswer(argv, machine).catch(() => undefined)
  return answer && { code: 0, stdout: `${answer.text}\n`, requests: 0 }
}

/** As `main` does it, without a process. */
async function runFull({ argv, env: more }: Case): Promise<Outcome> {
  const env = { ...BASE, ...more }
  const { words } = splitCommand(normalizeArgv(argv))
  let requests = 0
  let answer: CommandResult = {}
  const fetch = async () => {
    requests += 1
    throw new TypeError('no network')
  }
  const runner: Runner = {
    version: '0.0.0',
    async run(flags: CommonFlags, verb, work) {
      const host = { env, fetch, now: () => NOW, sleep: async () => {}, terminal: scriptedTerminal() }
      const daypass = createDaypass({ host, env, cwd: WORK, environment: true })
      await resolveByApi(flags, daypass)
      const paint = (_: string, text: string) => text
      const { json = false, verbose = false } = flags
      const world = { verb, daypass, host, paths: where, json, verbose, paint, paintError: paint }
      answer = await work({ ...world, signal: new AbortController().signal } as unknown as CommandContext)
    },
    runBare: async () => {},
  }
  const root = createProgram(runner)
  for (const verb of [root, ...root.commands])
    verb.exitOverride().configureOutput({ outputError: () => undefined, writeErr: () => undefined })
  try {
    await root.parseAsync(words, { from: 'user' })
    return { code: answer.code ?? 0, stdout: answer.out === undefined ? '' : `${answer.out}\n`, requests }
  } catch (error) {
    const ours = error instanceof CommanderError ? createUsageError(error, root, words) : error
    return { code: getExitCode(ours), stdout: '', requests }
  }
}

test('the quick way, the full way, and the full way without the warm rule answer the same', async () => {
  const seen = { all: 0, quick: 0, warm: 0 }
  await fc.assert(
    fc.asyncProperty(drawn, async (one) => {
      prepare(one)
      Object.assign(rule, { isAsked: true, saidYes: false })
      const quick = await runQuick(one)
      const full = await runFull(one)
      if (quick) expect(full).toEqual(quick)
      if (rule.saidYes) {
        rule.isAsked = false
        expect(await runFull(one)).toEqual(full)
      }
      seen.all += 1
      if (quick) seen.quick += 1
      if (rule.saidYes) seen.warm += 1
    }),
    runs(200),
  )
  // Else the cases would show nothing.
  expect(seen.quick).toBeGreaterThan(seen.all / 8)
  expect(seen.warm).toBeGreaterThan(seen.quick)
})

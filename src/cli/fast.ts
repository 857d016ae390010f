/**
 * Where the program begins. A `token` or `credential-process` that needs nothing but reading is answered here, with
 * `fs`, `path`, `crypto` and the keychain's native part; whatever is not plain sailing, errors included, is left to
 * `main`.
 */
import { writeSync } from 'node:fs'
import { append } from '../audit/append.ts'
import { readCompiled } from '../config/compiled.ts'
import { findFolderFile, simpleFolderIdentity } from '../config/folder-file.ts'
import { parseDuration } from '../core/duration.ts'
import { type DaypassError, EXIT, isDaypassError } from '../core/errors.ts'
import { checkMinTtl, isUsable, stateOf } from '../core/freshness.ts'
import { isIdentityName } from '../core/names.ts'
import type { Endpoints, Grant, Header } from '../core/types.ts'
import { CLOUDS, type Cloud, credentialLine } from '../formats/credential-process.ts'
import { isBound, type TokenForm, tokenText } from '../formats/token.ts'
import { type Configured, checkBound, define } from '../identity/definition.ts'
import { bearersOf } from '../identity/environment.ts'
import { whichIdentity } from '../identity/select.ts'
import { paths } from '../platform/paths.ts'
import { defineOwnProvider } from '../providers/from-config.ts'
import { loadProvider, loadProviders } from '../providers/registry.ts'
import { grantFile } from '../vault/file-name.ts'
import { decodeHeader } from '../vault/header.ts'
import { openKey } from '../vault/keys.ts'
import { readOwnFile } from '../vault/read-file.ts'
import { openBody } from '../vault/seal.ts'
import { readState } from '../vault/state.ts'

interface Asked {
  verb: 'token' | 'credential-process'
  identity: string | undefined
  /** Of a token. */
  form: TokenForm
  minTtl: number
  /** Of keys. */
  format?: Cloud
}

type Compiled = NonNullable<ReturnType<typeof readCompiled>>

const { env } = process

/** `undefined`: nothing plain. */
function parse(argv: readonly string[]): Asked | undefined {
  const [verb, ...words] = argv[0] === 'auth' ? argv.slice(1) : argv
  if (verb !== 'token' && verb !== 'credential-process') return undefined
  const asked: Asked = { verb, identity: undefined, form: 'plain', minTtl: 0 }
  while (words.length > 0) {
    const word = words.shift()!
    const isFlag = verb === 'token' ? tokenFlag(asked, word, words) : formatFlag(asked, word, words)
    if (isFlag) continue
    const name = word === '-i' || word === '--identity' ? words.shift() : word
    if (asked.identity !== undefined || name === undefined || !isIdentityName(name)) return undefined
    asked.identity = name
  }
  return asked
}

/** False: it is none of these, or not for here. */
function tokenFlag(asked: Asked, word: string, words: string[]): boolean {
  if (word === '--min-ttl') asked.minTtl = parseDuration(words.shift() ?? '')
  else if ((word === '--header' || word === '--json') && asked.form === 'plain')
    asked.form = word === '--json' ? 'json' : 'header'
  else return false
  return true
}

function formatFlag(asked: Asked, word: string, words: string[]): boolean {
  const cloud = word === '--format' && CLOUDS.find((known) => known === words[0])
  if (!cloud) return false
  words.shift()
  asked.format = cloud
  return true
}

interface QuickAnswer {
  text: string
  identity: string
}

/** `undefined`: it takes more than reading. */
async function quickAnswer(asked: Asked): Promise<QuickAnswer | undefined> {
  if (!['auto', 'keychain', 'file'].includes(env.DAYPASS_STORE || 'auto')) return undefined
  const where = paths(env, process.platform)
  const compiled = readCompiled(where.config, `${where.dataDir}/config.compiled.json`)
  if (!compiled || compiled.keyring === 'memory') return undefined
  const name = await nameOf(asked, compiled, where.state)
  const text = name && readOwnFile(`${where.vault}/${grantFile(name)}`, report)
  if (!name || !text) return undefined
  const header = decodeHeader(text, name)
  if (!(await isGood(header, compiled, asked))) return undefined
  const key = await openKey(where.vault, header.key!, { report })
  const { credential } = openBody(text, name, key) as Grant
  // There is something to say of it.
  if (credential.kind === 'bearer' && isBound(credential)) return undefined
  const answer =
    asked.verb === 'token'
      ? tokenText(name, credential, asked.form, header.clockOffset)
      : credentialLine(name, credential, asked.format, header.clockOffset)
  return { text: answer, identity: name }
}

function report(message: string): void {
  try {
    writeSync(2, `! ${message}\n`)
  } catch {
    // Nobody reads it.
  }
}

async function nameOf({ identity }: Asked, compiled: Compiled, state: string): Promise<string | undefined> {
  if (identity !== undefined) return identity
  // A token of the environment stands in for whatever was not named.
  const own = Object.values(compiled.providers).some(
    ({ params }) => params.env !== undefined && env[params.env],
  )
  if (own || (mayHoldToken() && bearersOf(loadProviders(), env, 0).length > 0)) return undefined
  const { found, warnings } = env.DAYPASS_IDENTITY
    ? { found: undefined, warnings: [] }
    : findFolderFile(process.cwd(), process.getuid?.())
  const here = found && simpleFolderIdentity(found.text)
  if (warnings.length > 0 || (found && here === undefined)) return undefined
  const chosen = readState(state, report).default ?? compiled.default
  const resolved = whichIdentity({
    env: env.DAYPASS_IDENTITY,
    folder: here === undefined ? undefined : { identity: here, file: '' },
    fallback: chosen === undefined ? undefined : { identity: chosen, from: '' },
    environment: [],
    known: [],
  })
  return 'identity' in resolved ? resolved.identity : undefined
}

/** Of no built-in provider are they called otherwise, which spares us to read them all. */
const mayHoldToken = () => Object.keys(env).some((name) => name.endsWith('_TOKEN'))

/** Usable as it is, and still bound to the server that its definition names. */
async function isGood(header: Header, compiled: Compiled, { minTtl }: Asked): Promise<boolean> {
  const said = compiled.identities[header.name]
  const own = compiled.providers[header.provider]
  const provider = own
    ? defineOwnProvider(header.provider, { issuer: own.params.issuer })
    : loadProvider(header.provider)
  if (!provider || (said && said.provider !== header.provider)) return false
  if (header.home) return false
  // Keys of the configuration come first, and what is made from another identity is judged with it.
  if (said?.via !== undefined || said?.withheld.includes('access_key_id')) return false
  if (minTtl > 0) checkMinTtl(header, minTtl)
  const identity = said && plain(said)
  const configured = own && plain(own)
  if (identity === null || configured === null) return false
  checkBound(
    define(header.name, provider, {
      env,
      stored: header,
      ...(identity && { identity }),
      ...(configured && { provider: configured }),
    }),
    header,
  )
  const now = Date.now()
  const { margin } = provider.tokens.refresh
  return stateOf(header, now, margin) === 'valid' && isUsable(header, now, margin, minTtl)
}

const ENDPOINTS = ['authorization', 'token', 'revocation', 'device', 'userinfo', 'signin', 'oauth'] as const

/** null: something of it is read from the environment, which is the slow way's to do. */
function plain({
  params,
  env: fromEnv,
  endpoints,
}: Compiled['identities'][string] | Compiled['providers'][string]): Configured | null {
  if (fromEnv.issuer !== undefined) return null
  const found: Endpoints = {}
  for (const name of ENDPOINTS) {
    const value =
      endpoints[name] ?? endpoints[`${name === 'device' ? 'device_authorization' : name}_endpoint`]
    if (typeof value === 'object') return null
    if (value !== undefined) found[name] = value
  }
  return { params, endpoints: found }
}

/** Straight to the descriptor: `process.stdout` would load the network and stream modules first. */
function write(text: string): void {
  const bytes = Buffer.from(text)
  let written = 0
  try {
    while (written < bytes.length) written += writeSync(1, bytes, written)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // A full pipe that does not block is the stream's business; a reader that has gone is nobody's.
    if (code === 'EAGAIN') process.stdout.write(bytes.subarray(written))
    else if (code !== 'EPIPE') {
      process.stderr.write(`error: the answer could not be written (${code})\n`)
      process.exitCode = EXIT.vault
    }
  }
}

/** The record comes first; what takes time about it comes last. */
async function handOver({ verb }: Asked, { text, identity }: QuickAnswer): Promise<void> {
  const { audit } = paths(env, process.platform)
  const isTooLong = append(audit, { verb, identity }, env)
  write(`${text}\n`)
  if (isTooLong) await (await import('../audit/rotate.ts')).rotate(audit)
}

async function start(argv: readonly string[]): Promise<void> {
  let asked: Asked | undefined
  let answer: QuickAnswer | undefined
  let met: DaypassError | undefined
  try {
    asked = parse(argv)
    answer = asked && (await quickAnswer(asked))
  } catch (error) {
    // `main` meets the same trouble and knows how to say it; a keychain that hangs is waited for once.
    if (isDaypassError(error, 'keychain')) met = error
  }
  if (asked && answer) await handOver(asked, answer)
  else await (await import('./main.ts')).main(argv, met)
}

void start(process.argv.slice(2))

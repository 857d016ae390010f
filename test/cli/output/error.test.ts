import { chownSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../../src/core/secret.ts'
import { builtIn } from '../../../src/providers/index.ts'
import { type AuthorizationServer, type Fault, startAuthorizationServer } from '../../../src/testing/index.ts'
import { BROWSER, type RunOptions, type Sandbox, sandbox } from '../../kit/cli.ts'
import { at, change, copyOf, left, logIn } from '../story.ts'

const PROVIDERS = Object.keys(builtIn).join(', ')

let server: AuthorizationServer
let denying: AuthorizationServer
/** `work`, by browser; it is the default. */
let base: Sandbox
let held: Server

beforeAll(async () => {
  server = await startAuthorizationServer()
  denying = await startAuthorizationServer({ consent: 'deny' })
  base = sandbox()
  await logIn(base, server)
  held = createServer().listen(0, '127.0.0.1')
})

afterAll(async () => {
  held.close()
  await base.remove()
  await Promise.all([server.close(), denying.close()])
})

interface Row extends Pick<RunOptions, 'env' | 'input'> {
  /** Nobody is logged in. Default: `work` is. */
  nobody?: boolean
  config?: string
  setup?(one: Sandbox): unknown
  fault?: Fault
  /** Nothing is said before the error. */
  atOnce?: boolean
  /** Only root can give a file away. */
  root?: boolean
  /** Another row's business, or no verb to give the flag to. */
  noJson?: boolean
}

type Case = [title: string, argv: () => string, exit: number, code: string, text: string, row?: Row]

const closedPort = 65_533
const heldPort = () => (held.address() as { port: number }).port
const NEW = () => `login oidc new ${at(server).join(' ')}`
const browser = { BROWSER }

const vaultFile = (one: Sandbox, name: string) => join(one.daypassHome, 'vault', name)
const files = (one: Sandbox, like: RegExp) =>
  readdirSync(join(one.daypassHome, 'vault')).filter((name) => like.test(name))
const garbled = (one: Sandbox) => writeFileSync(vaultFile(one, 'work.grant'), 'garbage', { mode: 0o600 })
const keyless = (one: Sandbox) => {
  for (const name of files(one, /^key-/)) rmSync(vaultFile(one, name))
}
const over = (one: Sandbox) => left(one, 'work', -1000)
const movedTo = (token: string) => (one: Sandbox) =>
  change(one, 'work', ({ header, grant }) => ({
    header: { ...header, expiresAt: Date.now() - 1000, endpoints: { ...header.endpoints, token } },
    ...(grant && { grant }),
  }))
const unrenewable = async (one: Sandbox) => {
  await over(one)
  await change(one, 'work', ({ header, grant }) => ({
    header: { ...header, renewable: false },
    ...(grant && { grant }),
  }))
}
const staticKeys = (one: Sandbox) =>
  change(one, 'work', ({ header: { expiresAt: _, ...header } }) => ({
    header: { ...header, method: 'keys', renewable: false },
    grant: {
      credential: {
        kind: 'keys',
        cloud: 'aws',
        accessKeyId: 'AK',
        secretAccessKey: new Secret('SK'),
        issuedAt: Date.now(),
      },
    },
  }))
const ofAnotherUser = (one: Sandbox) => chownSync(vaultFile(one, 'work.grant'), 65_534, 65_534)

const NAMES = 'use 1 to 64 of A-Z a-z 0-9 . _ @ -, beginning with a letter or a digit'
const TOO_LATE = 'log in again, with --timeout 15m for more time'
const NO_STATE = 'that is not the answer to this login: state does not belong to this login'
const HAND_IN = 'log in again, and hand in the whole address that the page of that login ends at'
const TRY_AGAIN = 'that is the trouble of the server: try again in a while'
const json = { 'content-type': 'application/json' }

const CASES: Case[] = [
  ['no command', () => '', 2, 'usage', 'no command was given\ndaypass --help', { noJson: true }],
  [
    'an unknown verb',
    () => 'tokn',
    2,
    'usage',
    "unknown command 'tokn'\n(Did you mean token?)\ndaypass --help",
  ],
  [
    'half a verb',
    () => 'config',
    2,
    'usage',
    'no command was given\ndaypass config --help',
    { noJson: true },
  ],
  [
    'an unknown verb behind one',
    () => 'config pth',
    2,
    'usage',
    "unknown command 'pth'\n(Did you mean path?)\ndaypass config --help",
  ],
  ['help of nothing', () => 'help bogus', 2, 'usage', "unknown command 'bogus'\ndaypass --help"],
  [
    'an unknown flag',
    () => 'token --heder',
    2,
    'usage',
    "unknown option '--heder'\n(Did you mean --header?)\ndaypass token --help",
  ],
  [
    'a flag without its value',
    () => 'token --min-ttl',
    2,
    'usage',
    "option '--min-ttl <time>' argument missing\ndaypass token --help",
    { noJson: true },
  ],
  [
    'a word too many',
    () => 'token a b',
    2,
    'usage',
    "too many arguments for 'token'. Expected 1 argument but got 2\ndaypass token --help",
  ],
  [
    'an unknown method',
    () => `${NEW()} --method smoke`,
    2,
    'usage',
    "option '--method <method>' argument 'smoke' is invalid. Allowed choices are browser, paste, device, token, keys\ndaypass login --help",
  ],
  [
    'a shell nobody knows',
    () => 'completion tcsh',
    2,
    'usage',
    "command-argument value 'tcsh' is invalid for argument 'shell'. Allowed choices are zsh, bash, fish, powershell\ndaypass completion --help",
    { noJson: true },
  ],

  [
    'an unknown identity',
    () => 'token wrk',
    3,
    'not_found',
    'there is no identity "wrk", did you mean work\ndaypass list',
  ],
  [
    'an unknown one, when there is none',
    () => 'token wrk',
    3,
    'not_found',
    'there is no identity "wrk"\ndaypass login PROVIDER wrk',
    { nobody: true },
  ],
  [
    'an unknown one of the environment',
    () => 'token',
    3,
    'not_found',
    'there is no identity "wrk", did you mean work\ndaypass list',
    { env: { DAYPASS_IDENTITY: 'wrk' } },
  ],
  [
    'an unknown one to log out of',
    () => 'logout nobody',
    3,
    'not_found',
    'there is no identity "nobody"\ndaypass list',
  ],
  [
    'an unknown one to remove',
    () => 'remove nobody --yes',
    3,
    'not_found',
    'there is no identity "nobody"\ndaypass list',
  ],
  [
    'an unknown one to use',
    () => 'use nobody',
    3,
    'not_found',
    'there is no identity "nobody"\ndaypass list',
  ],
  [
    'an unknown one to use here',
    () => 'use nobody --here',
    3,
    'not_found',
    'there is no identity "nobody"\ndaypass list',
  ],
  [
    'an unknown provider',
    () => 'login githb',
    3,
    'not_found',
    `there is no provider "githb", did you mean github\nthe providers are: ${PROVIDERS}`,
  ],
  [
    'a started login that nobody started',
    () => 'login --finish 0123456789abcdef',
    3,
    'not_found',
    'there is no started login 0123456789abcdef; it may have expired\ndaypass login PROVIDER --start --json',
  ],
  [
    'a started login that is a path',
    () => 'login --finish ../../x',
    3,
    'not_found',
    'there is no started login ../../x; it may have expired\ndaypass login PROVIDER --start --json',
  ],

  [
    'selected by position and flag',
    () => 'token -i work work',
    2,
    'usage',
    'an identity was selected twice: work and work\nname it once, by position or with -i',
  ],
  [
    'selected by one flag twice',
    () => 'token -i work -i other',
    2,
    'usage',
    'an identity was selected twice: work and other\nname it once, by position or with -i',
  ],
  [
    'selected by two flags',
    () => 'status -i work --profile other',
    2,
    'usage',
    'an identity was selected twice: work and other\nname it once, by position or with -i',
  ],
  [
    'a name given twice',
    () => `${NEW()} --name other`,
    2,
    'usage',
    'the name was given twice\ngive it once: daypass login PROVIDER NAME',
  ],
  [
    'a name of ours',
    () => `login oidc __x ${at(server).join(' ')}`,
    2,
    'usage',
    `"__x" cannot be the name of an identity\n${NAMES}`,
  ],
  [
    'a name that is a path',
    () => `login oidc ../x ${at(server).join(' ')}`,
    2,
    'usage',
    `"../x" cannot be the name of an identity\n${NAMES}`,
  ],
  [
    'a token of a name that is a path',
    () => 'token ../x',
    2,
    'usage',
    `"../x" cannot be the name of an identity\n${NAMES}`,
  ],
  [
    'a bad duration',
    () => 'token --min-ttl soon',
    2,
    'usage',
    '--min-ttl "soon" is not a length of time\nwrite it like 90s, 10m, 1h30m or 12h',
  ],
  [
    'a bad timeout',
    () => `${NEW()} --timeout 5x`,
    2,
    'usage',
    '--timeout "5x" is not a length of time\nwrite it like 90s, 10m, 1h30m or 12h',
    { env: browser },
  ],
  [
    'a minimum that no renewal can meet',
    () => 'token --min-ttl 2h',
    2,
    'usage',
    '--min-ttl 2h is longer than this credential ever lives (1h)\nfor a program that runs longer: daypass exec --endpoint -- CMD',
  ],
  [
    'a bad port',
    () => `${NEW()} --port x`,
    2,
    'usage',
    '--port takes a number from 1 to 65535\nleave it out, and a free one is taken',
  ],
  [
    'two methods',
    () => `${NEW()} --no-browser --device`,
    2,
    'usage',
    'a login has one method, not paste and device\ngive one of --method, --no-browser, --device, --token-stdin',
  ],
  [
    'a method that is not offered',
    () => `${NEW()} --method keys`,
    2,
    'usage',
    'the method keys is not offered here, only browser, paste, device, token\ndaypass login oidc new --method browser',
  ],
  [
    'a parameter that the provider lacks',
    () => 'login github --region eu',
    2,
    'usage',
    'GitHub has no --region\nit has --client-id, --scopes',
  ],
  [
    'nothing to log in to',
    () => 'login',
    2,
    'usage',
    `no provider and no identity was named\ndaypass login PROVIDER, where PROVIDER is one of ${PROVIDERS}`,
  ],
  ['nobody to log out of', () => 'logout', 2, 'usage', 'no identity was named\ndaypass logout <identity>'],
  ['nobody to remove', () => 'remove', 2, 'usage', 'no identity was named\ndaypass remove <identity>'],
  ['nobody to use', () => 'use', 2, 'usage', 'no identity was named\ndaypass use <identity>'],
  [
    'a removal that nobody confirms',
    () => 'remove work',
    2,
    'usage',
    'removing work has to be confirmed\ndaypass remove work --yes',
  ],
  ['--unset with a name', () => 'use --unset work', 2, 'usage', '--unset stands alone\ndaypass use --unset'],
  [
    'no client id',
    () => `login oidc --issuer ${server.issuer}`,
    2,
    'usage',
    'no client id is known for OpenID Connect (oidc)\nregister a public (native) client with the redirect http://127.0.0.1/callback, PKCE and no secret\nthen name it: --client-id ID, DAYPASS_OIDC_CLIENT_ID, or client_id in config.yaml',
  ],
  [
    'no issuer',
    () => 'login oidc --client-id x',
    2,
    'usage',
    'OpenID Connect needs to know the server\ndaypass login oidc --issuer https://id.example.com',
  ],
  [
    'an issuer that is no URL',
    () => 'login oidc --client-id x --issuer nonsense',
    2,
    'configuration',
    'the issuer is not a URL\nwrite it like https://id.example.com',
  ],
  [
    'an issuer without TLS',
    () => 'login oidc --client-id x --issuer http://example.com',
    2,
    'configuration',
    'the issuer must be https, http://example.com is not\nplain http is for 127.0.0.1, [::1] and localhost only',
  ],
  [
    'a name that stands for another server',
    () => `login oidc work --issuer http://127.0.0.1:${closedPort}`,
    2,
    'usage',
    `work was logged in at http://127.0.0.1:{PORT}, and its definition says http://127.0.0.1:{PORT} now\ngive the new one a name of its own with --name, or replace this one with --force`,
  ],
  [
    'a name that stands for another provider',
    () => 'login github work --client-id x',
    2,
    'usage',
    'work is an identity of oidc\ngive the new one a name of its own with --name, or replace this one with --force',
  ],
  [
    'several, and no default',
    () => 'token',
    2,
    'usage',
    'no identity was named, and there is no default; there are: other, work\ndaypass use other   or   -i other',
    {
      setup: async (one) => {
        await logIn(one, server, 'other')
        await one.run(['use', '--unset'])
      },
    },
  ],
  [
    'a store that there is not',
    () => 'token',
    2,
    'usage',
    'DAYPASS_STORE is none of the stores there are\nDAYPASS_STORE is one of auto, keychain, file, memory',
    { env: { DAYPASS_STORE: 'cloud' } },
  ],
  [
    'an empty token',
    () => `${NEW()} --token-stdin`,
    2,
    'usage',
    'no token came on standard input\ndaypass login oidc --token-stdin < token.txt',
  ],
  [
    'a pasted answer with another state',
    () => `${NEW()} --no-browser`,
    2,
    'usage',
    `${NO_STATE}\n${HAND_IN}`,
    { input: 'http://127.0.0.1/callback?code=x&state=wrong\n' },
  ],
  [
    'a pasted refusal with another state',
    () => `${NEW()} --no-browser`,
    2,
    'usage',
    `${NO_STATE}\n${HAND_IN}`,
    { input: 'error=access_denied&state=wrong\n' },
  ],
  [
    'a pasted address that is the one to open',
    () => `${NEW()} --no-browser`,
    2,
    'usage',
    `that is not the answer to this login: that is the address to open; paste the one that the browser ended on\n${HAND_IN}`,
    { input: 'https://id/authorize?response_type=code&state=x\n' },
  ],

  [
    'static keys to log out of',
    () => 'logout work',
    2,
    'usage',
    'work has static keys, and there is nothing to log out of\ndaypass remove work',
    { setup: staticKeys },
  ],
  [
    'a token of cloud keys',
    () => 'token work',
    2,
    'usage',
    'work has cloud keys, not a token\nuse daypass env, daypass exec or daypass credential-process',
    { setup: staticKeys },
  ],
  [
    'an unknown key',
    () => 'token',
    2,
    'configuration',
    'config.yaml:2:3: unknown key "identites" in auth, did you mean "identities"\nmend it, then: daypass config validate',
    { config: 'auth:\n  identites: {}\n' },
  ],
  [
    'a wrong type',
    () => 'list',
    2,
    'configuration',
    'config.yaml:3:15: expected text in auth.identities.a.kind\nmend it, then: daypass config validate',
    { config: 'auth:\n  identities:\n    a: {kind: [1]}\n' },
  ],
  [
    'text that is not YAML',
    () => 'status',
    2,
    'configuration',
    'config.yaml:2:1: wrong indentation\nmend it, then: daypass config validate',
    { config: 'a: [\n' },
  ],
  [
    'several mistakes',
    () => 'config show',
    2,
    'configuration',
    'config.yaml:1:1: unknown key "defualt", did you mean "default"\ndaypass config validate shows this and 1 more',
    { config: 'defualt: x\nauht: {}\n' },
  ],
  [
    'a folder file that is wrong',
    () => 'token',
    2,
    'configuration',
    '.daypass.yaml:1:1: unknown key "identty", did you mean "identity"\nthe whole file is one line: identity: NAME',
    { setup: (one) => writeFileSync(join(one.home, '.daypass.yaml'), 'identty: work\n') },
  ],

  [
    'no identity at all',
    () => 'token',
    4,
    'login_required',
    'nobody is logged in\ndaypass login',
    { nobody: true },
  ],
  [
    'no identity to show',
    () => 'whoami',
    4,
    'login_required',
    'nobody is logged in\ndaypass login',
    { nobody: true },
  ],
  [
    'no identity to renew',
    () => 'refresh',
    4,
    'login_required',
    'nobody is logged in\ndaypass login',
    { nobody: true },
  ],
  [
    'an identity that was never logged in',
    () => 'token ci',
    4,
    'login_required',
    'ci needs a login: nothing is kept for it\ndaypass login ci',
    { config: 'auth: {identities: {ci: {kind: oidc/user, issuer: https://id.example.com}}}\n' },
  ],
  [
    'one that was logged out',
    () => 'token',
    4,
    'login_required',
    'work needs a login: it was logged out\ndaypass login work',
    { setup: (one) => one.run(['logout', 'work', '--local-only']).then(() => one.run(['use', 'work'])) },
  ],
  [
    'one that expired',
    () => 'token',
    4,
    'login_required',
    'work needs a login: it expired and cannot be renewed\ndaypass login work',
    { setup: unrenewable },
  ],
  [
    'one that expired, to renew',
    () => 'refresh',
    4,
    'login_required',
    'work needs a login: it expired and cannot be renewed\ndaypass login work',
    { setup: unrenewable },
  ],
  [
    'one whose definition names another server',
    () => 'token',
    4,
    'login_required',
    'work was logged in at http://127.0.0.1:{PORT}, and its definition says https://id.example.com now\ndaypass login work',
    { config: 'auth: {identities: {work: {kind: oidc/user, issuer: https://id.example.com}}}\n' },
  ],
  [
    'a grant that the server calls dead',
    () => 'token',
    4,
    'login_required',
    'work needs a login: 127.0.0.1:{PORT} answered 400 invalid_grant the [31m end\ndaypass login work',
    {
      setup: over,
      fault: {
        endpoint: 'refresh',
        status: 400,
        headers: json,
        body: '{"error":"invalid_grant","error_description":"the \\u001b[31m end"}',
      },
    },
  ],
  [
    'a 400 without a readable error',
    () => 'token',
    4,
    'login_required',
    'work needs a login: 127.0.0.1:{PORT} answered 400\ndaypass login work',
    { setup: over, fault: { endpoint: 'refresh', status: 400, body: 'what' } },
  ],
  [
    'nobody comes back to the browser',
    () => `${NEW()} --method browser --timeout 1s`,
    4,
    'login_required',
    `nobody finished the login within 1s\n${TOO_LATE}`,
  ],
  [
    'nobody enters the code',
    () => `${NEW()} --device --timeout 1s`,
    4,
    'login_required',
    `nobody finished the login within 1s\n${TOO_LATE}`,
  ],
  [
    'a browser that does not open, and no terminal',
    () => NEW(),
    4,
    'login_required',
    'no browser could be opened here, and there is no terminal\ndaypass login new --start --json, or daypass login new --no-browser',
    { env: { ...browser, SCRIPTED_BROWSER: 'fail' } },
  ],
  [
    'no browser and no terminal',
    () => `${NEW()} --issuer ${plain()}`,
    4,
    'login_required',
    'no terminal and no browser to log in with\ndaypass login oidc new --token-stdin, or daypass login oidc new --start --json, or daypass login oidc new --no-browser',
  ],
  [
    'the end of the input before a code',
    () => `${NEW()} --no-browser`,
    4,
    'login_required',
    'the input ended before a code was pasted\npipe in the address that the page ends at, or use two steps: daypass login … --start --json',
  ],
  [
    'a code that the server does not know',
    () => `${NEW()} --no-browser`,
    4,
    'login_required',
    '127.0.0.1:{PORT} answered 400 invalid_grant the code is not known\ndaypass login new',
    { input: 'not-a-code\n' },
  ],
  [
    'a token that the provider refuses',
    () => `${NEW()} --token-stdin`,
    4,
    'login_required',
    '127.0.0.1:{PORT} refused the token (401)\nmake a new one there, with the scopes that it needs, and log in with it',
    { input: 'bad\n' },
  ],

  [
    'a server that is down, and an expired token',
    () => 'token',
    5,
    'network',
    'cannot reach 127.0.0.1:{PORT}: connection refused\ncheck the network and HTTPS_PROXY, then try again',
    { setup: movedTo(`http://127.0.0.1:${closedPort}/token`) },
  ],
  [
    'a server that is down, to log in to',
    () => `login oidc new --client-id x --issuer http://127.0.0.1:${closedPort}`,
    5,
    'network',
    'cannot reach 127.0.0.1:{PORT}: connection refused\ncheck the network and HTTPS_PROXY, then try again',
    { env: browser },
  ],
  [
    'a server with troubles of its own',
    () => 'token',
    5,
    'network',
    `127.0.0.1:{PORT} answered 500\n${TRY_AGAIN}`,
    { setup: over, fault: { endpoint: 'refresh', status: 500 } },
  ],
  [
    'a server that has had enough',
    () => 'token',
    5,
    'network',
    `127.0.0.1:{PORT} answered 429\n${TRY_AGAIN}`,
    { setup: over, fault: { endpoint: 'refresh', status: 429 } },
  ],
  [
    'a renewal that fails',
    () => 'refresh',
    5,
    'network',
    `127.0.0.1:{PORT} answered 503\n${TRY_AGAIN}`,
    { setup: over, fault: { endpoint: 'refresh', status: 503 } },
  ],
  [
    'a renewal that fails while the token is good',
    () => 'refresh',
    5,
    'network',
    'work could not be renewed; what is left of it is still good\ndaypass refresh work',
    { setup: (one) => left(one, 'work', 30_000), fault: { endpoint: 'refresh', status: 503 } },
  ],
  [
    'an exchange that fails',
    () => NEW(),
    5,
    'network',
    `127.0.0.1:{PORT} answered 500\n${TRY_AGAIN}`,
    { env: browser, fault: { endpoint: 'code', status: 500 } },
  ],
  [
    'a port that is held',
    () => `${NEW()} --port ${heldPort()}`,
    5,
    'port',
    `cannot listen on 127.0.0.1: port {PORT} is ...\nend the program that holds the port, or use \`daypass login --no-browser\``,
    { env: browser },
  ],
  [
    'a record that is garbage',
    () => 'token',
    5,
    'vault',
    'the record of `work` cannot be opened: it was cut short\ndaypass login work (the old record is moved aside, not deleted)',
    { setup: garbled },
  ],
  [
    'a record that is garbage, to show',
    () => 'status work',
    5,
    'vault',
    'the record of `work` cannot be opened: it was cut short\ndaypass login work (the old record is moved aside, not deleted)',
    { setup: garbled },
  ],
  [
    'a record that is garbage, and its provider forgotten',
    () => 'login work',
    5,
    'vault',
    'the record of work cannot be read, so its provider is not known\ndaypass login PROVIDER work',
    { setup: garbled },
  ],
  [
    'a record that is a link',
    () => 'token',
    5,
    'vault',
    '{HOME}/daypass/vault/work.grant is refused: it is a symbolic link\nlook at it: ls -l {HOME}/daypass/vault/work.grant',
    {
      setup: (one) => {
        rmSync(vaultFile(one, 'work.grant'))
        symlinkSync('/etc/hosts', vaultFile(one, 'work.grant'))
      },
    },
  ],
  [
    'a record of another user',
    () => 'token',
    6,
    'refused',
    '{HOME}/daypass/vault/work.grant is refused: it belongs to another user (uid 65534)\nlook at what it holds, then: chown root {HOME}/daypass/vault/work.grant',
    { setup: ofAnotherUser, root: true },
  ],
  [
    'a key that is gone',
    () => 'token',
    5,
    'vault',
    'the key file {HOME}/daypass/vault/key-{ID} is missing\nbring it back from a backup, or give it up: remove {HOME}/daypass/vault/vault.json and log in again',
    { setup: keyless },
  ],
  [
    'a key that is gone, found out before the browser',
    () => 'login work',
    5,
    'vault',
    'the key file {HOME}/daypass/vault/key-{ID} is missing\nbring it back from a backup, or give it up: remove {HOME}/daypass/vault/vault.json and log in again',
    { setup: keyless, env: browser, atOnce: true },
  ],
  [
    'a damaged state',
    () => 'token',
    5,
    'vault',
    '{HOME}/daypass/state.json is damaged\nremove it, then: daypass use <identity>',
    { setup: (one) => writeFileSync(join(one.daypassHome, 'state.json'), 'x') },
  ],

  [
    'a consent that was denied',
    () => `login oidc new ${at(denying).join(' ')}`,
    6,
    'refused',
    'consent was denied (access_denied: the person said no)\nlog in again and agree; where the page does not let you, ask its administrator',
    { env: browser },
  ],
  [
    'a client that the server does not know',
    () => 'token',
    6,
    'refused',
    '127.0.0.1:{PORT} answered 401 invalid_client\ncheck the client id and the scopes: daypass login --help',
    {
      setup: over,
      fault: { endpoint: 'refresh', status: 401, headers: json, body: '{"error":"invalid_client"}' },
    },
  ],
]

/** An issuer of the same server that offers no device flow. */
let nodevice: AuthorizationServer
const plain = () => nodevice.issuer
beforeAll(async () => {
  nodevice = await startAuthorizationServer({ device: false })
})
afterAll(() => nodevice.close())

function normal(text: string, home: string): string {
  return text
    .replaceAll(home, '{HOME}')
    .replace(/127\.0\.0\.1:\d+|\bport \d+/g, (found) => found.replace(/\d+$/, '{PORT}'))
    .replace(/key-[0-9a-f]{16}/g, 'key-{ID}')
}

function sameAs(expected: string, actual: string, because: string): void {
  const pattern = expected
    .split('...')
    .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('.*')
  expect(actual, because).toMatch(new RegExp(`^${pattern}$`))
}

async function fail(argv: string, { nobody, config, setup, fault, env, input }: Row) {
  const one = copyOf(nobody ? { ...base, daypassHome: '/nowhere' } : base)
  await setup?.(one)
  if (config !== undefined) {
    mkdirSync(one.daypassHome, { recursive: true })
    writeFileSync(join(one.daypassHome, 'config.yaml'), config)
  }
  if (fault) server.failNext(fault)
  const result = await one.run(argv.split(' ').filter(Boolean), {
    ...(env && { env }),
    ...(input !== undefined && { input }),
  })
  return { ...result, stderr: normal(result.stderr, one.home) }
}

/** What each row is judged by is said in both forms; how the text is laid out is the same for a verb and a code. */
const laidOut = new Set<string>()
const isNew = (kind: string) => !laidOut.has(kind) && laidOut.add(kind)

async function expectText(argv: string, exit: number, text: string, row: Row): Promise<void> {
  const said = await fail(argv, row)
  const because = `${said.stdout}${said.stderr}`
  expect(said.code, because).toBe(exit)
  expect(said.stdout).toBe('')
  const [message = '', ...hint] = said.stderr
    .slice(said.stderr.indexOf('error: ') + 7)
    .trimEnd()
    .split('\n')
  sameAs(text, [message, ...hint.map((line) => line.replace(/^ {2}/, ''))].join('\n'), because)
  expect(hint, 'every error names the next command').not.toEqual([])
  expect(message).not.toMatch(/\.$/)
  if (row.atOnce) expect(said.stderr).toMatch(/^error: /)
  expect(said.stderr).not.toMatch(/^\s+at /m)
}

async function expectJson(argv: string, exit: number, code: string, text: string, row: Row): Promise<void> {
  const inJson = await fail(`${argv} --json`, row)
  expect(inJson.code, inJson.stderr).toBe(exit)
  expect(inJson.stdout).toBe('')
  const { error } = JSON.parse(inJson.stderr.trimEnd().split('\n').at(-1)!)
  expect(Object.keys(error)).toEqual(['code', 'message', 'hint'])
  expect(error.code).toBe(code)
  expect(error.message).not.toMatch(/\.$/)
  sameAs(text, `${error.message}\n${error.hint}`, inJson.stderr)
  expect(inJson.stderr).not.toMatch(/^\s+at /m)
}

test.each(CASES)(
  '%s: its exit code, what happened, and what to type next',
  async (_, argv, exit, code, text, row = {}) => {
    if (row.root && process.getuid?.() !== 0) return
    const words = argv()
    const asText = row.noJson || row.atOnce || isNew(`${words.split(' ')[0]} ${code}`)
    // One behind the other: a planned fault befalls whoever comes first.
    if (asText) await expectText(words, exit, text, row)
    if (!row.noJson) await expectJson(words, exit, code, text, row)
  },
)

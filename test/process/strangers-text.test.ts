/** What strangers wrote (arguments, folders, files, variables, servers), as it comes out of the program. */
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { BROWSER, type RunOptions, type Sandbox, sandbox } from '../kit/cli.ts'

/** Clears the screen, sets its title, paints, turns the direction of writing, hides, and is a C1 control. */
const NASTY = 'A\u001b[2JB\u001b]0;owned\u0007C\u009b31mD\u202eE\u200bF\u2066G\u{e0041}H\u007fI'
/** All but line breaks, which views have. */
const UNSAFE = /[^\P{Cc}\n\t]|[\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u

let one: Sandbox
let server: AuthorizationServer
let folder: string

beforeAll(async () => {
  one = sandbox()
  server = await startAuthorizationServer({
    user: { sub: `s${NASTY}`, name: NASTY, email: `${NASTY}@example.com`, login: NASTY },
  })
  folder = join(one.home, `clone${NASTY}`)
  mkdirSync(folder)
  writeFileSync(join(folder, '.daypass.yaml'), 'identity: work\n')
  chownSync(join(folder, '.daypass.yaml'), 65_534, 65_534)
  const logIn = ['login', 'oidc', 'work', '--issuer', server.issuer, '--client-id', server.clientId]
  const login = await one.run(logIn, { env: { BROWSER: `${process.execPath} ${BROWSER} %s`, DISPLAY: ':9' } })
  expect(login).toMatchObject({ code: 0 })
  expect(login.stderr + login.stdout).not.toMatch(UNSAFE)
})

afterAll(async () => {
  await server.close()
  await one.remove()
})

const inFolder = () => ({ cwd: folder })
const config = (text: string) => () => {
  const file = join(one.home, `config${NASTY.replace('/', '')}.yaml`)
  writeFileSync(file, text)
  return { env: { DAYPASS_CONFIG: file } }
}
const quoted = JSON.stringify(NASTY)

test.for<[string, string[], (() => RunOptions)?]>([
  ['an unknown command', [NASTY]],
  ['an unknown option', ['list', `--${NASTY}`]],
  ['an unknown identity', ['token', NASTY]],
  ['an address', ['fetch', NASTY]],
  ['a program', ['exec', 'work', '--', NASTY]],
  ['a folder whose file is another user’s', ['token'], inFolder],
  ['use --here', ['use', '--here', 'work'], () => ({ cwd: join(folder, 'own') })],
  ['DAYPASS_IDENTITY', ['token'], () => ({ env: { DAYPASS_IDENTITY: NASTY } })],
  ['DAYPASS_HOME', ['config', 'path'], () => ({ env: { DAYPASS_HOME: join(one.home, NASTY) } })],
  ['an upload prefix', ['login', 'cloudinary'], () => ({ env: { CLOUDINARY_UPLOAD_PREFIX: NASTY } })],
  [
    'a key of the configuration',
    ['config', 'validate'],
    config(`auth: { identities: { ${quoted}: {}, a: { kind: ${quoted} } } }`),
  ],
  ['a password in an address', ['token', '--api-url', 'https://me:hunter2@x.example:99999']],
  ['text that is no YAML', ['list'], config(`auth: [${NASTY}`)],
  ['what the server calls the person', ['list']],
  ['who it is', ['whoami', 'work']],
  ['what the server says', ['refresh', 'work', '--force'], fail],
])('%s', { concurrent: true }, async ([, args, options]) => {
  mkdirSync(join(folder, 'own'), { recursive: true })
  const more = options?.() ?? {}
  for (const words of [args, insertJson(args)]) {
    const { stdout, stderr, code } = await one.run(words, more)
    expect(stdout, `stdout ${code}`).not.toMatch(UNSAFE)
    expect(stderr, `stderr ${code}`).not.toMatch(UNSAFE)
    // Whatever is printed as JSON says what was there.
    for (const line of words === args
      ? []
      : `${stdout}${stderr}`.split('\n').filter((each) => each[0] === '{'))
      expect(JSON.parse(line)).toBeTypeOf('object')
    expect(stderr).not.toMatch(/unexpected failure|hunter2/)
  }
})

function fail(): RunOptions {
  const body = JSON.stringify({ error: `bad${NASTY}`, error_description: NASTY })
  server.failNext({ endpoint: 'refresh', times: 2, status: 400, body })
  return {}
}

/** Before `--`, which is another program's. */
function insertJson(args: readonly string[]): string[] {
  const stop = args.indexOf('--')
  return stop === -1 ? [...args, '--json'] : [...args.slice(0, stop), '--json', ...args.slice(stop)]
}

test('JSON has every character of it', async () => {
  const { stdout } = await one.run(['whoami', 'work', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ name_of_person: NASTY })
})

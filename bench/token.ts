/** Measures a warm `daypass token`. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuthorizationServer } from '../src/testing/authorization-server.ts'
import { loggedIn, type Store, withKeys } from './home.ts'
import { bareNode, inTurn, type Spread } from './measure.ts'
import { peers } from './peers.ts'
import { ms, type Section, spread, times } from './report.ts'

const ROUNDS = 40
const LIMITS = { file: 1.4, keychain: 1.75, identities: 1.1, keys: 1.1, aws: 0.1 }

const BARE = '`node -e 0`'
const row = (name: string, one: Spread, bare: Spread) => [
  name,
  ms(one.median),
  spread(one),
  times(one.median / bare.median),
]

export async function warmTokens(server: AuthorizationServer): Promise<Section> {
  const [one, ten, thousand] = await Promise.all([1, 10, 1000].map((many) => loggedIn(server, 'file', many)))
  const keys = await withKeys()
  const others = peers()
  const found = await inTurn<string>(
    {
      [BARE]: bareNode(),
      one: one!.daypass('token'),
      ten: ten!.daypass('token'),
      thousand: thousand!.daypass('token'),
      // Named explicitly, as AWS profiles name it.
      keys: keys.daypass('credential-process', 'bench'),
      ...others.programs,
    },
    ROUNDS,
  )
  const bare = found[BARE]!
  const keychain = inKeyring()
  return {
    title: 'A warm `daypass token`, a warm `daypass credential-process`',
    text: `${ROUNDS} rounds, all in turn; with the keychain in a round of its own, beside a bare Node of its own. \`credential-process\` hands out keys of AWS, its key in a file. ${
      others.missing.length > 0 ? `Not installed here, so not compared: ${others.missing.join(', ')}.` : ''
    }`.trim(),
    head: ['', 'median', 'half of the runs', 'bare Node'],
    rows: [
      row(BARE, bare, bare),
      row('key in a file', found.one!, bare),
      row('the same among 10 identities', found.ten!, bare),
      row('the same among 1,000 identities', found.thousand!, bare),
      keychain
        ? row('key in the keychain (gnome-keyring)', keychain.token, keychain.bare)
        : ['key in the keychain', 'not measured: dbus-run-session or gnome-keyring is not here', '', ''],
      row('`credential-process`', found.keys!, bare),
      ...Object.keys(others.programs).map((name) => row(name, found[name]!, bare)),
    ],
    limits: [
      limit('`token`, key in a file, to bare Node', found.one!, bare, LIMITS.file),
      ...(keychain
        ? [
            limit(
              '`token`, key in the keychain, to bare Node',
              keychain.token,
              keychain.bare,
              LIMITS.keychain,
            ),
          ]
        : []),
      limit('`token` among 1,000 identities, to one alone', found.thousand!, found.one!, LIMITS.identities),
      limit('`credential-process` to `token`, keys in files', found.keys!, found.one!, LIMITS.keys),
      ...(others.aws === undefined
        ? []
        : [limit(`\`credential-process\` to ${others.aws}`, found.keys!, found[others.aws]!, LIMITS.aws)]),
    ],
  }
}

const limit = (promise: string, one: Spread, other: Spread, most: number) =>
  ({ promise, measured: one.median / other.median, limit: most, unit: '×' }) as const

type Pair = Record<'bare' | 'token', Spread>

export async function pair(server: AuthorizationServer, store: Store): Promise<Pair> {
  const home = await loggedIn(server, store)
  return inTurn({ bare: bareNode(), token: home.daypass('token') }, ROUNDS)
}

/** The only argument of the bench when it calls itself inside a session with a keyring. */
export const IN_KEYRING = '--in-keyring'

/** Runs this program again in a session bus with its own keychain; the user's stays untouched. */
function inKeyring(): Pair | undefined {
  const unlock = 'printf bench | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1'
  const home = mkdtempSync(join(tmpdir(), 'daypass-bench-keyring-'))
  const env = { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_RUNTIME_DIR: home }
  const self = [process.execPath, process.argv[1]!, IN_KEYRING]
  const args = [
    '--',
    'sh',
    '-c',
    `command -v gnome-keyring-daemon >/dev/null || exit 9; ${unlock}; exec "$0" "$@"`,
  ]
  const { status, stdout, error } = spawnSync('dbus-run-session', [...args, ...self], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  rmSync(home, { recursive: true, force: true })
  if (error || status === 9) return undefined
  if (status !== 0) throw new Error('the bench inside the keyring session failed')
  return JSON.parse(stdout)
}

/**
 * `npm run bench`: what a warm `daypass token` costs beside a bare `node -e 0` of the same Node, interleaved, so that
 * whatever else the machine does hits both alike. With the key in a file, and in a real OS keychain.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDaypass } from '../src/index.ts'
import { startAuthorizationServer } from '../src/testing/authorization-server.ts'
import { scriptedBrowser } from '../src/testing/browser.ts'

const PAIRS = Number(process.env.BENCH_PAIRS ?? 40)
const LIMITS = { file: 1.4, keychain: 1.75 }
const CLI = join(import.meta.dirname, '../dist/cli.cjs')

type Store = keyof typeof LIMITS

function cleanEnvironment(home: string): Record<string, string> {
  // Costs every start of Node 20 some 40 ms, whatever the program does.
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env as Record<string, string>
  return { ...env, DAYPASS_HOME: home }
}

function milliseconds(args: readonly string[], env: Record<string, string>): number {
  const began = process.hrtime.bigint()
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
  return Number(process.hrtime.bigint() - began) / 1e6
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!

async function logIn(home: string, store: Store) {
  const server = await startAuthorizationServer({})
  const browser = scriptedBrowser()
  const env = { ...process.env, DAYPASS_HOME: home, DAYPASS_STORE: store, BROWSER: 'true' }
  const quiet = { interactive: false, say() {}, warn() {}, busy: () => () => {} } as never
  const daypass = createDaypass({ env, host: { openBrowser: browser.openBrowser, terminal: quiet } })
  const given = { params: { issuer: server.issuer }, clientId: server.clientId }
  const { store: kept } = await daypass.login('oidc', { name: 'bench', method: 'browser', given })
  await server.close()
  if (kept !== store) throw new Error(`the key lies in the ${kept}, not in the ${store}`)
}

async function measure(store: Store) {
  const home = mkdtempSync(join(tmpdir(), 'daypass-bench-'))
  try {
    await logIn(home, store)
    const env = cleanEnvironment(home)
    const bare: number[] = []
    const token: number[] = []
    for (let pair = 0; pair < PAIRS + 3; pair++) {
      const one = milliseconds(['-e', '0'], env)
      const other = milliseconds([CLI, 'token', 'bench'], env)
      // The first ones warm the disk's cache.
      if (pair >= 3) {
        bare.push(one)
        token.push(other)
      }
    }
    const [a, b] = [median(bare), median(token)]
    const within = b / a <= LIMITS[store]
    console.log(
      `warm token, key in ${store.padEnd(8)}  ${b.toFixed(1)} ms   bare node ${a.toFixed(1)} ms   ${(b / a).toFixed(2)} ×   (${within ? 'within' : 'OVER'} ${LIMITS[store]} ×)`,
    )
    return within
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** A keychain of our own, so that nobody's real one is touched: the bench runs again inside a session bus. */
function inKeyring(): boolean {
  const script =
    'printf bench | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$0" "$@"'
  const home = mkdtempSync(join(tmpdir(), 'daypass-bench-home-'))
  const env = {
    ...process.env,
    HOME: home,
    XDG_DATA_HOME: home,
    XDG_RUNTIME_DIR: home,
    BENCH_STORE: 'keychain',
  }
  const args = ['--', 'sh', '-c', script, process.execPath, ...process.argv.slice(1)]
  const { status, error } = spawnSync('dbus-run-session', args, { env, stdio: 'inherit' })
  rmSync(home, { recursive: true, force: true })
  if (error)
    console.log('warm token, key in keychain  NOT MEASURED: dbus-run-session and gnome-keyring are not here')
  return error !== undefined || status === 0
}

console.log(process.env.BENCH_STORE ? '' : `node ${process.version}, ${PAIRS} interleaved pairs, medians\n`)
if (process.env.BENCH_STORE) process.exitCode = (await measure('keychain')) ? 0 : 1
else {
  const file = await measure('file')
  process.exitCode = file && inKeyring() ? 0 : 1
}

/**
 * `npm test`: runs everything, on a machine that has only Node 20.
 *
 *     npm test                            on this Node, and what depends on the Node also on Node 24
 *     npm test -- --node current          only on this Node (or 20, or 24)
 *     npm test -- test/vault -t rotates   passes the other arguments to vitest
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildCli } from './build.mjs'
import { check } from './check.mjs'
import { providePrograms } from './debian.mjs'
import { provideNode24 } from './node24.mjs'

const ROOT = resolve(fileURLToPath(import.meta.url), '../..')
const say = (text) => console.error(`test: ${text}`)

/** Draws a frame around lines that the reader must not overlook. */
function framed(lines) {
  const width = Math.max(...lines.map((line) => line.length))
  const rule = '#'.repeat(width + 6)
  console.error([rule, ...lines.map((line) => `## ${line.padEnd(width)} ##`), rule].join('\n'))
}

function parse(args) {
  const at = args.indexOf('--node')
  if (at === -1) return { node: 'both', rest: args }
  const node = args[at + 1] ?? ''
  if (!['20', '24', 'current'].includes(node)) throw new Error('--node is 20, 24 or current')
  return { node, rest: args.toSpliced(at, 2) }
}

function programs() {
  if (process.platform === 'win32')
    framed(['This is Windows: what needs a POSIX system is SKIPPED. The list stands in vitest.config.ts.'])
  const absent = providePrograms(say)
  if (absent.length === 0) return
  framed([
    'These programs are missing and could not be installed,',
    'so the tests that need them are SKIPPED:',
    '',
    ...absent.map(({ command, tests }) => `${command}: ${tests}`),
  ])
}

/** Returns the folders whose `node` runs the suite. */
function nodes(wanted) {
  const major = Number(process.versions.node.split('.')[0])
  const current = { label: `Node ${process.version}`, folder: dirname(process.execPath) }
  if (wanted === 'current' || Number(wanted) === major) return [current]
  if (wanted === '20')
    throw new Error(`this is Node ${process.version}: --node 20 must be started by Node 20`)
  try {
    const other = major === 24 ? [] : [{ label: 'Node 24', folder: provideNode24(ROOT) }]
    return wanted === '24' ? other : [current, ...other]
  } catch (error) {
    if (process.env.CI || wanted === '24') throw error
    framed(['NODE 24 COULD NOT BE FETCHED: the suite runs on this Node only.', ...error.message.split('\n')])
    return [current]
  }
}

/**
 * Tests that do not depend on the Node run only on the first one: computed and shown values, the vendors'
 * rules, the order of steps at which a process is killed or a disk fails, other tools' files, the content of
 * the package. Tests that use the kernel, crypto, HTTP, streams, signals, terminals or locks run on both.
 * `--node 24` runs all of them.
 */
const ONCE = [
  'test/{config,core,formats,identity,package,peers,providers,stand-ins,testing,tools,trust}/**',
  'test/{architecture,coming-from,security}.test.ts',
  'test/{browser,login}/chromium.test.ts',
  'test/cli/{aws-tools,flags,help,keys,leak}.test.ts',
  'test/cli/{commands,output}/**',
  'test/client/{alibaba,aws,cloudinary}-*.test.ts',
  'test/client/{advice,cloudinary,for-host,hosts,import-role,list,login,login-name,passport,strict,take-over,tenants,tied,warm.property}.test.ts',
  'test/process/*leak.test.ts',
  'test/process/{broken,full,killed}-*.test.ts',
  'test/process/{alibaba-crowd,audit,aws-crowd,aws-shared,cloudinary,flood,passport}.test.ts',
  'test/process/{damaged,external-store,files-removed,keychain,large-answers,peers,record-version}.test.ts',
  'test/process/{silent-bus,strangers-text,surroundings,unexpected-file-types}.test.ts',
  'test/terminal/{alibaba,aws,one-login,shell}.test.ts',
]

/** Runs the suite on one Node; its child processes use the same Node. */
async function suite({ label, folder }, args, without) {
  say(`the suite on ${label}${without.length > 0 ? `, without ${without.join(' ')}` : ''}`)
  const scratch = mkdtempSync(join(tmpdir(), 'daypass-suite-'))
  const report = join(scratch, 'report.json')
  const env = { ...process.env, DAYPASS_BUILT: '1', DAYPASS_TEST_REPORT: report }
  // For files of which only a part runs on the second Node.
  if (without.length > 0) env.DAYPASS_TEST_AGAIN = '1'
  env.PATH = [folder, env.PATH].join(delimiter)
  // This variable adds 40 ms to every start of Node 20. Only npm uses the network, and it gets the setting.
  if (env.NODE_EXTRA_CA_CERTS) env.DAYPASS_TEST_CA = env.NODE_EXTRA_CA_CERTS
  delete env.NODE_EXTRA_CA_CERTS
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const reporters = ['--reporter=default', `--reporter=${join(ROOT, 'scripts/reporter.mjs')}`]
  const node = join(folder, process.platform === 'win32' ? 'node.exe' : 'node')
  const command = [vitest, 'run', ...reporters, ...without.map((files) => `--exclude=${files}`), ...args]
  const [status] = await once(spawn(node, command, { cwd: ROOT, env, stdio: 'inherit' }), 'close')
  const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : { ...NOTHING, broken: 1 }
  rmSync(scratch, { recursive: true, force: true })
  return { label, ok: status === 0, ...counts }
}

const NOTHING = { passed: 0, failed: 0, skipped: [], broken: 0 }

function close(results, checked) {
  const sum = (count) => results.reduce((total, result) => total + count(result), 0)
  const [passed, failed, skipped] = [sum((r) => r.passed), sum((r) => r.failed), sum((r) => r.skipped.length)]
  const broken = sum((r) => r.broken)
  for (const { label, skipped: list } of results) {
    for (const { name, why } of list) say(`skipped on ${label}: ${name} (${why})`)
  }
  if (broken > 0) say(`${broken} test file(s) could not run, or an error came from outside a test`)
  if (passed + failed === 0) say('NO TEST WAS RUN, which is a failure')
  if (!checked) say('lint, format or types complained: see above')
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  const good = checked && passed > 0 && failed === 0 && results.every(({ ok, broken }) => ok && broken === 0)
  return good ? 0 : 1
}

async function main() {
  const { node, rest } = parse(process.argv.slice(2))
  programs()
  await buildCli(ROOT)
  // Runs beside the suite, because it keeps only one core busy. It prints only failures.
  const checking = check()
  const results = []
  // Files named on the command line all run.
  for (const [index, one] of nodes(node).entries())
    results.push(await suite(one, rest, index > 0 && rest.length === 0 ? ONCE : []))
  return close(results, await checking)
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    say(`stopped: ${error.message}`)
    process.exitCode = 1
  },
)

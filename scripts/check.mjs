/** Checks lint, format and types. It is `npm run check`, and a part of `npm test`. */
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = resolve(fileURLToPath(import.meta.url), '../..')

// Rules that need types. biome checks everything else.
const PROMISES = ['no-floating-promises', 'no-misused-promises', 'await-thenable', 'only-throw-error']

const CHECKS = [
  ['biome', 'ci', '--error-on-warnings', '--diagnostic-level=warn', '--colors=off'],
  [
    'oxlint',
    '--type-aware',
    '-A',
    'all',
    ...PROMISES.flatMap((rule) => ['-D', `typescript/${rule}`]),
    ...['src', 'test', 'scripts', 'bench', 'demo'],
  ],
  ['tsc', '--noEmit', '-p', '.'],
  // Finds unused code and dependencies.
  ['knip', '--no-progress'],
]

function run([tool, ...args]) {
  const child = spawn(join(ROOT, 'node_modules/.bin', tool), args, {
    cwd: ROOT,
    shell: process.platform === 'win32',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk
    })
  return new Promise((done) => {
    child.on('error', (error) => done({ tool, ok: false, output: error.message }))
    child.on('close', (code) => done({ tool, ok: code === 0, output }))
  })
}

/** Runs the checks side by side and shows only those that fail. Returns true if all pass. */
export async function check() {
  const results = await Promise.all(CHECKS.map(run))
  for (const { tool, ok, output } of results) if (!ok) console.error(`\n--- ${tool}\n${output.trimEnd()}`)
  const wrong = results.filter(({ ok }) => !ok).map(({ tool }) => tool)
  console.error(
    wrong.length > 0 ? `\ncheck: ${wrong.join(', ')} complained` : 'check: lint, format and types are fine',
  )
  return wrong.length === 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = (await check()) ? 0 : 1

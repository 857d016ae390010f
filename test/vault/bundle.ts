import { mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

/** Bundles the worker as the CLI is bundled: one CommonJS file, the native packages beside it. */
export async function bundleWorker(packages = resolve('node_modules')): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'daypass-worker-'))
  symlinkSync(packages, join(folder, 'node_modules'))
  const outfile = join(folder, 'worker.cjs')
  const { warnings } = await build({
    entryPoints: [resolve('test/vault/worker.ts')],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    outfile,
    define: { 'import.meta.url': '__filename' },
    logLevel: 'silent',
  })
  if (warnings.length > 0) throw new Error(`esbuild warns: ${warnings[0]!.text}`)
  return outfile
}

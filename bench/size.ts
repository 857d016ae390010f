/** Measures the size of the download and of the installation. */
import { spawnSync } from 'node:child_process'
import { ROOT } from './home.ts'
import type { Section } from './report.ts'

interface Packed {
  size: number
  unpackedSize: number
  files: { path: string; size: number }[]
}

export function size(): Section {
  const args = ['pack', '--dry-run', '--ignore-scripts', '--json']
  const { stdout, status } = spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw new Error('npm pack failed')
  const [packed] = JSON.parse(stdout) as [Packed]
  const of = (wanted: RegExp) =>
    packed.files.filter(({ path }) => wanted.test(path)).reduce((sum, file) => sum + file.size, 0)
  const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} KB`
  return {
    title: 'The package',
    text: 'Without the two optional native packages; with them a test allows 12 packages and 15 MB.',
    head: ['', 'size'],
    rows: [
      ['the tarball', kilobytes(packed.size)],
      ['unpacked', kilobytes(packed.unpackedSize)],
      ['the command line (`*.cjs`)', kilobytes(of(/\.cjs$/))],
      ['what a warm `token` reads of it (`cli.cjs`)', kilobytes(of(/\/cli\.cjs$/))],
      ['the library (`*.mjs`)', kilobytes(of(/\.mjs$/))],
      ['its types (`*.d.mts`)', kilobytes(of(/\.d\.mts$/))],
    ],
  }
}

import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Shells, terminals, signals, modes of files, and a browser that is a script. `npm test` says that they are left out. */
const POSIX = [
  'test/{browser,cli,peers,process,terminal}/**',
  'test/config/{compiled,folder-file}.test.ts',
  'test/providers/contributing.test.ts',
  'test/platform/{browser,terminal,defer-signals}.test.ts',
  'test/testing/{browser,cli-kit}.test.ts',
  'test/vault/{disk,keychain,lock}.test.ts',
]

const source = (file: string) => resolve(import.meta.dirname, 'src', file)

/** For what hangs. A machine that is busy with other things may take ten times as long as usual. */
const LIMIT = 180_000

/** Folders whose tests start many programs. Begun last, they would run alone in the end, with a core idle. */
const LONG = /\btest\/(process|cli|package|peers|terminal|browser)\//

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const [long, short] = [true, false].map((wanted) =>
      files.filter(({ moduleId }) => LONG.test(moduleId) === wanted),
    )
    return [...(await super.sort(long!)), ...(await super.sort(short!))]
  }
}

export default defineConfig({
  // A test that shows how the package is used imports it by its name.
  resolve: {
    alias: [
      { find: /^daypass$/, replacement: source('index.ts') },
      { find: /^daypass\/(testing|vault)$/, replacement: source('$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(process.platform === 'win32' ? POSIX : [])],
    globalSetup: ['test/setup.ts'],
    setupFiles: ['test/fuzz.ts'],
    // Property tests that were told to draw many cases take their time.
    testTimeout: process.env.FUZZ_RUNS ? 24 * 3_600_000 : LIMIT,
    hookTimeout: LIMIT,
    // A loaded machine starts a process in seconds, not in one.
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    // Loading the sources anew costs each file a third of a second: a worker keeps them, and runs one file at a time.
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    // More than there are cores, for a test mostly waits for processes that it started.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    sequence: { sequencer: LongestFirst },
  },
})

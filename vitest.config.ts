import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup.ts'],
    setupFiles: ['test/fuzz.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // A loaded machine starts a process in seconds, not in one.
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
  },
})

import { resolve } from 'node:path'

/**
 * Builds the CLI once before the suite, unless `DAYPASS_BUILT=1` says that it was just built. A build that fails
 * takes yesterday's file away and is said loudly; tests that need no CLI still run.
 */
export async function setup(): Promise<void> {
  if (process.env.DAYPASS_BUILT === '1') return
  const root = resolve(import.meta.dirname, '..')
  // A plain script has no types of its own.
  const script: string = '../scripts/build.mjs'
  const { buildCli } = (await import(script)) as { buildCli(root: string): Promise<void> }
  await buildCli(root).catch((error: Error) => {
    process.stderr.write(`\nTHE CLI DOES NOT BUILD; every test that runs it will fail:\n${error.message}\n\n`)
  })
}

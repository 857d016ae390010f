/**
 * Property tests draw the same cases in every run. `FUZZ_SEED=7 npm test` draws others, `FUZZ_RUNS=100000 npm test`
 * so many of each.
 */
import fc from 'fast-check'

const { FUZZ_SEED = '1', FUZZ_RUNS } = process.env

/** How many cases a property draws: what it usually does, or what was asked for. */
export const runs = (usual: number) => ({ numRuns: Number(FUZZ_RUNS ?? usual) })

fc.configureGlobal({ seed: Number(FUZZ_SEED), ...runs(100) })

/** Measures many processes that need one single-use refresh token at the same time. */
import { startAuthorizationServer } from '../src/testing/authorization-server.ts'
import { type Home, loggedIn } from './home.ts'
import { bareNode, type Program, run, spreadOf } from './measure.ts'
import { ms, type Section, spread, times } from './report.ts'

const CROWD = 100
const ROUNDS = 5

/** Returns the milliseconds until the last one has ended. Throws unless all got the same answer. */
async function crowd(program: Program): Promise<number> {
  const began = performance.now()
  const answers = await Promise.all(Array.from({ length: CROWD }, () => run(program)))
  const took = performance.now() - began
  if (new Set(answers).size !== 1) throw new Error('not all of the crowd were given the same token')
  return took
}

async function stale(home: Home): Promise<number> {
  await home.expire()
  return crowd(home.daypass('token'))
}

export async function crowds(): Promise<Section> {
  const server = await startAuthorizationServer({ refresh: 'revoke-family' })
  const home = await loggedIn(server, 'file')
  const found = { bare: [] as number[], warm: [] as number[], stale: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    found.bare.push(await crowd(bareNode()))
    found.warm.push(await crowd(home.daypass('token')))
    found.stale.push(await stale(home))
  }
  const { refreshes, reuses } = server.stats()
  await server.close()
  if (refreshes < ROUNDS) throw new Error('a crowd with a stale token was not given a new one')
  const warm = spreadOf(found.warm)
  const row = (name: string, values: readonly number[]) => {
    const one = spreadOf(values)
    return [name, ms(one.median), spread(one), times(one.median / warm.median)]
  }
  return {
    title: `${CROWD} processes at once`,
    text: `${ROUNDS} rounds, in turn; the time until the last of ${CROWD} has ended. The server's refresh tokens are single-use: one that is presented twice ends the login. It lives in the process that measures, on the same cores.`,
    head: ['', 'median', 'half of the rounds', 'warm'],
    rows: [
      row('`node -e 0`', found.bare),
      row('`daypass token`, warm', found.warm),
      row('`daypass token`, stale', found.stale),
    ],
    limits: [
      {
        promise: 'renewals for each crowd with a stale token',
        measured: refreshes / ROUNDS,
        limit: 1,
        unit: '',
      },
      { promise: 'refresh tokens presented twice', measured: reuses, limit: 0, unit: '' },
    ],
  }
}

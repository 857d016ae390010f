/** Measures `daypass list`, which does not use the fast path. */
import type { AuthorizationServer } from '../src/testing/authorization-server.ts'
import { loggedIn } from './home.ts'
import { bareNode, inTurn } from './measure.ts'
import { ms, type Section, spread, times } from './report.ts'

const ROUNDS = 20
const LIMIT = 3

export async function lists(server: AuthorizationServer): Promise<Section> {
  const ten = await loggedIn(server, 'file', 10)
  const thousand = await loggedIn(server, 'file', 1000)
  const found = await inTurn(
    {
      '`node -e 0`': bareNode(),
      '`daypass --version`': ten.daypass('--version'),
      '`daypass list`, 10 identities': ten.daypass('list'),
      '`daypass list`, 1,000 identities': thousand.daypass('list'),
    },
    ROUNDS,
  )
  const bare = found['`node -e 0`'].median
  const few = found['`daypass list`, 10 identities'].median
  const many = found['`daypass list`, 1,000 identities'].median
  return {
    title: '`daypass list`',
    text: `${ROUNDS} rounds, all in turn. Each identity is a file of its own; nothing is opened with the key.`,
    head: ['', 'median', 'half of the runs', 'bare Node'],
    rows: Object.entries(found).map(([name, one]) => [
      name,
      ms(one.median),
      spread(one),
      times(one.median / bare),
    ]),
    limits: [{ promise: '`list` of 1,000 to `list` of ten', measured: many / few, limit: LIMIT, unit: '×' }],
  }
}

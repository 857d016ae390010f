/** Measures the peak memory of a process. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuthorizationServer } from '../src/testing/authorization-server.ts'
import { loggedIn } from './home.ts'
import { logIn, loginProgram } from './login.ts'
import { bareNode, type Program, run, spreadOf } from './measure.ts'
import type { Section } from './report.ts'

const ROUNDS = 5

/** Loaded first, and only by the measured process. It writes the peak when the process exits. */
const WITNESS = `process.on('exit', () => require('fs').writeFileSync(process.env.BENCH_PEAK, String(process.resourceUsage().maxRSS)))`

type Deed = (watched: (program: Program) => Program) => Promise<unknown>

export async function memory(server: AuthorizationServer): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'daypass-bench-peak-'))
  const [witness, peak] = [join(folder, 'witness.cjs'), join(folder, 'peak')]
  writeFileSync(witness, WITNESS)
  const watched = ({ command: [node, ...args], env }: Program): Program => ({
    command: [node, '--require', witness, ...args],
    env: { ...env, BENCH_PEAK: peak },
  })
  const megabytes = async (deed: Deed) => {
    const seen: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await deed(watched)
      seen.push(Number(readFileSync(peak, 'utf8')) / 1024)
    }
    return spreadOf(seen).median
  }
  const found: [string, number][] = []
  for (const [name, deed] of Object.entries(await deeds(server))) found.push([name, await megabytes(deed)])
  rmSync(folder, { recursive: true, force: true })
  const bare = found[0]![1]
  return {
    title: 'Memory',
    text: `The most that the process held at any moment (its largest resident set), the median of ${ROUNDS}.`,
    head: ['', 'at most', 'more than bare Node'],
    rows: found.map(([name, size]) => [name, `${size.toFixed(0)} MB`, `${(size - bare).toFixed(0)} MB`]),
  }
}

async function deeds(server: AuthorizationServer): Promise<Record<string, Deed>> {
  const one = await loggedIn(server, 'file')
  const thousand = await loggedIn(server, 'file', 1000)
  return {
    '`node -e 0`': (watched) => run(watched(bareNode())),
    '`daypass token`, warm': (watched) => run(watched(one.daypass('token'))),
    '`daypass token`, renewing': async (watched) => {
      await one.expire()
      await run(watched(one.daypass('token')))
    },
    '`daypass list`, 1,000 identities': (watched) => run(watched(thousand.daypass('list'))),
    '`daypass login`': (watched) => logIn(watched(loginProgram(server))),
  }
}

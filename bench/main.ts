/**
 * `npm run bench`: measures what daypass costs, beside bare Node and its peers in the same run. `-- --write`
 * writes docs/benchmarks.md, `-- endpoint` measures only that part. Exit code 1 where a limit is exceeded.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AuthorizationServer, startAuthorizationServer } from '../src/testing/authorization-server.ts'
import { crowds } from './crowd.ts'
import { endpoint } from './endpoint.ts'
import { ROOT, removeHomes } from './home.ts'
import { lists } from './list.ts'
import { logins } from './login.ts'
import { machine } from './machine.ts'
import { memory } from './memory.ts'
import { isWithin, page, type Section } from './report.ts'
import { size } from './size.ts'
import { IN_KEYRING, pair, warmTokens } from './token.ts'

const about = (where: string) => `Written by \`npm run bench -- --write\`; not by hand.

- when: ${new Date().toISOString().slice(0, 10)}
- where: ${where}

How to read it: the milliseconds are this machine's; what is promised are the ratios, which hold on others. Whatever
is compared ran in turn, so that whatever else the machine did hit all alike. "Half of the runs" are the quarters
around the median: where they lie far apart, the machine was busy, and the figures are worth less. The bench ends with
exit 1 where a promise is not kept.`

async function withServer<T>(work: (server: AuthorizationServer) => Promise<T>): Promise<T> {
  const server = await startAuthorizationServer()
  try {
    return await work(server)
  } finally {
    await server.close()
  }
}

async function measured(server: AuthorizationServer, wanted: readonly string[]): Promise<Section[]> {
  const sections: Section[] = []
  const all = { warmTokens, lists, logins, crowds, endpoint, memory, size }
  for (const [name, measure] of Object.entries(all)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    console.error(`bench: ${name} …`)
    sections.push(await measure(server))
  }
  return sections
}

async function main(args: readonly string[]): Promise<number> {
  const where = machine()
  const wanted = args.filter((word) => !word.startsWith('-'))
  const sections = await withServer((server) => measured(server, wanted))
  const text = page(about(where), sections)
  console.log(text)
  if (args.includes('--write')) writeFileSync(join(ROOT, 'docs/benchmarks.md'), text)
  return sections.flatMap(({ limits = [] }) => limits).every(isWithin) ? 0 : 1
}

const args = process.argv.slice(2)
try {
  if (args.includes(IN_KEYRING)) {
    console.log(JSON.stringify(await withServer((server) => pair(server, 'keychain'))))
  } else process.exitCode = await main(args)
} finally {
  removeHomes()
}

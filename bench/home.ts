/** A user's home with identities in it, and the program as that user runs it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Entry } from '../src/core/types.ts'
import { createDaypass } from '../src/index.ts'
import type { AuthorizationServer } from '../src/testing/authorization-server.ts'
import { scriptedBrowser } from '../src/testing/browser.ts'
import { diskVault } from '../src/vault/open-vault.ts'
import { cleanEnvironment, type Program } from './measure.ts'

export const ROOT = join(import.meta.dirname, '..')
const CLI = join(ROOT, 'dist/cli.cjs')

export type Store = 'file' | 'keychain'

export interface Home {
  env: Record<string, string>
  /** `daypass` with these words. */
  daypass(...words: string[]): Program
  /** The token of its identity has run out; the refresh token has not. */
  expire(): Promise<void>
}

const homes: string[] = []

export function newHome(store: Store = 'file'): Home & { folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'daypass-bench-'))
  homes.push(folder)
  const env = cleanEnvironment({ HOME: folder, DAYPASS_HOME: folder, DAYPASS_STORE: store })
  const vault = diskVault(join(folder, 'vault'), { wanted: store })
  return {
    folder,
    env,
    daypass: (...words) => ({ command: [process.execPath, CLI, ...words], env }),
    expire: async () => vault.write(ended((await vault.read('bench'))!)),
  }
}

function ended({ header, grant }: Entry): Entry {
  const times = { issuedAt: Date.now() - 7_200_000, expiresAt: Date.now() - 3_600_000 }
  const credential = grant && { ...grant.credential, ...times }
  return { header: { ...header, ...times }, ...(grant && credential && { grant: { ...grant, credential } }) }
}

/** A home that is logged in as `bench`, and as others that are its copies until there are so many. */
export async function loggedIn(server: AuthorizationServer, store: Store, identities = 1): Promise<Home> {
  const home = newHome(store)
  const terminal = { interactive: false, say() {}, warn() {}, busy: () => () => {} } as never
  const { openBrowser } = scriptedBrowser()
  const daypass = createDaypass({ env: { ...home.env, BROWSER: 'true' }, host: { openBrowser, terminal } })
  const given = { params: { issuer: server.issuer }, clientId: server.clientId }
  const { store: kept } = await daypass.login('oidc', { name: 'bench', method: 'browser', given })
  if (kept !== store) throw new Error(`the key lies in the ${kept}, not in the ${store}`)
  const vault = diskVault(join(home.folder, 'vault'), { wanted: store })
  const { header, grant } = (await vault.read('bench'))!
  for (let index = 1; index < identities; index++) {
    await vault.write({ header: { ...header, name: `bench-${index}` }, ...(grant && { grant }) })
  }
  return home
}

export function removeHomes(): void {
  for (const folder of homes.splice(0)) rmSync(folder, { recursive: true, force: true })
}

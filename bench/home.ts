/** Creates a user's home with identities, and the program as that user runs it. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '../src/core/secret.ts'
import type { Entry, Header, KeysCredential } from '../src/core/types.ts'
import { createDaypass } from '../src/index.ts'
import type { AuthorizationServer } from '../src/testing/authorization-server.ts'
import { scriptedBrowser } from '../src/testing/browser.ts'
import { openDiskVault } from '../src/vault/open-vault.ts'
import { cleanEnvironment, type Program } from './measure.ts'

export const ROOT = join(import.meta.dirname, '..')
const CLI = join(ROOT, 'dist/cli.cjs')

export type Store = 'file' | 'keychain'

export interface Home {
  env: Record<string, string>
  /** Builds the program `daypass` with these arguments. */
  daypass(...words: string[]): Program
  /** Expires the access token of the identity; its refresh token stays valid. */
  expire(): Promise<void>
}

const homes: string[] = []

export function newHome(store: Store = 'file'): Home & { folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'daypass-bench-'))
  homes.push(folder)
  const env = cleanEnvironment({ HOME: folder, DAYPASS_HOME: folder, DAYPASS_STORE: store })
  const vault = openDiskVault(join(folder, 'vault'), { wanted: store })
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

/** Creates a home that is logged in as `bench`, with copies up to `identities` in all. */
export async function loggedIn(server: AuthorizationServer, store: Store, identities = 1): Promise<Home> {
  const home = newHome(store)
  const terminal = { interactive: false, say() {}, warn() {}, busy: () => () => {} } as never
  const { openBrowser } = scriptedBrowser()
  const daypass = createDaypass({ env: { ...home.env, BROWSER: 'true' }, host: { openBrowser, terminal } })
  const given = { params: { issuer: server.issuer }, clientId: server.clientId }
  const { store: kept } = await daypass.login('oidc', { name: 'bench', method: 'browser', given })
  if (kept !== store) throw new Error(`the key lies in the ${kept}, not in the ${store}`)
  const vault = openDiskVault(join(home.folder, 'vault'), { wanted: store })
  const { header, grant } = (await vault.read('bench'))!
  for (let index = 1; index < identities; index++) {
    await vault.write({ header: { ...header, name: `bench-${index}` }, ...(grant && { grant }) })
  }
  return home
}

const HOUR = 3_600_000

/** The lengths are those of AWS. */
const letters = (length: number) => randomBytes(length).toString('base64').slice(0, length)

/** Creates a home with `bench`, an AWS login that is valid for hours, so that no renewal is measured. */
export async function withKeys(): Promise<Home> {
  const home = newHome()
  const times = { issuedAt: Date.now(), expiresAt: Date.now() + 12 * HOUR }
  const credential: KeysCredential = {
    kind: 'keys',
    cloud: 'aws',
    accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
    secretAccessKey: new Secret(letters(40)),
    sessionToken: new Secret(letters(900)),
    ...times,
  }
  const header: Header = {
    v: 1,
    name: 'bench',
    kind: 'aws/user',
    provider: 'aws',
    params: { region: 'us-east-1' },
    endpoints: { token: 'https://us-east-1.signin.aws.amazon.com/v1/token' },
    method: 'browser',
    renewable: true,
    createdAt: Date.now(),
    ...times,
  }
  const grant = { credential, refreshToken: new Secret(letters(1200)), proofKey: new Secret(letters(300)) }
  await openDiskVault(join(home.folder, 'vault'), { wanted: 'file' }).write({ header, grant })
  return home
}

export function removeHomes(): void {
  for (const folder of homes.splice(0)) rmSync(folder, { recursive: true, force: true })
}

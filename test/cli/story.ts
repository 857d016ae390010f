import { chmodSync, cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import type { Entry, KeysCredential } from '../../src/core/types.ts'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { openDiskVault } from '../../src/vault/open-vault.ts'
import { BROWSER, type Result, type RunOptions, type Sandbox, sandbox } from '../kit/cli.ts'

/** A sandbox that is gone after the test. */
export function box(env?: RunOptions['env']): Sandbox {
  const made = sandbox(env)
  onTestFinished(made.remove)
  return made
}

/** Another home with the same vault, configuration and state. */
export function copyOf({ daypassHome }: Sandbox, env?: RunOptions['env']): Sandbox {
  const made = box(env)
  if (!existsSync(daypassHome)) return made
  cpSync(daypassHome, made.daypassHome, { recursive: true })
  // Copying keeps the modes of files only.
  for (const folder of ['', 'vault', 'vault/locks']) {
    if (existsSync(join(made.daypassHome, folder))) chmodSync(join(made.daypassHome, folder), 0o700)
  }
  return made
}

/** What names the kit's server, or another one, on the command line of `login oidc`. */
export const at = ({ issuer, clientId }: Pick<AuthorizationServer, 'issuer' | 'clientId'>) => [
  '--issuer',
  issuer,
  '--client-id',
  clientId,
]

/** A login with the scripted browser. Throws unless it succeeds. */
export async function logIn(
  one: Sandbox,
  server: Pick<AuthorizationServer, 'issuer' | 'clientId'>,
  name = 'work',
  ...more: string[]
): Promise<Result> {
  const result = await one.run(['login', 'oidc', name, ...at(server), ...more], { env: { BROWSER } })
  if (result.code !== 0) throw new Error(`the login failed (${result.code})\n${result.stderr}`)
  return result
}

export const vaultOf = ({ daypassHome }: Sandbox) =>
  openDiskVault(join(daypassHome, 'vault'), { wanted: 'file' })

/** Writes a kept record anew, as time or a server would have changed it. */
export async function change(one: Sandbox, name: string, edit: (entry: Entry) => Entry): Promise<void> {
  const vault = vaultOf(one)
  await vault.write(edit((await vault.read(name))!))
}

/** Its credential has so many milliseconds left of an hour, or is that long over. */
export function left(one: Sandbox, name: string, milliseconds: number): Promise<void> {
  const expiresAt = Date.now() + milliseconds
  const times = { issuedAt: expiresAt - 3_600_000, expiresAt }
  return change(one, name, ({ header, grant }) => ({
    header: { ...header, ...times },
    ...(grant && { grant: { ...grant, credential: { ...grant.credential, ...times } } }),
  }))
}

/** Its record becomes one of AWS, with keys that have an hour left. */
export async function withKeys(
  one: Sandbox,
  name: string,
  more: Partial<KeysCredential> = {},
): Promise<KeysCredential> {
  const now = Date.now()
  const credential: KeysCredential = {
    kind: 'keys',
    cloud: 'aws',
    accessKeyId: 'ASIAEXAMPLE',
    secretAccessKey: new Secret('secret/of+the=keys'),
    sessionToken: new Secret('session/of+the=keys'),
    issuedAt: now,
    expiresAt: now + 3_600_000,
    ...more,
  }
  const { issuedAt, expiresAt } = credential
  await change(one, name, ({ header: { endpoints: _, ...header } }) => ({
    header: {
      ...header,
      ...{ kind: 'aws/user', provider: 'aws', params: { region: 'eu-west-1' }, renewable: false },
      issuedAt,
      ...(expiresAt && { expiresAt }),
    },
    grant: { credential },
  }))
  return credential
}

/** Every file below a folder, by its path. One that is renamed meanwhile is left out. */
export function filesBelow(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile())
  const paths = files.map((each) => join(each.parentPath, each.name))
  return new Map(
    paths.flatMap((path) => {
      try {
        return [[path, readFileSync(path, 'latin1')] as const]
      } catch {
        return []
      }
    }),
  )
}

/** A server and a home that is logged in there as `work`, for all tests of a file. */
export async function loggedIn(): Promise<{ server: AuthorizationServer; base: Sandbox }> {
  const server = await startAuthorizationServer()
  const base = sandbox()
  afterAll(async () => {
    await base.remove()
    await server.close()
  })
  await logIn(base, server)
  return { server, base }
}

/** A program that embeds daypass, as text: it is compiled and run beside the installed package, not here. */
export const EMBEDDER = `
import { type Config, createDaypass, type Daypass, DaypassError, defineProvider, type Provider, Secret } from 'daypass'
import schema from 'daypass/config.schema.json' with { type: 'json' }
import { type AlibabaCredentialsProvider, fromDaypass as alibabaKeys } from 'daypass/alibaba'
import { type AwsCredentialIdentity, fromDaypass } from 'daypass/aws'
import { EXIT, exitCode, isDaypassError } from 'daypass/errors'
import about from 'daypass/package.json' with { type: 'json' }
import { builtIn, oidc } from 'daypass/providers'
import { type AuthorizationServer, scriptedBrowser, startAuthorizationServer } from 'daypass/testing'
import { memoryVault, type Vault } from 'daypass/vault'

const own: Provider = defineProvider({ ...oidc, id: 'acme', kind: 'acme/user', title: 'Acme' })
const server: AuthorizationServer = await startAuthorizationServer()
const vault: Vault = memoryVault()
const config: Config = {
  default: 'work',
  auth: { identities: { work: { kind: 'acme/user', issuer: server.issuer, client_id: server.clientId } } },
}
const { openBrowser } = scriptedBrowser()
const daypass: Daypass = createDaypass({ config, vault, providers: [own], host: { openBrowser } })

const { header } = await daypass.login('work', { method: 'browser' })
const credential = await daypass.credential(undefined, { minTtl: '10m' })
if (credential.kind !== 'bearer' || !(credential.token instanceof Secret)) throw new Error('no bearer token')
const answer: Response = await daypass.fetch()(server.endpoints.resource)
const error: unknown = await daypass.credential('nobody').catch((thrown: unknown) => thrown)
if (!(error instanceof DaypassError) || !isDaypassError(error, 'not_found')) throw new Error('no such error')
const code: number = exitCode(error)
const keys: () => Promise<AwsCredentialIdentity> = fromDaypass({ identity: 'work', daypass })
const none: unknown = await keys().catch((thrown: unknown) => thrown)
if (!isDaypassError(none, 'usage')) throw new Error('a token is no key')
const alibaba: AlibabaCredentialsProvider = alibabaKeys({ identity: 'work', daypass })
const neither: unknown = await alibaba.getCredential().catch((thrown: unknown) => thrown)
if (!isDaypassError(neither, 'usage')) throw new Error('a token is no key of any cloud')
await daypass.logout('work')
await server.close()

const said = [about.name, schema.title, header.method, answer.status, code === EXIT.not_found, 'gitlab' in builtIn]
console.log(JSON.stringify(said))
`

/** The way someone strict compiles it. */
export const strictly = (module: 'nodenext' | 'esnext', types: string) => ({
  compilerOptions: {
    module,
    moduleResolution: module === 'esnext' ? 'bundler' : 'nodenext',
    target: 'es2022',
    lib: ['es2022'],
    types: ['node'],
    typeRoots: [types],
    resolveJsonModule: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    outDir: 'compiled',
  },
  files: ['embedder.ts'],
})

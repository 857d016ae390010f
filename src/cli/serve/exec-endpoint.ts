import type { CredentialResult } from '../../client/credential.ts'
import { DaypassError } from '../../core/errors.ts'
import type { BearerCredential, Host } from '../../core/types.ts'
import { buildEnvChanges, type EnvChanges, type EnvVariable } from '../../formats/variables.ts'
import { parseProxies } from '../../platform/proxy-fetch.ts'
import type { Provider } from '../../providers/provider.ts'
import { checkTenant, obtainCredential, resolveEnvVariables } from '../hand-out.ts'
import type { CommandContext } from '../output/result.ts'
import { openApiProxy } from './api-proxy.ts'
import {
  buildEndpointEnvironment,
  createLastingKeysError,
  createNotRenewableError,
  openLiveEndpoint,
} from './credential-endpoint.ts'

/** An endpoint for one program, and the environment that points to it. */
interface ExecEndpoint {
  changes: EnvChanges
  close(): Promise<void>
}

/** Opens an endpoint that keeps the credential renewed as long as the program runs. */
export async function openExecEndpoint(
  world: CommandContext,
  selected: string | undefined,
  tenant: string | undefined,
): Promise<ExecEndpoint> {
  const { changes, close } = await openBareEndpoint(world, selected, tenant)
  return { changes: { ...changes, set: [...changes.set, ...buildNoProxyVariables(world.host.env)] }, close }
}

/** Excludes 127.0.0.1 from the proxy of the environment, which would see the bearer. */
function buildNoProxyVariables(env: Host['env']): EnvVariable[] {
  const said = env.no_proxy?.trim() || env.NO_PROXY?.trim() || ''
  if (!parseProxies(env) || /^\*$|(^|[\s,])127\.0\.0\.1($|[\s,])/.test(said)) return []
  return ['no_proxy', 'NO_PROXY'].map((name) => {
    const others = env[name]?.trim() || said
    return { name, value: others === '' ? '127.0.0.1' : `${others},127.0.0.1` }
  })
}

async function openBareEndpoint(
  world: CommandContext,
  selected: string | undefined,
  tenant: string | undefined,
): Promise<ExecEndpoint> {
  await checkTenant(world, selected, tenant)
  const handed = await obtainCredential(world, selected, undefined)
  const { identity, credential, header, variable } = handed
  const { provider, endpoints, ...beside } = await resolveEnvVariables(world, selected, tenant)
  if (credential.kind === 'keys' && provider.environment.export?.live)
    return openKeysEndpoint(world, selected, handed, provider)
  const { proxyEndpoint } = provider.helpers
  if (!proxyEndpoint) throw createNoEndpointError(provider, identity, credential.kind === 'keys')
  if (variable) throw createNotRenewableError(variable, world.verb)
  if (credential.kind === 'keys') throw createLastingKeysError(identity)
  const { url, bearer, close } = await openApiProxy(world, handed, {
    place: { port: 0 },
    routesOf: ({ endpoints }) => [{ prefix: '', base: endpoints[proxyEndpoint] ?? '' }],
  })
  const ours: BearerCredential = { ...credential, token: bearer }
  const changes = buildEnvChanges(provider, ours, {
    ...beside,
    endpoints: { ...endpoints, [proxyEndpoint]: url },
    account: header?.account?.account,
  })
  return { changes, close }
}

/** Opens an endpoint for a cloud whose programs ask for their keys, and so get new ones. */
async function openKeysEndpoint(
  world: CommandContext,
  selected: string | undefined,
  handed: CredentialResult,
  provider: Provider,
): Promise<ExecEndpoint> {
  const { url, bearer, close } = await openLiveEndpoint(world, handed, provider, { place: { port: 0 } })
  return { changes: await buildEndpointEnvironment(world, selected, { url, bearer }), close }
}

const createNoEndpointError = ({ title }: Provider, identity: string, isKeys: boolean) =>
  new DaypassError('usage', `programs that use ${title} cannot be given an endpoint`, {
    hint: (command) =>
      `leave out --endpoint, or let the program ask: ${command({ verb: isKeys ? 'credential-process' : 'token', identity })}`,
  })

/** Returns whether an endpoint can serve this credential and keep it renewed. */
export const hasEndpoint = (
  { environment, helpers }: Provider,
  { credential, variable }: CredentialResult,
): boolean =>
  variable === undefined &&
  (credential.kind === 'keys' ? environment.export?.live : helpers.proxyEndpoint) !== undefined

import type { Handed } from '../../client/credential.ts'
import { DaypassError } from '../../core/errors.ts'
import type { BearerCredential, Host } from '../../core/types.ts'
import { type Changes, changesFor, type Variable } from '../../formats/variables.ts'
import { proxiesOf } from '../../platform/proxy-fetch.ts'
import type { Provider } from '../../providers/provider.ts'
import { carrierOf, checkTenant, handOut } from '../hand-out.ts'
import type { World } from '../output/result.ts'
import { openApi } from './api-proxy.ts'
import { lasting, leadingTo, notOurs, openLive } from './credential-endpoint.ts'

/** An endpoint for one program, and the environment that leads there. */
interface Endpoint {
  changes: Changes
  close(): Promise<void>
}

/** A credential that is good, and somebody who keeps it so as long as the program runs. */
export async function openEndpoint(
  world: World,
  selected: string | undefined,
  tenant: string | undefined,
): Promise<Endpoint> {
  const { changes, close } = await opened(world, selected, tenant)
  return { changes: { ...changes, set: [...changes.set, ...pastProxies(world.host.env)] }, close }
}

/** Many programs ask even this machine through the proxy of the environment, which would be told the bearer. */
function pastProxies(env: Host['env']): Variable[] {
  const said = env.no_proxy?.trim() || env.NO_PROXY?.trim() || ''
  if (!proxiesOf(env) || /^\*$|(^|[\s,])127\.0\.0\.1($|[\s,])/.test(said)) return []
  return ['no_proxy', 'NO_PROXY'].map((name) => {
    const others = env[name]?.trim() || said
    return { name, value: others === '' ? '127.0.0.1' : `${others},127.0.0.1` }
  })
}

async function opened(
  world: World,
  selected: string | undefined,
  tenant: string | undefined,
): Promise<Endpoint> {
  await checkTenant(world, selected, tenant)
  const handed = await handOut(world, selected, undefined)
  const { identity, credential, header, variable } = handed
  const { provider, endpoints, ...beside } = await carrierOf(world, selected, tenant)
  if (credential.kind === 'keys' && provider.environment.export?.live)
    return openKeys(world, selected, handed, provider)
  const { proxyEndpoint } = provider.helpers
  if (!proxyEndpoint) throw noEndpoint(provider, identity, credential.kind === 'keys')
  if (variable) throw notOurs(variable, world.verb)
  if (credential.kind === 'keys') throw lasting(identity)
  const { url, bearer, close } = await openApi(world, handed, {
    place: { port: 0 },
    routesOf: ({ endpoints }) => [{ prefix: '', base: endpoints[proxyEndpoint] ?? '' }],
  })
  const ours: BearerCredential = { ...credential, token: bearer }
  const changes = changesFor(provider, ours, {
    ...beside,
    endpoints: { ...endpoints, [proxyEndpoint]: url },
    account: header?.account?.account,
  })
  return { changes, close }
}

/** Of a cloud whose programs ask for their keys, and so are given new ones. */
async function openKeys(
  world: World,
  selected: string | undefined,
  handed: Handed,
  provider: Provider,
): Promise<Endpoint> {
  const { url, bearer, close } = await openLive(world, handed, provider, { place: { port: 0 } })
  return { changes: await leadingTo(world, selected, { url, bearer }), close }
}

const noEndpoint = ({ title }: Provider, identity: string, isKeys: boolean) =>
  new DaypassError('usage', `programs that use ${title} cannot be given an endpoint`, {
    hint: (command) =>
      `leave out --endpoint, or let the program ask: ${command({ verb: isKeys ? 'credential-process' : 'token', identity })}`,
  })

/** Whether what is handed out can be had from an endpoint that keeps it good. */
export const hasEndpoint = ({ environment, helpers }: Provider, { credential, variable }: Handed): boolean =>
  variable === undefined &&
  (credential.kind === 'keys' ? environment.export?.live : helpers.proxyEndpoint) !== undefined

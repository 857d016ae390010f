import { buildProofKey, type CredentialResult, requireBearerToken } from '../../client/credential.ts'
import { listAllowedOrigins, resolveHelperUser } from '../../client/hosts.ts'
import { DaypassError } from '../../core/errors.ts'
import type { Secret } from '../../core/secret.ts'
import type { Header } from '../../core/types.ts'
import type { Definition } from '../../identity/definition.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Route } from '../../server/proxy-route.ts'
import type { ApiProxy, ProxyOptions } from '../../server/reverse-proxy.ts'
import type { CommandContext } from '../output/result.ts'
import { createMovedError, createNotRenewableError } from './credential-endpoint.ts'

interface ApiProxyOptions extends Pick<ProxyOptions, 'place' | 'onAsked' | 'onAnswered'> {
  /** Returns where the token may go now: another login of that name may use another server. */
  routesOf(definition: Definition, header: Header | undefined): Route[]
}

/** Opens a proxy that forwards requests to APIs with the token of the identity. */
export async function openApiProxy(
  { daypass, host }: CommandContext,
  { identity, header }: CredentialResult,
  { routesOf, ...where }: ApiProxyOptions,
): Promise<ApiProxy> {
  const definition = await daypass.definition(identity)
  const routes = routesOf(definition, header)
  const { provider, params } = definition
  const headers = provider.api.headers?.(params)
  const { startProxy } = await import('../../server/reverse-proxy.ts')
  return startProxy({
    ...where,
    routes,
    host,
    async getToken(rejected?: Secret) {
      // The same identity, even if the default changes meanwhile.
      const handed = await daypass.getCredential(identity, rejected ? { rejected } : {})
      const now = routesOf(await daypass.definition(identity), handed.header).map(({ base }) => base)
      if (!routes.every(({ base }) => now.includes(base))) throw createMovedError(identity)
      return {
        token: requireBearerToken(handed.credential),
        key: buildProofKey(handed.header, handed),
        renewable: handed.header?.renewable ?? false,
      }
    },
    userFor: (given) => provider.helpers.git?.user ?? (given || resolveHelperUser('git', definition, header)),
    ...(headers && { headers }),
  })
}

/** Opens a proxy with one prefix for each host that the identity's token may be sent to. */
export async function openHostProxy(
  world: CommandContext,
  handed: CredentialResult,
  where: Omit<ApiProxyOptions, 'routesOf'>,
): Promise<ApiProxy & { hosts: Record<string, string> }> {
  const { identity, credential, header, variable } = handed
  if (variable) throw createNotRenewableError(variable, world.verb, ['--proxy'])
  const definition = await world.daypass.definition(identity)
  if (credential.kind === 'keys')
    throw createProxyKeysError(identity, definition.provider, credential.sessionToken !== undefined)
  const hosts = [...listAllowedOrigins(definition, header?.endpoints).keys()]
  if (hosts.length === 0) throw createNoHostsError(identity)
  const proxy = await openApiProxy(world, handed, { ...where, routesOf: listHostRoutes })
  return { ...proxy, hosts: Object.fromEntries(hosts.map((host) => [host, `${proxy.url}/${host}`])) }
}

const listHostRoutes: ApiProxyOptions['routesOf'] = (definition, header) =>
  [...listAllowedOrigins(definition, header?.endpoints)].map(([host, base]) => ({ prefix: `/${host}`, base }))

const createProxyKeysError = (identity: string, { title, environment }: Provider, isTemporary: boolean) =>
  new DaypassError(
    'usage',
    `${identity} has keys of ${title}, and requests are signed with them by their own tools`,
    {
      hint: (command) =>
        environment.export?.live && isTemporary
          ? `${command({ verb: 'serve', identity })}, or ${command({ verb: 'exec', identity, flags: ['--endpoint', '--', 'CMD'] })}`
          : command({ verb: 'exec', identity, flags: ['--', 'CMD'] }),
    },
  )

const createNoHostsError = (identity: string) =>
  new DaypassError('usage', `no host is known that the token of ${identity} is for`, {
    hint: `write hosts: [api.example.com] into the configuration of ${identity}`,
  })
